import { createLocalJWKSet, jwtVerify } from 'jose'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { databaseUrl, rowsIn } from '../support/database.ts'
import { refusingConnections, watchNetwork } from '../support/network.ts'
import { login, registerAndVerify, signIn, verify } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { startWorker, type TestWorker } from '../support/worker.ts'

interface KeySet {
  keys: { kid: string; n: string; e: string; kty: string; alg: 'RS256'; use: string }[]
}
const path = '/.well-known/jwks.json'
const read = (worker: TestWorker, headers: Record<string, string> = {}) => worker.get<KeySet>(path, headers)

describe('the key set', () => {
  it('publishes what another origin needs to verify our tokens, and nothing private', async () => {
    const worker = await startWorker()
    const { access_token } = await signIn(worker)
    const { status, headers, body } = await read(worker)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toMatch(/^application\/json/)
    expect(headers.get('cache-control')).toBe('public, max-age=300, stale-while-revalidate=600, stale-if-error=86400')
    for (const key of body.keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
      expect(key).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig', e: 'AQAB' })
    }
    const verified = await jwtVerify(access_token, createLocalJWKSet(body), {
      issuer: 'https://auth.test',
      audience: 'postern-test',
      typ: 'at+jwt',
      algorithms: ['RS256'],
    })
    expect(verified.payload.sub).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('is asked for again only when it has changed', async () => {
    const worker = await startWorker()
    const first = await read(worker)
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\w-]{22}"$/)
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await read(worker, { 'if-none-match': known })
      expect([again.status, again.text]).toEqual([304, ''])
      expect(again.headers.get('etag')).toBe(etag)
      expect(again.headers.get('cache-control')).toContain('max-age=300')
      expect(again.headers.get('access-control-allow-origin')).toBe('*')
    }
    for (const other of ['"other"', etag.slice(1), '']) {
      expect((await read(worker, { 'if-none-match': other })).status).toBe(200)
    }
  })

  it('costs nothing once the isolate is warm', async () => {
    const worker = await startWorker()
    await read(worker)
    const network = watchNetwork()
    for (let i = 0; i < 3; i++) await read(worker)
    expect([...network.sent('postgres'), ...network.sent('redis')]).toEqual([])
  })

  it('outlives Postgres in a warm isolate, and is 503 in a cold one', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const [warm, cold] = [await startWorker(), await startWorker()]
    const before = await read(warm)
    watchNetwork().disturb('postgres', refusingConnections)
    expect((await read(warm)).body).toEqual(before.body)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    expect((await read(warm)).body).toEqual(before.body)
    vi.useRealTimers()
    expectProblem(await read(cold), 'unavailable')
    log.mockRestore()
  })
})

describe('a deployment without any key', () => {
  const url = databaseUrl('postern_test_keys')
  const rows = rowsIn(url)
  // Made when it is first asked for, which takes longer than a request waits.
  beforeAll(() => rows('select 1 as one'))

  it('makes itself one, sealed, and every isolate uses it', async () => {
    const isolates = [await startWorker({ DATABASE_URL: url }), await startWorker({ DATABASE_URL: url })]
    const sets = await Promise.all(isolates.map((isolate) => read(isolate)))
    expect(sets[0]?.body.keys).toHaveLength(1)
    expect(sets[1]?.body).toEqual(sets[0]?.body)
    const [key, ...others] = await rows<{ kid: string; status: string; sealed_private_key: string }>(
      'select * from signing_keys',
    )
    expect(others).toEqual([])
    expect(key).toMatchObject({ kid: sets[0]?.body.keys[0]?.kid, status: 'active' })
    // PKCS#8 of RSA-2048 is some 1,200 bytes and begins with the same ones each time; what is sealed does not.
    const sealed = Buffer.from(key?.sealed_private_key ?? '', 'base64url')
    expect(sealed.length).toBeGreaterThan(1_200)
    expect(sealed.includes(Buffer.from('308204', 'hex').subarray(0, 3))).toBe(
      sealed.includes(Buffer.from([0x30, 0x82, 0x04])),
    )
    expect(await rows(`select type from audit_events where type = 'signing_key.created'`)).toHaveLength(1)
  })

  it('signs only with the right KEY_ENCRYPTION_KEY: with another, login is refused as an error of ours', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const right = await startWorker({ DATABASE_URL: url })
    const registered = await registerAndVerify(right)
    const person = { ...registered, ...(await login(right, registered)) }
    const wrong = await startWorker({
      DATABASE_URL: url,
      KEY_ENCRYPTION_KEY: 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=',
    })
    const answer = await wrong.post('/v1/login', { email: person.email, password: person.password })
    expectProblem(answer, 'internal')
    expect(log.mock.calls.flat().join()).toContain('a sealed value does not open')
    // Checking takes no secret.
    expect((await verify(wrong, person.access_token)).status).toBe(200)
    log.mockRestore()
  })
})
