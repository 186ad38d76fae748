import { beforeEach, describe, expect, it } from 'vitest'
import { breachedPassphrases } from '../../dev/breached-passphrases.ts'
import { rows } from '../support/database.ts'
import { refusingConnections, watchNetwork } from '../support/network.ts'
import { login, newAddress, passphrase, register, registerAndVerify } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { mailsTo, newestMailTo } from '../support/received-mail.ts'
import { publicFace, startWorker, type TestWorker } from '../support/worker.ts'

let worker: TestWorker
beforeEach(async () => {
  worker = await startWorker()
})

const attemptsFor = (email: string) =>
  rows<{ email: string; password_hash: string; code_hash: string; token_hash: string; name: string | null }>(
    'select * from registrations where email_canonical = $1 order by id',
    email,
  )
const auditFor = (ip: string) =>
  rows<{ type: string; user_id: string | null; ip: string; detail: Record<string, unknown> }>(
    'select type, user_id, ip, detail from audit_events where ip = $1 order by id',
    ip,
  )

describe('POST /v1/register', () => {
  it('records an attempt, makes no account, and mails a code and a link', async () => {
    const email = newAddress()
    const answer = await worker.post(
      '/v1/register',
      { email, password: passphrase, name: 'Ada' },
      { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' },
    )
    expect(answer.status).toBe(202)
    expect(answer.body).toEqual({ status: 'verification_required' })

    const mail = await newestMailTo(email)
    expect(mail.code).toMatch(/^\d{8}$/)
    expect(mail.link).toMatch(/^https:\/\/auth\.test\/verify-email#token=[\w-]{43}$/)
    expect(mail.text).toMatch(/asked for at \d{4}-\d\d-\d\d \d\d:\d\d UTC from Firefox on Linux, IP address 10\./)
    expect(mail.html).toContain(mail.code)

    expect(await attemptsFor(email)).toHaveLength(1)
    expect(await rows('select id from users where email_canonical = $1', email)).toEqual([])
    expectProblem(await worker.post('/v1/login', { email, password: passphrase }), 'invalid_credentials')
  })

  it('stores neither password, nor code, nor link', async () => {
    const { email } = await register(worker)
    const [attempt] = await attemptsFor(email)
    const mail = await newestMailTo(email)
    const stored = JSON.stringify(attempt)
    expect(attempt?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    for (const secret of [passphrase, mail.code ?? '', mail.link?.split('=')[1] ?? '']) {
      expect(secret.length).toBeGreaterThan(7)
      expect(stored).not.toContain(secret)
    }
  })

  it('is audited once, and says whether the breach check could be made', async () => {
    const network = watchNetwork()
    await register(worker)
    network.disturb('breach', refusingConnections)
    await register(worker, { password: 'a passphrase whose range nobody has asked for' })
    expect(await auditFor(worker.ip)).toEqual([
      { type: 'user.registration_requested', user_id: null, ip: worker.ip, detail: { breach_check: 'passed' } },
      { type: 'user.registration_requested', user_id: null, ip: worker.ip, detail: { breach_check: 'unavailable' } },
    ])
  })

  it('keeps the address as it was typed, mails to its domain as DNS has it, and knows one canonical form', async () => {
    const typed = newAddress().replace('p', 'P')
    await register(worker, { email: ` ${typed} ` })
    expect((await attemptsFor(typed.toLowerCase()))[0]?.email).toBe(typed)
    const [local] = typed.split('@')
    await register(worker, { email: `${local}@B\u00fccher.Example` })
    const inDns = `${local}@xn--bcher-kva.example`
    expect((await attemptsFor(inDns.toLowerCase()))[0]?.email).toBe(`${local}@B\u00fccher.Example`)
    for (const address of [typed, inDns]) expect(await mailsTo(address)).toHaveLength(1)
  })

  it.each([
    [
      'too short',
      'fourteen chars',
      'weak_password',
      'The password needs at least 15 characters. Several words in a row are easy to remember.',
    ],
    ['too long', 'x'.repeat(129), 'weak_password', 'The password may have at most 128 characters.'],
    ['common', '1234567890123456', 'weak_password', expect.any(String)],
  ] as const)('refuses a password that is %s, before anything is written', async (_, password, code, detail) => {
    const email = newAddress()
    const answer = await worker.post('/v1/register', { email, password })
    expectProblem(answer, code, { errors: [{ pointer: '/password', detail }] })
    expect(answer.text).not.toContain(password)
    expect(await attemptsFor(email)).toEqual([])
    expect(await mailsTo(email)).toEqual([])
  })

  it('refuses a password made of the user’s own words', async () => {
    const answer = await worker.post('/v1/register', {
      email: `ada.lovelace.${crypto.randomUUID().slice(0, 8)}@example.com`,
      password: 'Postern Ada Lovelace 1815',
      name: 'Ada Lovelace',
    })
    expectProblem(answer, 'weak_password', {
      errors: [{ pointer: '/password', detail: expect.stringContaining('your name') }],
    })
  })

  it('refuses a password that is known from a breach', async () => {
    const answer = await worker.post('/v1/register', { email: newAddress(), password: breachedPassphrases[0] })
    expectProblem(answer, 'breached_password')
  })

  it('takes spaces, emoji, NUL and any script, and tells NFC and NFD apart from nothing', async () => {
    const typed = 'caf\u0065\u0301 \u0000 🐎🔋📎 ключ  '
    const person = await registerAndVerify(worker, { password: typed })
    await login(worker, { ...person, password: typed.normalize('NFC') })
    const trimmed = await worker.post('/v1/login', { ...person, password: typed.trim() })
    expectProblem(trimmed, 'invalid_credentials')
  })
})

describe('an address that has an account', () => {
  it('answers register exactly as a free one does, and tells its owner by mail alone', async () => {
    const owner = await registerAndVerify(worker)
    const stranger = newAddress()
    const taken = await worker.post('/v1/register', { email: owner.email.toUpperCase(), password: passphrase })
    const free = await worker.post('/v1/register', { email: stranger, password: passphrase })
    expect(publicFace(taken)).toEqual(publicFace(free))

    const mail = await newestMailTo(owner.email)
    expect(mail.subject).toBe('You already have an account')
    expect([mail.to, mail.code, mail.link]).toEqual([owner.email, null, 'https://app.test'])
    expect(await attemptsFor(owner.email)).toEqual([])
  })

  it('costs the same: one hash, one statement, one mail', async () => {
    const network = watchNetwork()
    const owner = await registerAndVerify(worker)
    const services = ['postgres', 'mail', 'breach'] as const
    const requestsFor = async (email: string, password: string) => {
      const before = services.map((service) => network.sent(service).length)
      expect((await worker.post('/v1/register', { email, password })).status).toBe(202)
      return services.map((service, i) => network.sent(service).length - (before[i] ?? 0))
    }
    // One statement for the answer; claiming and settling the mail come after it.
    expect(await requestsFor(owner.email, 'one passphrase of many words')).toEqual([3, 1, 1])
    expect(await requestsFor(newAddress(), 'another passphrase of many words')).toEqual([3, 1, 1])
  })

  it('answers resend exactly as a waiting and an unknown one do', async () => {
    const owner = await registerAndVerify(worker)
    const waiting = await register(worker)
    const faces = []
    for (const email of [owner.email, waiting.email, newAddress()]) {
      faces.push(publicFace(await worker.post('/v1/email/resend', { email })))
    }
    expect(faces[0]).toMatchObject({ status: 202, body: { status: 'verification_required' } })
    expect(faces[1]).toEqual(faces[0])
    expect(faces[2]).toEqual(faces[0])
    expect(await mailsTo(owner.email)).toHaveLength(1)
    expect(await mailsTo(waiting.email)).toHaveLength(2)
  })

  it('answers a wrong code exactly as a waiting and an unknown one do', async () => {
    const owner = await registerAndVerify(worker)
    const waiting = await register(worker)
    const right = (await newestMailTo(waiting.email)).code
    const wrong = right === '00000000' ? '11111111' : '00000000'
    const faces = []
    for (const email of [owner.email, waiting.email, newAddress()]) {
      const answer = await worker.post('/v1/email/verify', { email, code: wrong })
      expectProblem(answer, 'invalid_code')
      faces.push(publicFace(answer))
    }
    expect(faces[1]).toEqual(faces[0])
    expect(faces[2]).toEqual(faces[0])
  })
})
