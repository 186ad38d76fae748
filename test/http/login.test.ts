import { beforeEach, describe, expect, it } from 'vitest'
import { rows } from '../support/database.ts'
import { watchNetwork } from '../support/network.ts'
import { bearer, login, newAccount, newAddress, passphrase, refresh, register, verify } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { publicFace, startWorker, type TestWorker } from '../support/worker.ts'

let worker: TestWorker
beforeEach(async () => {
  worker = await startWorker()
})

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const sessionsOf = (email: string) =>
  rows<Record<string, unknown>>(
    `select s.*, extract(epoch from s.idle_expires_at - s.created_at)::int as idle,
       extract(epoch from s.expires_at - s.created_at)::int as absolute
     from sessions s join users u on u.id = s.user_id where u.email_canonical = $1 order by s.created_at`,
    email,
  )
const disable = (email: string) =>
  rows(`update users set status = 'disabled' where email_canonical = $1 returning id`, email)

describe('POST /v1/login', () => {
  it('opens a session and answers with a token set', async () => {
    const person = await newAccount()
    const answer = await worker.post('/v1/login', { email: person.email, password: person.password })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'Bearer',
      expires_in: 900,
      refresh_token: expect.stringMatching(/^[0-9a-f-]{36}\.0\.[\w-]{43}\.[\w-]{43}$/),
      refresh_expires_in: 604_800,
      session_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      device_token: expect.stringMatching(/^[0-9a-f-]{36}\.[\w-]{43}$/),
    })
    const [session] = await sessionsOf(person.email)
    expect(session).toMatchObject({ id: answer.body.session_id, idle: 604_800, absolute: 2_592_000, ip: worker.ip })
  })

  it('stores no secret of the tokens that it hands out', async () => {
    const person = await newAccount()
    const tokens = await login(worker, person)
    const stored = JSON.stringify([
      await sessionsOf(person.email),
      await rows('select * from audit_events where ip = $1', worker.ip),
    ])
    const [, , secret = '', mac = ''] = tokens.refresh_token.split('.')
    for (const each of [secret, mac, tokens.access_token, tokens.device_token.split('.')[1] ?? '', person.password]) {
      expect(each.length).toBeGreaterThan(20)
      expect(stored).not.toContain(each)
    }
  })

  it('takes the address in any spelling of its canonical form', async () => {
    const person = await newAccount()
    await login(worker, { ...person, email: ` ${person.email.toUpperCase()} ` })
  })

  it('names the device as the app does, or else by browser and system', async () => {
    const person = await newAccount()
    const as = (agent: string, more = {}) =>
      worker.post('/v1/login', { email: person.email, password: person.password, ...more }, { 'user-agent': agent })
    await as(firefox, { device_name: ' Ada’s laptop ' })
    await as(firefox)
    await as('')
    await as('x'.repeat(600))
    const names = (await sessionsOf(person.email)).map(({ device_name, browser, os }) => [device_name, browser, os])
    expect(names).toEqual([
      ['Ada’s laptop', 'Firefox', 'Linux'],
      ['Firefox on Linux', 'Firefox', 'Linux'],
      ['Unknown device', null, null],
      [expect.any(String), null, null],
    ])
  })

  it('is audited once, with who, where and which session', async () => {
    const person = await newAccount()
    const elsewhere = await startWorker()
    const tokens = await login(elsewhere, person)
    const answer = await elsewhere.post('/v1/login', { email: person.email, password: 'wrong' })
    const events = await rows('select * from audit_events where ip = $1 order by id', elsewhere.ip)
    expect(events).toMatchObject([
      { type: 'login.succeeded', session_id: tokens.session_id, detail: {} },
      {
        type: 'login.failed',
        session_id: null,
        request_id: answer.headers.get('x-request-id'),
        detail: { reason: 'wrong password', address_key: expect.stringMatching(/^[\w-]{22}$/) },
      },
    ])
    expect(JSON.stringify(events)).not.toContain(person.email)
  })

  it('costs two statements in sequence once the keys are warm', async () => {
    const person = await newAccount()
    await login(worker, person)
    const network = watchNetwork()
    await login(worker, person)
    expect(network.sent('postgres')).toHaveLength(2)
  })
})

