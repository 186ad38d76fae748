import { beforeAll, describe, expect, it, vi } from 'vitest'
import { createApp } from '../../src/http/app.ts'
import type { Postern } from '../../src/services/postern.ts'
import { bearer } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { type Answer, startWorker, type TestWorker } from '../support/worker.ts'

let worker: TestWorker
beforeAll(async () => {
  worker = await startWorker()
})

const onEveryAnswer = {
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
}
const strictPolicy = "default-src 'none'; frame-ancestors 'none'"

function expectCommonHeaders({ headers }: Answer): void {
  expect(Object.fromEntries(headers)).toMatchObject(onEveryAnswer)
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
}

describe('every answer', () => {
  it.each([
    ['success', 'GET', '/healthz', 200],
    ['an empty one', 'HEAD', '/healthz', 200],
    ['a refused token', 'GET', '/v1/me', 401],
    ['an unknown path', 'GET', '/nope', 404],
    ['a wrong method', 'DELETE', '/v1/login', 405],
    ['a body of the wrong kind', 'POST', '/v1/login', 415],
    ['the key set', 'GET', '/.well-known/jwks.json', 200],
    ['the API description', 'GET', '/openapi.json', 200],
  ])('carries the security headers: %s', async (_, method, path, status) => {
    const answer = await worker.send(path, { method })
    expect(answer.status).toBe(status)
    expectCommonHeaders(answer)
    expect(answer.headers.get('content-security-policy')).toBe(strictPolicy)
  })

  it.each(['/docs', '/verify-email'])('is locked down by a policy of its own where it is a page: %s', async (path) => {
    const answer = await worker.get(path)
    expectCommonHeaders(answer)
    const policy = answer.headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain("script-src 'self';")
    expect(policy).not.toMatch(/script-src[^;]*unsafe|https?:|\*/)
  })

  it('has a request id of its own, whatever the caller sends', async () => {
    const sent = { 'x-request-id': 'mine' }
    const [one, other] = [await worker.get('/healthz', sent), await worker.get('/healthz', sent)]
    expect(one.headers.get('x-request-id')).not.toBe('mine')
    expect(one.headers.get('x-request-id')).not.toBe(other.headers.get('x-request-id'))
  })

  it.each(['/v1/login', '/v1/me', '/nope', '/healthz'])('is kept by no cache: %s', async (path) => {
    expect((await worker.get(path)).headers.get('cache-control')).toBe('no-store')
  })
})

describe('a path or method that is not there', () => {
  it.each([
    '/nope',
    '/v1',
    '/v1/login/',
    '//v1/login',
    '/V1/login',
    '/v1/login%00',
    '/%zz',
    '/index.html',
    '/package.json',
    '/docs/package.json',
    '/docs/../package.json',
    '/.well-known/',
  ])('is 404: %s', async (path) => {
    expectProblem(await worker.get(path), 'not_found')
  })

  it.each([
    ['GET', '/v1/login', 'POST'],
    ['HEAD', '/v1/register', 'POST'],
    ['OPTIONS', '/v1/refresh', 'POST'],
    ['POST', '/v1/verify', 'GET, HEAD'],
    ['PUT', '/v1/me', 'GET, HEAD, PATCH'],
    ['DELETE', '/v1/me/sessions', 'GET, HEAD'],
    ['GET', '/v1/me/sessions/01932c00-0000-7000-8000-000000000001', 'DELETE'],
    ['POST', '/.well-known/jwks.json', 'GET, HEAD'],
    ['PROPFIND', '/healthz', 'GET, HEAD'],
  ])('is 405 with what the path takes: %s %s', async (method, path, allow) => {
    const answer = await worker.send(path, { method })
    expect(answer.headers.get('allow')).toBe(allow)
    if (method === 'HEAD') expect([answer.status, answer.text]).toEqual([405, ''])
    else expectProblem(answer, 'method_not_allowed')
  })

  it('HEAD is GET without the body', async () => {
    const [head, get] = [await worker.send('/openapi.json', { method: 'HEAD' }), await worker.get('/openapi.json')]
    expect([head.status, head.text]).toEqual([200, ''])
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'))
    expect(get.text.length).toBeGreaterThan(1_000)
  })
})

