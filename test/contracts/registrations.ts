import { describe, expect, it } from 'vitest'
import type { CanonicalEmail, EmailAddress } from '../../src/domain/email.ts'
import { type MailId, newId, type UserId } from '../../src/domain/ids.ts'
import type { MailContent, OutboxMail } from '../../src/domain/mail.ts'
import type { CodeHash } from '../../src/domain/one-time-code.ts'
import type { PasswordHash } from '../../src/domain/phc.ts'
import type { ClientKey } from '../../src/domain/registration.ts'
import type { Registrations } from '../../src/ports.ts'
import { rows } from '../support/database.ts'
import { newAddress } from '../support/people.ts'
import { eventsOf, newAuditContext, seedUser, someHash } from '../support/seed.ts'

const client = 'this client' as ClientKey
const newHash = () => `hash ${crypto.randomUUID()}` as CodeHash
const newProof = () => ({
  codeHash: newHash(),
  tokenHash: newHash(),
  codeLifetimeSeconds: 600,
  attemptLifetimeSeconds: 86_400,
})
const mail = (kind: MailContent['kind']): OutboxMail => ({ id: newId<MailId>(Date.now()), kind, sealed: 'sealed' })
const outboxOf = (...mails: OutboxMail[]) =>
  rows<{ kind: string }>(
    `select kind, user_id is not null as "toUser", registration_id is not null as "toAttempt" from outbox
     where id::text in (${mails.map((_, i) => `$${i + 1}`).join()}) order by kind`,
    ...mails.map(({ id }) => id),
  )

