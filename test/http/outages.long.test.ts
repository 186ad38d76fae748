import { beforeEach, describe, expect, it, vi } from 'vitest'
import { rows } from '../support/database.ts'
import {
  answering,
  hanging,
  losingAnswers,
  type Network,
  refusingConnections,
  watchNetwork,
} from '../support/network.ts'
import { bearer, newAccount, newAddress, passphrase, refresh, register, signIn, verify } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { mailsTo, newestMailTo } from '../support/received-mail.ts'
import { type Answer, startWorker, type TestWorker } from '../support/worker.ts'

let worker: TestWorker
let network: Network
let log: ReturnType<typeof vi.spyOn>
beforeEach(async () => {
  log = vi.spyOn(console, 'error').mockImplementation(() => {})
  network = watchNetwork()
  // A set of revocations and keys of limits that no other test shares.
  worker = await startWorker({ ISSUER: `https://${crypto.randomUUID()}.test` })
  return () => log.mockRestore()
})

function expectUnavailable(answer: Answer<object | null>): void {
  expectProblem(answer, 'unavailable')
  expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
}

const logout = (token: string) => worker.send('/v1/logout', { method: 'POST', headers: bearer(token) })

describe('while Postgres is away', () => {
  const kinds = [
    ['refuses connections', refusingConnections],
    ['hangs', hanging],
    ['answers nonsense', answering(200, '<html>')],
    ['is shutting down', answering(400, '{"message":"terminating connection","code":"57P01"}')],
    ['has too many connections', answering(400, '{"message":"too many","code":"53300"}')],
  ] as const

  it.each(kinds)('everything that needs it is 503, with nothing half done: it %s', async (_, disturbance) => {
    const person = await signIn(worker)
    const email = newAddress()
    network.disturb('postgres', disturbance)
    const attempts = await Promise.all([
      worker.post('/v1/register', { email, password: passphrase }),
      worker.post('/v1/login', { email: person.email, password: passphrase }),
      worker.post('/v1/login', { email, password: passphrase }),
      refresh(worker, person.refresh_token),
      worker.post('/v1/email/verify', { email, code: '12345678' }),
      worker.post('/v1/email/resend', { email }),
      logout(person.access_token),
      worker.send('/v1/logout-all', { method: 'POST', headers: bearer(person.access_token) }),
      worker.get('/v1/me', bearer(person.access_token)),
    ])
    for (const answer of attempts) expectUnavailable(answer)
    vi.restoreAllMocks()

    expect(await rows('select id from registrations where email_canonical = $1', email)).toEqual([])
    expect(await mailsTo(email)).toEqual([])
    const again = await refresh(worker, person.refresh_token)
    expect(again.status, 'the refresh token stays good').toBe(200)
    expect(again.body.refresh_token).toContain('.1.')
    expect((await verify(worker, person.access_token)).status, 'nothing was logged out').toBe(200)
  })

  it('tells a known address from an unknown one no more than otherwise', async () => {
    const { email } = await newAccount()
    network.disturb('postgres', refusingConnections)
    const answers = []
    for (const address of [email, newAddress()]) {
      const answer = await worker.post('/v1/login', { email: address, password: passphrase })
      answers.push([answer.status, [...answer.headers.keys()], { ...answer.body, request_id: '' }])
    }
    expect(answers[0]).toEqual(answers[1])
  })

  it('verify goes on while Redis holds a lease, and so do the keys of a warm isolate', async () => {
    const { access_token } = await signIn(worker)
    await verify(worker, access_token) // takes the lease
    network.disturb('postgres', refusingConnections)
    expect((await verify(worker, access_token)).status).toBe(200)
    expect((await worker.get('/.well-known/jwks.json')).status).toBe(200)
    expect((await worker.get('/healthz')).status).toBe(200)
  })

  it('a cold isolate has no keys: 503, never a default one', async () => {
    network.disturb('postgres', refusingConnections)
    expectUnavailable(await (await startWorker()).get('/.well-known/jwks.json'))
  })

  it('says so in the log without address, password, token or SQL', async () => {
    const person = await signIn(worker)
    network.disturb('postgres', answering(400, JSON.stringify({ message: `for ${person.email}`, code: '57P01' })))
    await worker.post('/v1/login', { email: person.email, password: passphrase })
    await refresh(worker, person.refresh_token)
    const lines = log.mock.calls.flat().join('\n')
    expect(lines).toContain('SQLSTATE 57P01')
    for (const secret of [person.email, passphrase, person.refresh_token.split('.')[2] ?? '', 'select']) {
      expect(lines).not.toContain(secret)
    }
  })

  it('a statement that Postgres refuses for another reason is 500, and tells nothing', async () => {
    network.disturb('postgres', answering(400, '{"message":"secret column","code":"42703"}'))
    const answer = await worker.post('/v1/email/resend', { email: newAddress() })
    expectProblem(answer, 'internal')
    expect(answer.text).not.toContain('secret')
  })
})

