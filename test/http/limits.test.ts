import { describe, expect, it, vi } from 'vitest'
import { hanging, refusingConnections, watchNetwork } from '../support/network.ts'
import { newAccount, newAddress, passphrase } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { randomIp, startWorker, type TestWorker } from '../support/worker.ts'

/** Windows of eleven days, so that none ends while a test runs; keys in Redis that no other test shares. */
const limited = (limits: Record<string, string>, more: Record<string, string> = {}) =>
  startWorker({
    ISSUER: `https://${crypto.randomUUID()}.test`,
    RATE_LIMITS: JSON.stringify({ '*': 'off', ...limits }),
    ...more,
  })
const resend = (worker: TestWorker, email = newAddress(), ip = worker.ip) =>
  worker.post('/v1/email/resend', { email }, { 'cf-connecting-ip': ip })

describe('a limit', () => {
  it('is exact, shows where the caller stands, and says when to come back', async () => {
    const worker = await limited({ 'email.ip': '3/999999' })
    for (const remaining of [2, 1, 0]) {
      const answer = await resend(worker)
      expect(answer.status).toBe(202)
      expect(answer.headers.get('ratelimit-policy')).toBe('"email.ip";q=3;w=999999')
      expect(answer.headers.get('ratelimit')).toMatch(new RegExp(`^"email\\.ip";r=${remaining};t=[1-9]\\d{0,5}$`))
    }
    for (let i = 0; i < 2; i++) {
      const refused = await resend(worker)
      expectProblem(refused, 'rate_limited')
      expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d{0,5}$/)
      expect(refused.headers.get('ratelimit')).toMatch(/^"email\.ip";r=0;t=[1-9]\d{0,5}$/)
    }
    expect((await resend(worker, newAddress(), randomIp())).status).toBe(202)
  })

  it('is shown with refusals of the work too', async () => {
    const worker = await limited({ 'login.ip': '5/999999', 'refresh.ip': '5/999999' })
    const answers = [
      await worker.post('/v1/login', { email: newAddress(), password: passphrase }),
      await worker.post('/v1/refresh', { refresh_token: 'x' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([401, 401])
    for (const { headers } of answers) expect(headers.get('ratelimit')).toMatch(/;r=4;t=/)
  })

  it('is one over all isolates', async () => {
    const worker = await limited({ 'email.ip': '4/999999' })
    const issuer = `https://${crypto.randomUUID()}.test`
    const settings = { ISSUER: issuer, RATE_LIMITS: '{"*":"off","email.ip":"4/999999"}' }
    const isolates = [await startWorker(settings), await startWorker(settings)]
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => resend(isolates[i % 2] ?? worker, newAddress(), worker.ip)),
    )
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(4)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(6)
    // Another deployment behind the same Redis counts for itself.
    expect((await resend(worker)).status).toBe(202)
  })

  it('is decided before the work: a refused request costs no query, no hash and no breach check', async () => {
    const network = watchNetwork()
    const worker = await limited({ 'register.ip': '1/999999' })
    const send = () => worker.post('/v1/register', { email: newAddress(), password: passphrase })
    expect((await send()).status).toBe(202)
    const before = network.sent('postgres').length
    expectProblem(await send(), 'rate_limited')
    expect(network.sent('postgres')).toHaveLength(before)
  })

  it('that an isolate saw refused is refused there without asking Redis again', async () => {
    const network = watchNetwork()
    const worker = await limited({ 'email.ip': '1/999999' })
    await resend(worker)
    expectProblem(await resend(worker), 'rate_limited')
    const before = network.sent('redis').length
    expectProblem(await resend(worker), 'rate_limited')
    expect(network.sent('redis')).toHaveLength(before)
  })

  it.each([
    ['/v1/register', 'register', () => ({ email: newAddress(), password: passphrase })],
    ['/v1/login', 'login', () => ({ email: newAddress(), password: passphrase })],
    ['/v1/refresh', 'refresh', () => ({ refresh_token: 'x' })],
    ['/v1/email/verify', 'email', () => ({ email: newAddress(), code: '12345678' })],
    ['/v1/email/verify', 'email', () => ({ token: 'A'.repeat(43) })],
    ['/v1/email/resend', 'email', () => ({ email: newAddress() })],
  ])('stands before %s (%s)', async (path, route, body) => {
    const worker = await limited({ [`${route}.ip`]: '1/999999' })
    expect((await worker.post(path, body())).status).not.toBe(429)
    expectProblem(await worker.post(path, body()), 'rate_limited')
  })

  it('takes all of an IPv6 /64 for one client, and another /64 for another', async () => {
    const worker = await limited({ 'email.ip': '1/999999' })
    const network = crypto.randomUUID().slice(0, 4)
    const from = (ip: string) => resend(worker, newAddress(), ip)
    expect((await from(`2001:db8:${network}:1::1`)).status).toBe(202)
    expect((await from(`2001:DB8:${network}:0001:ffff::2`)).status).toBe(429)
    expect((await from(`2001:db8:${network}:2::1`)).status).toBe(202)
  })

  it('does not believe X-Forwarded-For; CLIENT_IP_HEADER names another header where there is one', async () => {
    const send = (worker: TestWorker, headers: Record<string, string>) =>
      worker.post('/v1/email/resend', { email: newAddress() }, headers)
    const behindCloudflare = await limited({ 'email.ip': '1/999999' })
    expect((await send(behindCloudflare, { 'x-forwarded-for': '192.0.2.1' })).status).toBe(202)
    expect((await send(behindCloudflare, { 'x-forwarded-for': '192.0.2.2' })).status).toBe(429)
    const behindProxy = await limited({ 'email.ip': '1/999999' }, { CLIENT_IP_HEADER: 'X-Real-IP' })
    expect((await send(behindProxy, { 'x-real-ip': '192.0.2.1' })).status).toBe(202)
    expect((await send(behindProxy, { 'x-real-ip': '192.0.2.2' })).status).toBe(202)
    expect((await send(behindProxy, { 'x-real-ip': '192.0.2.1' })).status).toBe(429)
  })
})