export function registrationsContract(adapter: string, registrations: Registrations): void {
  async function begin(email = newAddress(), password = someHash, by = client) {
    const proof = newProof()
    const mails = { verify: mail('verify_email'), alreadyRegistered: mail('already_registered') }
    const audit = newAuditContext()
    const attempt = {
      email: email as EmailAddress,
      canonical: email as CanonicalEmail,
      passwordHash: password,
      name: 'Ada',
    }
    const outcome = await registrations.begin(attempt, by, proof, mails, { breach_check: 'passed' }, audit)
    return { email: email as CanonicalEmail, proof, outcome, mails, audit }
  }
  const byCodeAs = (by: ClientKey, email: CanonicalEmail, ...hashes: CodeHash[]) =>
    registrations.activateByCode(email, hashes, by, newId<UserId>(Date.now()), {}, newAuditContext())
  const byTokenAs = (by: ClientKey, ...hashes: CodeHash[]) =>
    registrations.activateByToken(hashes, by, newId<UserId>(Date.now()), newAuditContext())
  const byCode = (email: CanonicalEmail, ...hashes: CodeHash[]) => byCodeAs(client, email, ...hashes)
  const byToken = (...hashes: CodeHash[]) => byTokenAs(client, ...hashes)
  async function renew(email: CanonicalEmail, by = client) {
    const proof = newProof()
    const mails = { verify: mail('verify_email'), registerAgain: mail('register_again') }
    const outcome = await registrations.renewProof(email, by, proof, mails, {}, newAuditContext())
    return { outcome, proof, sent: await outboxOf(mails.verify, mails.registerAgain) }
  }
  const usersOf = (email: string) =>
    rows<{ password_hash: string }>('select password_hash from users where email_canonical = $1', email)

  describe(`registrations in ${adapter}`, () => {
    it('begin records an attempt with its mail, or tells the owner of a taken address, with one event either way', async () => {
      const free = await begin()
      expect(free.outcome).toBe('pending')
      expect(await outboxOf(...Object.values(free.mails))).toEqual([
        { kind: 'verify_email', toUser: false, toAttempt: true },
      ])
      const owner = await seedUser()
      const taken = await begin(owner.email)
      expect(taken.outcome).toBe('already_registered')
      expect(await outboxOf(...Object.values(taken.mails))).toEqual([
        { kind: 'already_registered', toUser: true, toAttempt: false },
      ])
      for (const { audit } of [free, taken]) {
        expect(await eventsOf(audit)).toMatchObject([
          { type: 'user.registration_requested', detail: { breach_check: 'passed' } },
        ])
      }
    })

    it('activates by a code under the current or the previous secret, once, whoever else tries at that moment', async () => {
      const { email, proof } = await begin()
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => byCode(email, newHash(), proof.codeHash)))
      expect(outcomes.filter((outcome) => outcome === 'verified')).toHaveLength(1)
      expect(await usersOf(email)).toHaveLength(1)
    })

    it('activates the one attempt that carries the proof, and ends the others', async () => {
      const first = await begin(undefined, 'the first password' as PasswordHash)
      const second = await begin(first.email, 'the second password' as PasswordHash)
      expect(await byToken(second.proof.tokenHash)).toBe('verified')
      expect(await usersOf(first.email)).toEqual([{ password_hash: 'the second password' }])
      expect(await byToken(first.proof.tokenHash)).toBe('unknown')
      expect(await byCode(first.email, first.proof.codeHash)).toBe('unknown')
    })

    it('does not activate a stranger’s attempt for a client that began one itself, but does for one that began none', async () => {
      const stranger = 'another client' as ClientKey
      const theirs = await begin(undefined, 'their password' as PasswordHash, stranger)
      const mine = await begin(theirs.email, 'my password' as PasswordHash)
      expect(await byToken(theirs.proof.tokenHash)).toBe('unknown')
      expect(await byCode(theirs.email, theirs.proof.codeHash)).toBe('unknown')
      expect(await usersOf(mine.email)).toEqual([])
      expect(await byTokenAs('a third client' as ClientKey, mine.proof.tokenHash)).toBe('verified')
      expect(await usersOf(mine.email)).toEqual([{ password_hash: 'my password' }])
    })

    it('a wrong code costs every attempt for the address a try, a wrong link none', async () => {
      const first = await begin()
      const second = await begin(first.email)
      await byToken(newHash())
      for (let i = 0; i < 5; i++) expect(await byCode(first.email, newHash())).toBe('unknown')
      for (const { proof } of [first, second]) expect(await byCode(first.email, proof.codeHash)).toBe('unknown')
      expect(await byToken(first.proof.tokenHash)).toBe('verified')
    })

    it('tries that race are counted each', async () => {
      const { email, proof } = await begin()
      await Promise.all(Array.from({ length: 5 }, () => byCode(email, newHash())))
      expect(await byCode(email, proof.codeHash)).toBe('unknown')
    })

    it('does not make an account of an address that got one meanwhile', async () => {
      const { email, proof } = await begin()
      await rows(
        `insert into users (id, email, email_canonical, password_hash, email_verified_at)
         values (gen_random_uuid(), $1, $1, 'theirs', now()) returning id`,
        email,
      )
      expect(await byCode(email, proof.codeHash)).toBe('unknown')
      expect(await usersOf(email)).toEqual([{ password_hash: 'theirs' }])
    })

    it('renews the only attempt of the same client, and mails the new proof', async () => {
      const { email, proof } = await begin()
      const renewed = await renew(email)
      expect(renewed.outcome).toBe('renewed')
      expect(renewed.sent).toMatchObject([{ kind: 'verify_email' }])
      expect(await byToken(proof.tokenHash)).toBe('unknown')
      expect(await byCode(email, renewed.proof.codeHash)).toBe('verified')
    })

    it('renews nothing for another client or among several attempts', async () => {
      const { email, proof } = await begin()
      const stranger = await renew(email, 'another client' as ClientKey)
      expect([stranger.outcome, stranger.sent.length]).toEqual(['register_again', 1])
      await begin(email)
      const crowded = await renew(email)
      expect(crowded.outcome).toBe('register_again')
      expect(crowded.sent).toMatchObject([{ kind: 'register_again' }])
      expect(await byToken(stranger.proof.tokenHash)).toBe('unknown')
      expect(await byToken(proof.tokenHash)).toBe('verified')
    })

    it('renews nothing for an address without an attempt, and mails nobody', async () => {
      const { outcome, sent } = await renew((await seedUser()).email)
      expect([outcome, sent]).toEqual(['none', []])
    })

    it('prunes what has expired, up to the limit', async () => {
      const expired = [await begin(), await begin(), await begin()]
      const alive = await begin()
      for (const { email } of expired) {
        await rows(
          `update registrations set expires_at = now() - interval '1 day' where email_canonical = $1 returning id`,
          email,
        )
      }
      expect(await registrations.prune(2)).toBe(2)
      expect(await registrations.prune(1_000)).toBeGreaterThanOrEqual(1)
      expect(await byToken(alive.proof.tokenHash)).toBe('verified')
    })
  })
}
