import { beforeEach, describe, expect, it } from 'vitest'
import { rows } from '../support/database.ts'
import { login, newAddress, passphrase, register, registerAndVerify } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { codeOf, linkTokenOf, mailsTo, newestMailTo } from '../support/received-mail.ts'
import { type Answer, startWorker, type TestWorker } from '../support/worker.ts'

let worker: TestWorker
beforeEach(async () => {
  worker = await startWorker()
})

const byCode = (email: string, code: string) => worker.post('/v1/email/verify', { email, code })
const byLink = (token: string) => worker.post('/v1/email/verify', { token })
const resend = (email: string) => worker.post('/v1/email/resend', { email })
const other = (code: string) => (code === '12345678' ? '87654321' : '12345678')

function expectVerified(answer: Answer): void {
  expect(answer.body).toEqual({ status: 'verified' })
  expect(answer.status).toBe(200)
}

async function expectNoAccount(email: string): Promise<void> {
  expect(await rows('select id from users where email_canonical = $1', email)).toEqual([])
}

describe('a code', () => {
  it('makes the account, once, with the role user and what was registered', async () => {
    const { email } = await register(worker, { name: 'Ada' })
    const code = codeOf(await newestMailTo(email))
    expectVerified(await byCode(email, code))
    const [user] = await rows(
      `select u.name, u.status, u.email_verified_at is not null as verified, array_agg(r.name) as roles
       from users u join user_roles ur on ur.user_id = u.id join roles r on r.id = ur.role_id
       where u.email_canonical = $1 group by u.id`,
      email,
    )
    expect(user).toEqual({ name: 'Ada', status: 'active', verified: true, roles: ['user'] })
    expect(await rows('select id from registrations where email_canonical = $1', email)).toEqual([])
    expectProblem(await byCode(email, code), 'invalid_code')
    await login(worker, { email, password: passphrase })
  })

  it('of one address is none of another', async () => {
    const [mine, yours] = [await register(worker), await register(worker)]
    expectProblem(await byCode(yours.email, codeOf(await newestMailTo(mine.email))), 'invalid_code')
    await expectNoAccount(yours.email)
    expectVerified(await byCode(mine.email, codeOf(await newestMailTo(mine.email))))
  })

  it('is dead after five wrong ones, and not before', async () => {
    const [patient, hasty] = [await register(worker), await register(worker)]
    for (const [person, tries] of [
      [patient, 4],
      [hasty, 5],
    ] as const) {
      const code = codeOf(await newestMailTo(person.email))
      for (let i = 0; i < tries; i++) expectProblem(await byCode(person.email, other(code)), 'invalid_code')
    }
    expectVerified(await byCode(patient.email, codeOf(await newestMailTo(patient.email))))
    expectProblem(await byCode(hasty.email, codeOf(await newestMailTo(hasty.email))), 'invalid_code')
    await expectNoAccount(hasty.email)
    // The link is no guess and lives on.
    expectVerified(await byLink(linkTokenOf(await newestMailTo(hasty.email))))
  })

  it('dies after ten minutes; the link lives as long as the attempt', async () => {
    const { email } = await register(worker)
    const [attempt] = await rows<{ code: number; whole: number }>(
      `select extract(epoch from code_expires_at - created_at)::int as code, extract(epoch from expires_at - created_at)::int as whole
       from registrations where email_canonical = $1`,
      email,
    )
    expect(attempt).toEqual({ code: 600, whole: 86_400 })
    await rows(
      `update registrations set code_expires_at = now() - interval '1 second' where email_canonical = $1 returning 1`,
      email,
    )
    const mail = await newestMailTo(email)
    expectProblem(await byCode(email, codeOf(mail)), 'invalid_code')
    expectVerified(await byLink(linkTokenOf(mail)))
  })

  it('dies with its attempt after a day, as the link does', async () => {
    const { email } = await register(worker)
    await rows(`update registrations set expires_at = now() where email_canonical = $1 returning 1`, email)
    const mail = await newestMailTo(email)
    expectProblem(await byCode(email, codeOf(mail)), 'invalid_code')
    expectProblem(await byLink(linkTokenOf(mail)), 'invalid_code')
    await expectNoAccount(email)
  })

  it('leaves one audit event for a right one and one for each wrong one, without the code', async () => {
    const { email } = await register(worker)
    const code = codeOf(await newestMailTo(email))
    await byCode(email, other(code))
    await byCode(email, code)
    const events = await rows<{ type: string; user_id: string | null }>(
      'select * from audit_events where ip = $1 order by id',
      worker.ip,
    )
    expect(events.map(({ type }) => type)).toEqual([
      'user.registration_requested',
      'user.verification_failed',
      'user.registered',
    ])
    expect(events.map(({ user_id }) => user_id !== null)).toEqual([false, false, true])
    for (const secret of [code, email]) expect(JSON.stringify(events)).not.toContain(secret)
  })
})

describe('a link', () => {
  it('verifies once', async () => {
    const { email } = await register(worker)
    const token = linkTokenOf(await newestMailTo(email))
    expectVerified(await byLink(token))
    expectProblem(await byLink(token), 'invalid_code')
    await login(worker, { email, password: passphrase })
  })

  it('is consumed by no GET of its page', async () => {
    const { email } = await register(worker)
    const token = linkTokenOf(await newestMailTo(email))
    for (const path of ['/verify-email', `/verify-email?token=${token}`])
      expect((await worker.get(path)).status).toBe(200)
    expectVerified(await byLink(token))
  })

  it('that nobody made does nothing', async () => {
    expectProblem(await byLink('A'.repeat(43)), 'invalid_code')
  })
})

