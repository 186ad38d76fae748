import { beforeEach, describe, expect, it } from 'vitest'
import { bearer, newAccount, refresh, type TokenSetBody, verify } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { type Answer, startWorker, type TestWorker } from '../support/worker.ts'

const allowed = 'https://app.test'
let worker: TestWorker
let tokens: TokenSetBody
let cookie: string
beforeEach(async () => {
  worker = await startWorker()
  const person = await newAccount()
  const answer = await worker.post<TokenSetBody>('/v1/login', { ...person, cookie: true }, { origin: allowed })
  tokens = answer.body
  cookie = cookieOf(answer)
})

/** The pair of the cookie that an answer sets, as the browser sends it back. */
function cookieOf({ headers }: Pick<Answer, 'headers'>): string {
  const [pair = '', ...attributes] = (headers.get('set-cookie') ?? '').split('; ')
  expect(attributes.filter((each) => !each.startsWith('Max-Age')).sort()).toEqual([
    'HttpOnly',
    'Path=/',
    'SameSite=Strict',
    'Secure',
  ])
  return pair
}

const byCookie = (path: string, headers: Record<string, string> = { origin: allowed }) =>
  worker.post<TokenSetBody>(path, {}, { cookie, ...headers })

describe('cookie mode', () => {
  it('keeps the refresh token out of the body and in a __Host- cookie as long as it lives', async () => {
    expect(tokens).not.toHaveProperty('refresh_token')
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 900, refresh_expires_in: 604_800 })
    expect(cookie).toMatch(/^__Host-refresh=[0-9a-f-]{36}\.0\.[\w-]{43}\.[\w-]{43}$/)
  })

  it('refreshes by cookie: the next token goes into the cookie, never into the body', async () => {
    const answer = await byCookie('/v1/refresh')
    expect(answer.status).toBe(200)
    expect(answer.body).not.toHaveProperty('refresh_token')
    const next = cookieOf(answer)
    expect(answer.headers.get('set-cookie')).toContain('Max-Age=604800')
    expect(next).toContain('.1.')
    expect(answer.text).not.toContain(next.split('.')[2])
    expect((await verify(worker, answer.body.access_token)).status).toBe(200)
  })

  it.each<[string, Record<string, string>]>([
    ['no origin', {}],
    ['another origin', { origin: 'https://evil.test' }],
    ['the origin null', { origin: 'null' }],
    ['a look-alike', { origin: 'https://app.test.evil.test' }],
    ['its own issuer, which is not listed', { origin: 'https://auth.test' }],
    ['only a Referer', { referer: 'https://app.test/' }],
  ])('is refused from %s, for refresh and logout alike, and nothing happens', async (_, headers) => {
    for (const path of ['/v1/refresh', '/v1/logout']) {
      const answer = await byCookie(path, headers)
      expectProblem(answer, 'forbidden')
      expect(answer.headers.get('set-cookie')).toBeNull()
    }
    expect((await byCookie('/v1/refresh')).status).toBe(200)
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'takes no form that a foreign page could post: %s',
    async (contentType) => {
      for (const path of ['/v1/refresh', '/v1/logout']) {
        const headers = { cookie, origin: allowed, 'content-type': contentType }
        expectProblem(await worker.send(path, { method: 'POST', headers, body: '{}' }), 'unsupported_media_type')
      }
      expect((await verify(worker, tokens.access_token)).status).toBe(200)
    },
  )

  it('does not log out by cookie where no JSON is sent', async () => {
    const answer = await worker.send('/v1/logout', { method: 'POST', headers: { cookie, origin: allowed } })
    expectProblem(answer, 'invalid_token')
    expect((await verify(worker, tokens.access_token)).status).toBe(200)
  })

  it('logs out by cookie and takes the cookie away', async () => {
    const answer = await byCookie('/v1/logout')
    expect(answer.status).toBe(204)
    expect(cookieOf(answer)).toBe('__Host-refresh=')
    expect(answer.headers.get('set-cookie')).toContain('Max-Age=0')
    expectProblem(await verify(worker, tokens.access_token), 'invalid_token')
    expectProblem(await byCookie('/v1/refresh'), 'invalid_token')
  })

  it('a token in the body goes before the cookie, and its answer is not a cookie', async () => {
    const answer = await worker.post(
      '/v1/refresh',
      { refresh_token: cookie.split('=')[1] },
      { cookie, origin: allowed },
    )
    expect(answer.status).toBe(200)
    expect(answer.body).toHaveProperty('refresh_token')
    expect(answer.headers.get('set-cookie')).toBeNull()
  })

  it.each(['refresh', '__Secure-refresh', '__host-refresh', 'Host-refresh'])(
    'knows no cookie of another name: %s',
    async (name) => {
      cookie = cookie.replace('__Host-refresh', name)
      const answer = await byCookie('/v1/refresh')
      expectProblem(answer, 'invalid_token')
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="postern"')
    },
  )

  it('is no way into anything else', async () => {
    expectProblem(await worker.get('/v1/me', { cookie, origin: allowed }), 'invalid_token')
    expectProblem(await worker.get('/v1/verify', { cookie, origin: allowed }), 'invalid_token')
    expect((await worker.get('/v1/me', bearer(tokens.access_token))).status).toBe(200)
  })

  it('a forged cookie is refused', async () => {
    cookie = cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
    expectProblem(await byCookie('/v1/refresh'), 'invalid_token')
    expectProblem(await refresh(worker, cookie.split('=')[1] ?? ''), 'invalid_token')
  })
})
