import { describe, expect, it } from 'vitest'
import type { Email } from '../../src/domain/email.ts'
import type { LinkToken, OneTimeCode } from '../../src/domain/one-time-code.ts'
import { type Password, readPassword } from '../../src/domain/password-policy.ts'
import type { Mailer } from '../../src/ports.ts'
import { register } from '../../src/services/users/register.ts'
import { resendVerification } from '../../src/services/users/resend-verification.ts'
import { type EmailProof, verifyEmail } from '../../src/services/users/verify-email.ts'
import { openSql, request, settleDeferred, startIsolate } from '../support/node-isolate.ts'
import { allAtOnce, at, codeOf, inTurns, tally } from '../support/race.ts'
import { anyEmail, signIn } from '../support/race-users.ts'

interface Mail {
  code: OneTimeCode
  token: LinkToken
  /** The client that asked for it, as the mail tells its reader. */
  ip: string
}

/** Mails with a code, oldest first, by address. */
const mailbox = new Map<string, Mail[]>()
const mailer: Mailer = {
  async send({ to, text }) {
    const [, code, token, ip] = /^(\d{8})$[\s\S]*#token=(\S+)[\s\S]*IP address ([\d.]+)\. /m.exec(text) ?? []
    if (code === undefined || token === undefined || ip === undefined) return
    mailbox.set(to, [...(mailbox.get(to) ?? []), { code: code as OneTimeCode, token: token as LinkToken, ip }])
  },
}
const deployment = `registration-${crypto.randomUUID()}`
const isolates = Array.from({ length: 4 }, () => startIsolate({ deployment, mailer }))
const postern = at(isolates, 0)
const sql = openSql()

const passwordOf = (whose: number | string) => readPassword(`seven green lanterns of ${whose}`)
const ipOf = (index: number) => `198.51.100.${index + 1}`

const signUp = (email: Email, password: Password, ip: string, index = 0) =>
  register(at(isolates, index % 4), { email, password, name: null, device: null }, request(ip))
const resend = (email: Email, ip: string, index = 0) =>
  resendVerification(at(isolates, index % 4), { email, device: null }, request(ip))
const codeOfProof = (proof: EmailProof, index = 0) => codeOf(verifyEmail(at(isolates, index % 4), proof, request()))
const codeOfLogin = (email: Email, password: Password) => codeOf(signIn(postern, email, password))

async function mailsTo(email: Email): Promise<Mail[]> {
  await settleDeferred()
  return mailbox.get(email.address) ?? []
}

const askedToRegisterAgain = async (email: Email) =>
  (
    await sql`select o.id from outbox o join registrations r on r.id = o.registration_id
      where r.email_canonical = ${email.canonical} and o.kind = 'register_again'`
  ).length
const usersWith = async (email: Email) =>
  (await sql`select id from users where email_canonical = ${email.canonical}`).length
const attemptsFor = async (email: Email) =>
  (await sql`select id from registrations where email_canonical = ${email.canonical}`).length

describe('50 parallel registrations of one address', () => {
  it('end as one user, whatever codes and links are used in parallel', async () => {
    for (let round = 0; round < 3; round++) {
      const email = anyEmail()
      await allAtOnce(50, (index) => signUp(email, passwordOf(index), ipOf(index), index))
      const mails = await mailsTo(email)
      expect(mails).toHaveLength(50)

      const proofs = mails.flatMap(({ code, token }): EmailProof[] => [{ email, code }, { token }])
      const codes = await allAtOnce(100, (index) => codeOfProof(at(proofs, index), index))
      expect(tally(codes)).toEqual({ ok: 1, invalid_code: 99 })
      expect(await usersWith(email)).toBe(1)
      expect(await attemptsFor(email)).toBe(0)

      // The account is the one whose own code or link was used, and nobody else's password opens it.
      const winner = at(mails, Math.floor(codes.indexOf('ok') / 2)).ip
      const logins = await allAtOnce(50, (index) => codeOfLogin(email, passwordOf(index)))
      expect(tally(logins)).toEqual({ ok: 1, invalid_credentials: 49 })
      expect(ipOf(logins.indexOf('ok'))).toBe(winner)
    }
  })

  it('end as one user when more registrations arrive while codes are used', async () => {
    for (let round = 0; round < 5; round++) {
      const email = anyEmail()
      await allAtOnce(10, (index) => signUp(email, passwordOf(index), ipOf(index), index))
      const mails = await mailsTo(email)
      const late = allAtOnce(20, (index) => signUp(email, passwordOf(index + 10), ipOf(index + 10), index))
      const codes = await allAtOnce(10, (index) => codeOfProof({ token: at(mails, index).token }, index))
      await late
      expect(tally(codes)).toEqual({ ok: 1, invalid_code: 9 })
      // What slipped in behind the account's making must not make another one, or change it.
      const stragglers = (await mailsTo(email)).slice(10)
      const again = await Promise.all(stragglers.map(({ token }, index) => codeOfProof({ token }, index)))
      expect(tally(again)).toEqual(stragglers.length === 0 ? {} : { invalid_code: stragglers.length })
      expect(await usersWith(email)).toBe(1)
      const winner = at(mails, codes.indexOf('ok')).ip
      expect(await codeOfLogin(email, passwordOf(Number(winner.split('.')[3]) - 1))).toBe('ok')
    }
  })
})