describe('the account’s own limit', () => {
  it('holds from every address, and nobody is shown it', async () => {
    const worker = await limited({ 'email.ip': '100/999999', 'email.account': '2/999999' })
    const email = newAddress()
    for (let i = 0; i < 2; i++) {
      const answer = await resend(worker, email, randomIp())
      expect(answer.status).toBe(202)
      expect(answer.headers.get('ratelimit-policy')).toBe('"email.ip";q=100;w=999999')
    }
    const refused = await resend(worker, email.toUpperCase(), randomIp())
    expectProblem(refused, 'rate_limited')
    expect([...refused.headers].flat().join()).not.toContain('account')
    expect((await resend(worker, newAddress(), randomIp())).status).toBe(202)
  })

  it('is not eaten by an address that is blocked itself', async () => {
    const worker = await limited({ 'login.ip': '1/999999', 'login.account': '3/999999' })
    const person = await newAccount()
    const attacker = randomIp()
    const attempt = (ip: string, password: string) =>
      worker.post('/v1/login', { email: person.email, password }, { 'cf-connecting-ip': ip })
    for (let i = 0; i < 8; i++) await attempt(attacker, 'a guess of many words')
    expect((await attempt(randomIp(), person.password)).status).toBe(200)
  })

  it('is the same for known and unknown addresses', async () => {
    const worker = await limited({ 'login.ip_account': '2/999999' })
    const known = await newAccount()
    const faces = []
    for (const email of [known.email, newAddress()]) {
      const statuses = []
      for (let i = 0; i < 3; i++) {
        statuses.push((await worker.post('/v1/login', { email, password: 'a guess of many words' })).status)
      }
      faces.push(statuses)
    }
    expect(faces).toEqual([
      [401, 401, 429],
      [401, 401, 429],
    ])
  })
})

describe('while Redis is away', () => {
  it.each([
    ['refuses', refusingConnections],
    ['hangs', hanging],
  ])('the same limits count in the isolate alone, with the same headers: it %s', async (_, disturbance) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    watchNetwork().disturb('redis', disturbance)
    const worker = await limited({ 'email.ip': '2/999999' })
    const answers = []
    for (let i = 0; i < 4; i++) answers.push(await resend(worker))
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 429, 429])
    expect(answers.map(({ headers }) => headers.get('ratelimit')?.slice(0, 14))).toEqual([
      '"email.ip";r=1',
      '"email.ip";r=0',
      '"email.ip";r=0',
      '"email.ip";r=0',
    ])
    expect((await resend(worker, newAddress(), randomIp())).status).toBe(202)
    expect(log).toHaveBeenCalledOnce()
    log.mockRestore()
  })
})