describe('a refused login', () => {
  it('is the same for a wrong password, an unknown address and one that waits for its code', async () => {
    const person = await newAccount()
    const waiting = await register(worker)
    const network = watchNetwork()
    const refused = async (email: string, password: string) => {
      const before = network.sent('postgres').length
      const answer = await worker.post('/v1/login', { email, password })
      expectProblem(answer, 'invalid_credentials')
      return { ...publicFace(answer), statements: network.sent('postgres').length - before }
    }
    await refused(newAddress(), 'warms the keys')
    const wrongPassword = await refused(person.email, 'not the right passphrase')
    expect(await refused(newAddress(), passphrase)).toEqual(wrongPassword)
    expect(await refused(waiting.email, passphrase)).toEqual(wrongPassword)
  })

  it('tells that an account is disabled only after the right password', async () => {
    const person = await newAccount()
    await disable(person.email)
    const wrong = await worker.post('/v1/login', { email: person.email, password: 'not the right passphrase' })
    expectProblem(wrong, 'invalid_credentials')
    expectProblem(await worker.post('/v1/login', { email: person.email, password: passphrase }), 'account_disabled')
    expect(await sessionsOf(person.email)).toEqual([])
  })

  it.each([' ', 'x'.repeat(1_024), `${passphrase} `, passphrase.toUpperCase(), passphrase.slice(0, -1)])(
    'takes no other password: %o',
    async (password) => {
      const person = await newAccount()
      expectProblem(await worker.post('/v1/login', { email: person.email, password }), 'invalid_credentials')
    },
  )
})

describe('an account that is disabled', () => {
  it('loses its access tokens where Postgres is asked, and its refresh tokens at once', async () => {
    const person = await newAccount()
    const tokens = await login(worker, person)
    await disable(person.email)
    expectProblem(await refresh(worker, tokens.refresh_token), 'invalid_token')
    expectProblem(await worker.get('/v1/me', bearer(tokens.access_token)), 'invalid_token')
  })
})

describe('the device token', () => {
  const devicesOf = (email: string) =>
    rows<{ device_id: string; seen: number }>(
      `select d.device_id, count(s.id)::int as seen from known_devices d join users u on u.id = d.user_id
       left join sessions s on s.device_id = d.device_id where u.email_canonical = $1 group by d.device_id`,
      email,
    )

  it('makes two logins one known device', async () => {
    const person = await newAccount()
    const first = await login(worker, person)
    const second = await login(worker, person, { device_token: first.device_token })
    expect(second.device_token).toBe(first.device_token)
    expect(await devicesOf(person.email)).toEqual([{ device_id: first.device_token.split('.')[0], seen: 2 }])
    expect((await refresh(worker, second.refresh_token)).body.device_token).toBe(first.device_token)
  })

  it('of somebody else, changed or made up is a new device, and no error', async () => {
    const person = await newAccount()
    const stranger = await login(worker, await newAccount())
    const own = await login(worker, person)
    const [id, mac = ''] = own.device_token.split('.')
    const flipped = `${id}.${mac[0] === 'A' ? 'B' : 'A'}${mac.slice(1)}`
    for (const device_token of [stranger.device_token, flipped, `${id}.`, `${id}`, '.', '', 'x'.repeat(128)]) {
      const { device_token: made } = await login(worker, person, { device_token })
      expect(made).not.toBe(device_token)
      expect(made.split('.')[0]).not.toBe(id)
    }
    expect(await devicesOf(person.email)).toHaveLength(8)
  })

  it('of the previous secret is still recognised', async () => {
    const person = await newAccount()
    const { device_token } = await login(worker, person)
    const renewed = await startWorker({
      TOKEN_SECRET: 'another token secret of 32 bytes or more',
      TOKEN_SECRET_PREVIOUS: 'test-token-secret-of-more-than-32-bytes',
    })
    const again = await login(renewed, person, { device_token })
    expect(again.device_token.split('.')[0]).toBe(device_token.split('.')[0])
    expect(again.device_token).not.toBe(device_token)
  })
})

describe('a session opened', () => {
  it('hands out a token that verify accepts at once, in another isolate too', async () => {
    const person = await newAccount()
    const tokens = await login(worker, person)
    const elsewhere = await startWorker()
    expect((await verify(elsewhere, tokens.access_token)).status).toBe(200)
  })
})

describe('where a login comes from', () => {
  it('is what the platform says, and nothing where it says nothing that can be used', async () => {
    const person = await newAccount()
    const body = JSON.stringify({ email: person.email, password: person.password })
    const from = (cf: unknown) =>
      worker.send('/v1/login', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
        cf,
      } as RequestInit)
    await from({ country: 'FR', city: 'Paris' })
    await from({ country: 7, city: ['Paris'] })
    expect((await sessionsOf(person.email)).map(({ country, city }) => [country, city])).toEqual([
      ['FR', 'Paris'],
      [null, null],
    ])
  })

  it.each(['', 'evil\u007f', '10.0.0.1, 10.0.0.2', 'x'.repeat(60)])(
    'an address that is none is unknown: %o',
    async (ip) => {
      const person = await newAccount()
      await worker.post('/v1/login', { email: person.email, password: person.password }, { 'cf-connecting-ip': ip })
      expect(await sessionsOf(person.email)).toMatchObject([{ ip: 'unknown' }])
    },
  )
})