describe('one code', () => {
  it.each(['code', 'link'])('used 100 times in parallel, as a %s, succeeds once', async (kind) => {
    for (let round = 0; round < 3; round++) {
      const email = anyEmail()
      await signUp(email, passwordOf('mine'), ipOf(0))
      const { code, token } = at(await mailsTo(email), 0)
      const proof: EmailProof = kind === 'code' ? { email, code } : { token }
      expect(tally(await allAtOnce(100, (index) => codeOfProof(proof, index)))).toEqual({ ok: 1, invalid_code: 99 })
      expect(await usersWith(email)).toBe(1)
    }
  })

  const wrong = (code: OneTimeCode, index: number) =>
    String((Number(code) + 1 + index) % 100_000_000).padStart(8, '0') as OneTimeCode

  it.each([5, 6, 200])('is refused after %i wrong ones in parallel', async (guesses) => {
    for (let round = 0; round < (guesses > 10 ? 2 : 15); round++) {
      const email = anyEmail()
      await signUp(email, passwordOf('mine'), ipOf(0))
      const { code, token } = at(await mailsTo(email), 0)
      const codes = await allAtOnce(guesses, (index) => codeOfProof({ email, code: wrong(code, index) }, index))
      expect(tally(codes)).toEqual({ invalid_code: guesses })
      // Five were evaluated: no guess was lost to another one's counting. The counter stops there, or it would overflow one day.
      const [row] = await sql`select code_tries as tries from registrations where email_canonical = ${email.canonical}`
      expect(row?.tries).toBe(5)
      expect(await codeOfProof({ email, code })).toBe('invalid_code')
      expect(await usersWith(email)).toBe(0)
      expect(await codeOfProof({ token })).toBe('ok')
    }
  })

  it('is still good after four wrong ones in parallel', async () => {
    for (let round = 0; round < 10; round++) {
      const email = anyEmail()
      await signUp(email, passwordOf('mine'), ipOf(0))
      const { code } = at(await mailsTo(email), 0)
      await allAtOnce(4, (index) => codeOfProof({ email, code: wrong(code, index) }, index))
      expect(await codeOfProof({ email, code })).toBe('ok')
    }
  })
})

describe("somebody else's registration of my address", () => {
  const [mine, theirs] = [ipOf(0), ipOf(1)]

  it('never becomes live by my click, whoever came first', async () => {
    for (const strangerFirst of [true, false]) {
      const email = anyEmail()
      const stranger = () => signUp(email, passwordOf('theirs'), theirs)
      if (strangerFirst) await stranger()
      await signUp(email, passwordOf('mine'), mine)
      if (!strangerFirst) await stranger()
      const mails = await mailsTo(email)
      const { code } = at(
        mails.filter(({ ip }) => ip === mine),
        0,
      )
      expect(await codeOfProof({ email, code })).toBe('ok')
      expect(await codeOfLogin(email, passwordOf('mine'))).toBe('ok')
      expect(await codeOfLogin(email, passwordOf('theirs'))).toBe('invalid_credentials')
      const left = mails.filter(({ ip }) => ip === theirs)
      expect(await Promise.all(left.map(({ token }) => codeOfProof({ token })))).toEqual(['invalid_code'])
    }
  })

  it('never becomes live through resend, mine or theirs: with two attempts waiting, no code goes out', async () => {
    const email = anyEmail()
    await signUp(email, passwordOf('theirs'), theirs)
    await signUp(email, passwordOf('mine'), mine)
    const before = await mailsTo(email)
    await allAtOnce(20, (index) => resend(email, index % 2 === 0 ? mine : theirs, index))
    expect(await mailsTo(email)).toEqual(before)
    expect(await askedToRegisterAgain(email)).toBe(20)
  })

  it('never becomes live through my resend when theirs alone is waiting: no code goes out, and mine is asked for', async () => {
    const email = anyEmail()
    await signUp(email, passwordOf('theirs'), theirs)
    const before = await mailsTo(email)
    await allAtOnce(10, (index) => resend(email, mine, index))
    expect(await mailsTo(email)).toEqual(before)
    expect(await askedToRegisterAgain(email)).toBe(10)
  })

  it('never becomes live in any order of their registrations and resends with mine', async () => {
    let verified = 0
    await inTurns("a stranger's registrations and resends against mine", 24, 4, async () => {
      const email = anyEmail()
      const clicked = new Set<string>()
      let mineIsLive = false
      for (let tries = 0; tries < 10 && !mineIsLive; tries++) {
        const stranger = allAtOnce(6, (index) =>
          index % 2 === 0 ? signUp(email, passwordOf('theirs'), theirs, index) : resend(email, theirs, index),
        )
        await signUp(email, passwordOf('mine'), mine, tries)
        // My registration is waiting by now, so whatever code my resend brings is mine.
        await Promise.all([resend(email, mine, tries + 1), tries > 2 ? null : stranger])
        const fresh = (await mailsTo(email)).filter(({ ip, token }) => ip === mine && !clicked.has(token))
        for (const { code, token } of fresh.reverse()) {
          clicked.add(token)
          mineIsLive ||= (await codeOfProof(tries % 2 === 0 ? { email, code } : { token }, tries)) === 'ok'
        }
        await stranger
      }
      expect(mineIsLive).toBe(true)
      verified += 1
      expect(await usersWith(email)).toBe(1)
      expect(await codeOfLogin(email, passwordOf('mine'))).toBe('ok')
      expect(await codeOfLogin(email, passwordOf('theirs'))).toBe('invalid_credentials')
    })
    expect(verified).toBe(24)
  })
})
