import { describe, expect, it } from 'vitest'
import type { CanonicalEmail } from '../../src/domain/email.ts'
import { newId, type UserId } from '../../src/domain/ids.ts'
import type { Attempt } from '../../src/domain/user.ts'
import type { Users } from '../../src/ports.ts'
import { rows } from '../support/database.ts'
import { newAddress } from '../support/people.ts'
import { eventsOf, newAuditContext, type SeededUser, seedUser, someHash } from '../support/seed.ts'

const nobody = newId<UserId>(0)
const setStatus = (user: SeededUser, status: string) =>
  rows('update users set status = $2 where id = $1 returning id', user.id, status)

export function usersContract(adapter: string, users: Users): void {
  describe(`users in ${adapter}`, () => {
    it('findForLogin reads all that a login needs, of any status, and null for nobody', async () => {
      const user = await seedUser()
      expect(await users.findForLogin(user.email)).toEqual({
        id: user.id,
        status: 'active',
        passwordHash: someHash,
        tokenVersion: 1,
        sessionEpoch: 1,
        roles: [],
        permissions: [],
      })
      await setStatus(user, 'disabled')
      expect(await users.findForLogin(user.email)).toMatchObject({ status: 'disabled' })
      expect(await users.findForLogin(newAddress() as CanonicalEmail)).toBeNull()
    })

    it('findForLogin compares addresses to the letter: nothing in one is a pattern', async () => {
      const user = await seedUser()
      for (const other of [user.email.toUpperCase(), user.email.replace('p', '_'), '%', `${user.email}'--`]) {
        expect(await users.findForLogin(other as CanonicalEmail)).toBeNull()
      }
    })

    it('profile is null for nobody and for an account that is not active', async () => {
      const user = await seedUser()
      expect(await users.profile(user.id)).toMatchObject({ id: user.id, email: user.email, metadata: {} })
      await setStatus(user, 'disabled')
      expect(await users.profile(user.id)).toBeNull()
      expect(await users.profile(nobody)).toBeNull()
    })

    it('changeProfile changes the given members alone, and null clears one', async () => {
      const user = await seedUser()
      const audit = newAuditContext()
      await users.changeProfile(user.id, { name: 'Ada', locale: 'en', metadata: { a: [1, null, 'é'] } }, audit)
      const changed = await users.changeProfile(user.id, { locale: null }, newAuditContext())
      expect(changed).toMatchObject({ name: 'Ada', locale: null, metadata: { a: [1, null, 'é'] } })
      expect(changed).toEqual(await users.profile(user.id))
      expect(await eventsOf(audit)).toEqual([
        {
          type: 'user.profile_updated',
          user_id: user.id,
          session_id: null,
          detail: { members: ['name', 'locale', 'metadata'] },
        },
      ])
    })

    it('changeProfile of nobody, or of an account that is not active, is null and leaves no event', async () => {
      const user = await seedUser()
      await setStatus(user, 'disabled')
      const audit = newAuditContext()
      expect(await users.changeProfile(user.id, { name: 'Eve' }, audit)).toBeNull()
      expect(await users.changeProfile(nobody, { name: 'Eve' }, audit)).toBeNull()
      expect(await eventsOf(audit)).toEqual([])
    })

    it('addAdministrator adds one account with both roles, and leaves a taken address as it is', async () => {
      const email = newAddress()
      const account = { email, canonical: email, passwordHash: someHash, name: null } as Attempt
      const audit = newAuditContext()
      const ids = [newId<UserId>(Date.now()), newId<UserId>(Date.now())]
      const outcomes = await Promise.all(ids.map((id) => users.addAdministrator(id, account, audit)))
      expect([...outcomes].sort()).toEqual(['added', 'taken'])
      const found = await users.findForLogin(account.canonical)
      expect(found).toMatchObject({ id: ids[outcomes.indexOf('added')], roles: ['admin', 'user'] })
      expect(found?.permissions).toContain('users:write')
      expect(await eventsOf(audit)).toMatchObject([{ type: 'user.created_by_operator', user_id: found?.id }])
    })
  })
}