describe('when the answer of Postgres is lost', () => {
  it('a refresh that was done all the same is repeated by the client without loss', async () => {
    const { refresh_token, session_id } = await signIn(worker)
    const { restore } = network.disturb('postgres', losingAnswers)
    expectUnavailable(await refresh(worker, refresh_token))
    restore()
    expect(await rows('select generation from sessions where id = $1', session_id)).toEqual([{ generation: 1 }])
    const answer = await refresh(worker, refresh_token)
    expect(answer.body.refresh_token).toContain(`${session_id}.1.`)
    expect((await refresh(worker, answer.body.refresh_token)).status).toBe(200)
  })

  it('a logout is not acknowledged, and the retry is', async () => {
    const { access_token } = await signIn(worker)
    const { restore } = network.disturb('postgres', losingAnswers)
    expectUnavailable(await logout(access_token))
    restore()
    expect((await logout(access_token)).status).toBe(204)
    expectProblem(await verify(worker, access_token), 'invalid_token')
  })
})

describe('a refresh that gets its row too late', () => {
  it('is 503 and has done nothing: the token stays good', async () => {
    const { refresh_token, session_id } = await signIn(worker)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 60_000 })
    expectUnavailable(await refresh(worker, refresh_token))
    vi.useRealTimers()
    expect(await rows('select generation from sessions where id = $1', session_id)).toEqual([{ generation: 0 }])
    expect((await refresh(worker, refresh_token)).status).toBe(200)
  })
})

describe('while Redis is away', () => {
  const kinds = [
    ['refuses connections', refusingConnections],
    ['hangs', hanging],
    ['answers nonsense', answering(200, '[{"result":"nonsense"}]')],
    ['answers a page', answering(200, '<html>')],
    ['refuses', answering(401, '{"error":"WRONGPASS"}')],
    ['breaks off', losingAnswers],
  ] as const

  it.each(kinds)('everything goes on, and verify is answered by Postgres: it %s', async (_, disturbance) => {
    network.disturb('redis', disturbance)
    const person = await signIn(worker)
    const before = network.sent('postgres').length
    expect((await verify(worker, person.access_token)).body).toMatchObject({ active: true })
    expect(network.sent('postgres').length).toBeGreaterThan(before)
    const next = await refresh(worker, person.refresh_token)
    expect(next.status).toBe(200)
    expect((await worker.get('/v1/me', bearer(next.body.access_token))).status).toBe(200)
    expect((await worker.get('/v1/me/sessions', bearer(next.body.access_token))).status).toBe(200)
  })

  it('a logged-out token is refused on the very next request, and again when Redis is back', async () => {
    // A logout then waits a lease and a second of clock skew.
    const settings = { ISSUER: `https://${crypto.randomUUID()}.test`, REVOCATION_LEASE_SECONDS: '1' }
    worker = await startWorker(settings)
    const elsewhere = await startWorker(settings)
    const { access_token } = await signIn(worker)
    expect((await verify(elsewhere, access_token)).status).toBe(200)
    await verify(worker, access_token) // Redis holds a lease that says nothing of what comes
    const { restore } = network.disturb('redis', refusingConnections)
    expect((await logout(access_token)).status).toBe(204)
    expectProblem(await verify(worker, access_token), 'invalid_token')
    restore()
    expectProblem(await verify(worker, access_token), 'invalid_token')
    expectProblem(await verify(elsewhere, access_token), 'invalid_token')
  })

  it('and Postgres too, checks are 503 and a warm JWKS is 200', async () => {
    const { access_token } = await signIn(worker)
    network.disturb('redis', refusingConnections)
    network.disturb('postgres', refusingConnections)
    expectUnavailable(await verify(worker, access_token))
    expect((await worker.get('/.well-known/jwks.json')).status).toBe(200)
  })
})

describe('while the mail provider is away', () => {
  it.each([
    ['refuses connections', refusingConnections],
    ['fails', answering(500, '{}')],
    ['refuses the key', answering(403, '{"name":"invalid_api_key"}')],
  ] as const)('registration succeeds, and the mail stays in the outbox: it %s', async (_, disturbance) => {
    const { restore } = network.disturb('mail', disturbance)
    const { email } = await register(worker)
    restore()
    expect(await mailsTo(email)).toEqual([])
    expect(log.mock.calls.flat().join('\n')).not.toContain(email)
    await worker.post('/v1/email/resend', { email })
    expect((await newestMailTo(email)).code).toMatch(/^\d{8}$/)
  })
})
