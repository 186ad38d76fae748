import { beforeAll, expect, it, vi } from 'vitest'
import { type BuiltWorker, startBuiltWorker } from '../support/built-worker.ts'
import { mailsTo } from '../support/mailbox.ts'

// The main job over HTTP, one step after the other, as a newcomer walks through it.

const email = `ada-${crypto.randomUUID()}@example.test`
const password = 'seven green lanterns at noon'
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

let worker: BuiltWorker
beforeAll(async () => {
  worker = await startBuiltWorker({ database: 'postern_test_e2e' })
  return () => worker.close()
})

/** What the steps hand on to each other. */
const kept = { code: '', access: '', refresh: '', session: '' }

it('becomes ready', async () => {
  expect((await worker.ask('/healthz')).body).toEqual({ status: 'ok' })
  // A cold isolate makes the first key while an embedded server wakes up: that may outlast its patience once.
  await vi.waitFor(
    async () => {
      const { status, body } = await worker.ask('/readyz')
      expect({ status, body }).toMatchObject({ status: 200, body: { status: 'ready' } })
    },
    { timeout: 10_000, interval: 200 },
  )
})

it('registers and mails a code and a link', async () => {
  const { status, body } = await worker.ask('/v1/register', {
    body: { email, password, name: 'Ada' },
    headers: { 'user-agent': firefox, 'cf-connecting-ip': '203.0.113.9' },
  })
  expect({ status, body }).toEqual({ status: 202, body: { status: 'verification_required' } })
  const [mail] = await mailsTo(email)
  expect(mail?.subject).toBe('Confirm your e-mail address')
  expect(mail?.code).toMatch(/^\d{8}$/)
  expect(mail?.link).toMatch(/\/verify-email#token=[\w-]{43}$/)
  expect(mail?.text).toContain('203.0.113.9')
  kept.code = mail?.code ?? ''
})

it('refuses a login until the address is verified, as if there were no account', async () => {
  const unverified = await worker.ask('/v1/login', { body: { email, password } })
  const unknown = await worker.ask('/v1/login', { body: { email: `nobody-${email}`, password } })
  expect(unverified.status).toBe(401)
  expect({ ...unverified.body, request_id: '' }).toEqual({ ...unknown.body, request_id: '' })
})

it('verifies with the mailed code, once', async () => {
  const first = await worker.ask('/v1/email/verify', { body: { email, code: kept.code } })
  expect({ status: first.status, body: first.body }).toEqual({ status: 200, body: { status: 'verified' } })
  const again = await worker.ask('/v1/email/verify', { body: { email, code: kept.code } })
  expect(again).toMatchObject({ status: 400, body: { code: 'invalid_code' } })
})

it('logs in', async () => {
  const { status, headers, body } = await worker.ask('/v1/login', {
    body: { email, password },
    headers: { 'user-agent': firefox, 'cf-connecting-ip': '203.0.113.9' },
  })
  expect(status).toBe(200)
  expect(headers.get('cache-control')).toBe('no-store')
  expect(body).toEqual({
    access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    token_type: 'Bearer',
    expires_in: 900,
    refresh_token: expect.any(String),
    refresh_expires_in: 604_800,
    session_id: expect.any(String),
    device_token: expect.any(String),
  })
  kept.access = String(body.access_token)
  kept.refresh = String(body.refresh_token)
  kept.session = String(body.session_id)
})

it('validates the token', async () => {
  const { status, headers, body } = await worker.ask('/v1/verify', { bearer: kept.access })
  expect({ status, body }).toMatchObject({ status: 200, body: { active: true, sid: kept.session, roles: ['user'] } })
  expect(headers.get('x-auth-subject')).toBe(body.sub)
  expect(headers.get('x-auth-session')).toBe(kept.session)
})

it('refreshes', async () => {
  const { status, body } = await worker.ask('/v1/refresh', { body: { refresh_token: kept.refresh } })
  expect({ status, body }).toMatchObject({ status: 200, body: { session_id: kept.session } })
  expect(body.refresh_token).not.toBe(kept.refresh)
  kept.access = String(body.access_token)
  kept.refresh = String(body.refresh_token)
})

it('shows the devices', async () => {
  const { status, body } = await worker.ask('/v1/me/sessions', { bearer: kept.access })
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { sessions: [{ id: kept.session, browser: 'Firefox', os: 'Linux', current: true }] },
  })
})

it('logs out, and the very next request is refused', async () => {
  expect((await worker.ask('/v1/logout', { method: 'POST', bearer: kept.access })).status).toBe(204)
  const check = await worker.ask('/v1/verify', { bearer: kept.access })
  expect(check).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
  expect(check.headers.get('www-authenticate')).toContain('error="invalid_token"')
  const refresh = await worker.ask('/v1/refresh', { body: { refresh_token: kept.refresh } })
  expect(refresh).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
})

it('serves its public keys so that they can be cached', async () => {
  const { status, headers, body } = await worker.ask('/.well-known/jwks.json')
  expect(status).toBe(200)
  expect(headers.get('cache-control')).toBe('public, max-age=300, stale-while-revalidate=600, stale-if-error=86400')
  expect(headers.get('access-control-allow-origin')).toBe('*')
  const [header = ''] = kept.access.split('.')
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
  expect(body).toEqual({ keys: [{ kty: 'RSA', alg: 'RS256', use: 'sig', kid, n: expect.any(String), e: 'AQAB' }] })

  const etag = headers.get('etag') ?? ''
  expect(etag).toMatch(/^"[\w-]+"$/)
  const cached = await worker.ask('/.well-known/jwks.json', { headers: { 'if-none-match': etag } })
  expect(cached.status).toBe(304)
  expect(cached.headers.get('etag')).toBe(etag)
})

it('logs no address, password, code or token on the way', () => {
  const logged = worker.logs().join('\n')
  for (const secret of [email, password, kept.code, kept.access, kept.refresh]) expect(logged).not.toContain(secret)
})
