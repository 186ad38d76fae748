import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import type { Email } from '../../src/domain/email.ts'
import type { UserId } from '../../src/domain/ids.ts'
import { readPassword } from '../../src/domain/password-policy.ts'
import type { Revocation } from '../../src/domain/revocation.ts'
import { logoutAll } from '../../src/services/authentication/logout.ts'
import { refresh } from '../../src/services/authentication/refresh.ts'
import type { TokenSet } from '../../src/services/authentication/token-set.ts'
import type { Postern } from '../../src/services/postern.ts'
import { authenticate } from '../../src/services/tokens/authenticate.ts'
import { openSql, request, startIsolate } from '../support/node-isolate.ts'
import { at, codeOf, inTurns, outcomeOf, tally } from '../support/race.ts'
import { addUser, signIn } from '../support/race-users.ts'

const deployment = `login-${crypto.randomUUID()}`
const [here, there, checking] = [0, 1, 2].map(() => startIsolate({ deployment })) as [Postern, Postern, Postern]
const sql = openSql()

/** What disabling an account does, as one statement; its endpoint is still to come. */
async function disable(id: UserId): Promise<void> {
  const rows = await sql`with raised as (
      update users set status = 'disabled', session_epoch = session_epoch + 1, token_version = token_version + 1
      where id = ${id}::uuid returning id, token_version
    ) insert into revocations (member, expires_at)
      select 'ver:' || id || ':' || (token_version - 1), now() + interval '1020 seconds' from raised
      returning member, ceil(extract(epoch from expires_at))::float8 as score`
  await there.revocations.publish(rows as Revocation[])
}

const enable = (id: UserId) => sql`update users set status = 'active' where id = ${id}::uuid`

const check = ({ accessToken }: TokenSet) => codeOf(authenticate(checking, accessToken, request()))
const renew = ({ refreshToken }: TokenSet) => codeOf(refresh(checking, { refreshToken, device: null }, request()))
/** The account's version when this login looked it up, before it checked the password. */
const versionOf = ({ accessToken }: TokenSet) => decodeJwt(accessToken).ver

/** A login that has looked the account up and stays at its password check, as a hash takes time, until `hold` is over. */
function signInHeldBy(hold: () => Promise<unknown>, postern: Postern, email: Email): Promise<TokenSet> {
  const { passwords } = postern
  const verify: Postern['passwords']['verify'] = async (password, hash) => {
    await hold()
    return passwords.verify(password, hash)
  }
  return signIn({ ...postern, passwords: { ...passwords, verify } }, email)
}

/**
 * 51 logins of a new account around `end`: a third is answered before it, a third goes on when it begins, a third when it is
 * acknowledged, all with what they looked up before.
 */
async function loginsAround(end: (id: UserId) => Promise<unknown>) {
  const { id, email } = await addUser(here)
  const [begun, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const gates = [Promise.resolve(), begun.promise, done.promise]
  const logins = Array.from({ length: 51 }, (_, index) =>
    outcomeOf(signInHeldBy(() => at(gates, index % 3), index % 2 === 0 ? here : there, email)),
  )
  await Promise.all(logins.filter((_, index) => index % 3 === 0))
  begun.resolve()
  await end(id)
  done.resolve()
  const outcomes = await Promise.all(logins)
  const opened = outcomes.flatMap(({ value }) => value ?? [])
  return {
    id,
    email,
    codes: tally(outcomes.map(({ code }) => code)),
    before: opened.filter((tokens) => versionOf(tokens) === 1),
    after: opened.filter((tokens) => versionOf(tokens) !== 1),
  }
}

const each = (tokens: readonly TokenSet[], ask: (tokens: TokenSet) => Promise<string>) =>
  Promise.all(tokens.map(ask)).then(tally)
const all = (code: string, { length }: readonly unknown[]) => (length === 0 ? {} : { [code]: length })

describe('1,000 logins', () => {
  it('race a logout-all: what the old state opened is dead, what the new one opened lives', async () => {
    await inTurns('logins against logout-all', 10, 2, async () => {
      const { codes, before, after } = await loginsAround((id) => logoutAll(there, id, request()))
      expect(codes).toEqual({ ok: 51 })
      expect(before.length).toBeGreaterThanOrEqual(17)
      expect(after.length).toBeGreaterThanOrEqual(17)
      expect(await each(before, check)).toEqual(all('invalid_token', before))
      expect(await each(before, renew)).toEqual(all('invalid_token', before))
      expect(await each(after, check)).toEqual(all('ok', after))
      expect(await each(after, renew)).toEqual(all('ok', after))
    })
  })

  it('race a disable: nothing that was opened refreshes or passes a check', async () => {
    await inTurns('logins against disable', 5, 1, async () => {
      const { email, codes, before, after } = await loginsAround(disable)
      expect(codes).toEqual({ ok: before.length, account_disabled: 51 - before.length })
      expect(before.length).toBeGreaterThanOrEqual(17)
      expect(codes.account_disabled).toBeGreaterThanOrEqual(17)
      expect(after).toEqual([])
      expect(await each(before, check)).toEqual(all('invalid_token', before))
      expect(await each(before, renew)).toEqual(all('invalid_token', before))
      expect(await codeOf(signIn(here, email))).toBe('account_disabled')
    })
  })

  it('race a disable that is undone at once: the old sessions stay dead', async () => {
    await inTurns('logins against disable and enable', 5, 1, async () => {
      const { email, before, after } = await loginsAround((id) => disable(id).then(() => enable(id)))
      expect(before.length).toBeGreaterThanOrEqual(17)
      expect(after.length).toBeGreaterThanOrEqual(17)
      expect(await each(before, check)).toEqual(all('invalid_token', before))
      expect(await each(before, renew)).toEqual(all('invalid_token', before))
      expect(await each(after, check)).toEqual(all('ok', after))
      expect(await each(after, renew)).toEqual(all('ok', after))
      const anew = await signIn(here, email)
      expect(await check(anew)).toBe('ok')
    })
  })
})

it('a login whose password is changed while it is checked opens nothing', async () => {
  const { id, email } = await addUser(here)
  const other = await here.passwords.hash(readPassword('eight red lanterns at midnight'))
  const change = () => sql`update users set password_hash = ${other} where id = ${id}::uuid`
  expect(await codeOf(signInHeldBy(change, here, email))).toBe('invalid_credentials')
  expect(await sql`select id from sessions where user_id = ${id}::uuid`).toEqual([])
})