describe('somebody else’s attempt for my address', () => {
  const theirs = 'a password that is not mine at all'

  it('does not become mine: my code makes my password live, and theirs dies', async () => {
    const { email } = await register(worker, { password: theirs, name: 'Mallory' })
    const theirMail = await newestMailTo(email)
    await register(worker, { email, name: 'Ada' })
    expectVerified(await byCode(email, codeOf(await newestMailTo(email))))
    await login(worker, { email, password: passphrase })
    expectProblem(await worker.post('/v1/login', { email, password: theirs }), 'invalid_credentials')
    expectProblem(await byLink(linkTokenOf(theirMail)), 'invalid_code')
    expect(await rows('select name from users where email_canonical = $1', email)).toEqual([{ name: 'Ada' }])
  })

  it('is not activated by the link of its mail, where I click it on the device on which I registered', async () => {
    const elsewhere = await startWorker()
    const { email } = await register(elsewhere, { password: theirs })
    const theirMail = await newestMailTo(email)
    await register(worker, { email })
    const mine = await newestMailTo(email)
    expectProblem(await byLink(linkTokenOf(theirMail)), 'invalid_code')
    expectProblem(await byCode(email, codeOf(theirMail)), 'invalid_code')
    await expectNoAccount(email)
    expectVerified(await byLink(linkTokenOf(mine)))
    expectProblem(await worker.post('/v1/login', { email, password: theirs }), 'invalid_credentials')
  })

  it('is not confirmed by my click on the mail that theirs sent me; without an attempt of mine, a code works from anywhere', async () => {
    const [mallory, ada, phone] = [await startWorker(), await startWorker(), await startWorker()]
    const { email } = await register(ada, { name: 'Ada' })
    const mine = codeOf(await newestMailTo(email))
    await register(mallory, { email, password: theirs })
    const theirMail = await newestMailTo(email)
    expectProblem(await ada.post('/v1/email/verify', { token: linkTokenOf(theirMail) }), 'invalid_code')
    expectProblem(await ada.post('/v1/email/verify', { email, code: codeOf(theirMail) }), 'invalid_code')
    expectVerified(await phone.post('/v1/email/verify', { email, code: mine }))
    expectProblem(await mallory.post('/v1/login', { email, password: theirs }), 'invalid_credentials')
    await login(ada, { email, password: passphrase })
  })

  it('does not block mine, and mine does not end theirs before one is verified', async () => {
    const { email } = await register(worker, { password: theirs })
    await register(worker, { email })
    expect(await rows('select id from registrations where email_canonical = $1', email)).toHaveLength(2)
    expect(await mailsTo(email)).toHaveLength(2)
  })

  it('is not renewed by my asking for a code: with several attempts the mail says to register once more', async () => {
    const { email } = await register(worker, { password: theirs })
    await register(worker, { email })
    const codes = (await mailsTo(email)).map(codeOf)
    expect((await resend(email)).status).toBe(202)
    const mail = await newestMailTo(email)
    expect(mail.subject).toBe('Please register once more')
    expect([mail.code, mail.link]).toEqual([null, null])
    // What went out before still works: nothing was renewed.
    expectVerified(await byCode(email, codes[0] ?? ''))
  })
})

describe('POST /v1/email/resend', () => {
  it('mails a new code and link; the older ones die', async () => {
    const { email } = await register(worker)
    const old = await newestMailTo(email)
    await resend(email)
    const fresh = await newestMailTo(email)
    expect(linkTokenOf(fresh)).not.toBe(linkTokenOf(old))
    expectProblem(await byLink(linkTokenOf(old)), 'invalid_code')
    if (codeOf(old) !== codeOf(fresh)) expectProblem(await byCode(email, codeOf(old)), 'invalid_code')
    expectVerified(await byCode(email, codeOf(fresh)))
  })

  it('gives a fresh code its own five tries and ten minutes', async () => {
    const { email } = await register(worker)
    const code = codeOf(await newestMailTo(email))
    for (let i = 0; i < 5; i++) await byCode(email, other(code))
    await resend(email)
    expectVerified(await byCode(email, codeOf(await newestMailTo(email))))
  })

  it('does not lengthen the life of the attempt', async () => {
    const { email } = await register(worker)
    const ends = () => rows('select expires_at from registrations where email_canonical = $1', email)
    const before = await ends()
    await resend(email)
    expect(await ends()).toEqual(before)
  })

  it('from another network or browser renews nothing: the registration may be a stranger’s', async () => {
    const { email } = await register(worker)
    const mine = await newestMailTo(email)
    const elsewhere = await startWorker()
    await elsewhere.post('/v1/email/resend', { email })
    const mail = await newestMailTo(email)
    expect([mail.subject, mail.code, mail.link]).toEqual(['Please register once more', null, null])
    await worker.post('/v1/email/resend', { email }, { 'user-agent': 'another browser' })
    expect((await newestMailTo(email)).subject).toBe('Please register once more')
    expectVerified(await byCode(email, codeOf(mine)))
  })

  it('is audited the same whether or not there is something to resend', async () => {
    const { email } = await register(worker)
    const owner = await registerAndVerify(worker)
    const asking = await startWorker()
    for (const address of [email, owner.email, newAddress()]) {
      await asking.post('/v1/email/resend', { email: address })
    }
    const event = { type: 'user.verification_resent', user_id: null, detail: { address_key: expect.any(String) } }
    expect(await rows('select type, user_id, detail from audit_events where ip = $1', asking.ip)).toEqual([
      event,
      event,
      event,
    ])
  })
})