describe('whatever is thrown inside', () => {
  /** The app over a key ring that throws this. */
  async function answerTo(thrown: unknown): Promise<{ answer: Answer; logged: string }> {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const published = () => Promise.reject(thrown)
    const app = createApp({ signing: { published } } as unknown as Postern, {
      issuer: 'https://auth.test',
      allowedOrigins: new Set(),
      clientIpHeader: 'CF-Connecting-IP',
      assets: null,
      background: (task) => task(),
    })
    const response = await app.request('/.well-known/jwks.json')
    const logged = log.mock.calls.flat().join('\n')
    log.mockRestore()
    const text = await response.text()
    return { answer: { status: response.status, headers: response.headers, text, body: JSON.parse(text) }, logged }
  }

  it.each([
    ['null', null],
    ['undefined', undefined],
    ['text', 'postgres://user:secret@host/db'],
    ['a number', 0],
    ['an object', { status: 200, code: 'secret' }],
    ['a Response', new Response('secret', { status: 200 })],
    ['an Error', new TypeError('secret detail of the inside')],
    ['an Error that calls itself a refusal', Object.assign(new Error('secret'), { code: 'not_found', status: 200 })],
  ])('is a plain 500 that tells nothing, and one line in the log: %s', async (_, thrown) => {
    const { answer, logged } = await answerTo(thrown)
    expectProblem(answer, 'internal')
    expectCommonHeaders(answer)
    expect(answer.text).not.toMatch(/secret|postgres|TypeError/)
    expect(JSON.parse(logged)).toMatchObject({
      level: 'error',
      event: 'unexpected error',
      request_id: answer.headers.get('x-request-id'),
    })
  })

  it('goes through the same door in the whole Worker', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const broken = await startWorker({
      ASSETS: {
        fetch() {
          throw null
        },
      },
    })
    expectProblem(await broken.get('/docs/swagger-ui.css'), 'internal')
    expect(log).toHaveBeenCalledOnce()
    log.mockRestore()
  })
})

describe('another origin', () => {
  const listed = 'https://app.test'
  const exposed = ['access-control-allow-origin', 'access-control-allow-credentials', 'access-control-allow-methods']
  const corsOf = ({ headers }: Answer) => [...headers.keys()].filter((name) => name.startsWith('access-control-'))

  it('that is listed may read answers, with credentials', async () => {
    for (const path of ['/healthz', '/v1/me', '/nope']) {
      const { headers } = await worker.get(path, { origin: listed })
      expect(headers.get('access-control-allow-origin')).toBe(listed)
      expect(headers.get('access-control-allow-credentials')).toBe('true')
      expect(headers.get('vary')).toBe('Origin')
    }
  })

  it('that is listed gets its preflight answered with an exact list', async () => {
    const answer = await worker.send('/v1/login', {
      method: 'OPTIONS',
      headers: {
        origin: listed,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, x-anything',
      },
    })
    expect(answer.status).toBe(204)
    expectCommonHeaders(answer)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': listed,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET,POST,PATCH,DELETE',
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-max-age': '600',
    })
    expect(answer.headers.get('vary')).toContain('Origin')
  })

  it.each([
    'https://evil.test',
    'http://app.test',
    'https://app.test.evil.test',
    'https://evil-app.test',
    'https://app.test:8443',
    'https://APP.test',
    'https://app.test/',
    'null',
    '*',
  ])('that is not listed to the letter gets no CORS header at all: %s', async (origin) => {
    for (const [method, path] of [
      ['GET', '/healthz'],
      ['GET', '/v1/me'],
      ['GET', '/nope'],
      ['OPTIONS', '/v1/login'],
    ] as const) {
      const answer = await worker.send(path, {
        method,
        headers: { origin, 'access-control-request-method': 'POST', ...bearer('x') },
      })
      expect(corsOf(answer)).toEqual([])
      expect(answer.headers.get('vary')).toBe('Origin')
    }
  })

  it.each(['/.well-known/jwks.json', '/openapi.json'])(
    'of any kind may read what is public, without credentials: %s',
    async (path) => {
      const { headers } = await worker.get(path, { origin: 'https://evil.test' })
      expect(headers.get('access-control-allow-origin')).toBe('*')
      expect(headers.get('access-control-allow-credentials')).toBeNull()
      expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    },
  )

  it('no origin at all means no CORS header', async () => {
    const answer = await worker.get('/healthz')
    for (const name of exposed) expect(answer.headers.get(name)).toBeNull()
  })
})
