import { describe, expect, it } from 'vitest'
import { type DeviceId, type MailId, newId, type SessionId, type UserId } from '../../src/domain/ids.ts'
import type { OutboxMail } from '../../src/domain/mail.ts'
import type { PasswordHash } from '../../src/domain/phc.ts'
import type { RefreshSecretHash } from '../../src/domain/refresh-token.ts'
import type { RefreshUse, Rotation } from '../../src/domain/rotation.ts'
import type { Sessions } from '../../src/ports.ts'
import { rows } from '../support/database.ts'
import { eventsOf, newAuditContext, type SeededUser, seedSession, seedUser, someHash } from '../support/seed.ts'

const hash = (generation: number) => `hash of generation ${generation}` as RefreshSecretHash
const nowhere = newId<SessionId>(0)

export function sessionsContract(adapter: string, sessions: Sessions): void {
  async function open(
    user: SeededUser,
    more: { limit?: number; epoch?: number; hash?: PasswordHash; rehash?: PasswordHash } = {},
  ) {
    const id = newId<SessionId>(Date.now())
    const audit = newAuditContext()
    const opening = await sessions.open(
      {
        id,
        secretHash: hash(0),
        device: { id: newId<DeviceId>(Date.now()), name: 'Laptop', browser: 'Firefox', os: null },
        lifetime: { idle: 600, absolute: 3_600 },
        amr: ['pwd'],
        limit: more.limit ?? 50,
      },
      {
        userId: user.id,
        sessionEpoch: more.epoch ?? 1,
        passwordHash: more.hash ?? someHash,
        rehash: more.rehash ?? null,
      },
      audit,
    )
    return { id, opening, audit }
  }

  async function rotate(id: SessionId, generation: number, more: Partial<RefreshUse> = {}) {
    const mail: OutboxMail = { id: newId<MailId>(Date.now()), kind: 'session_reuse', sealed: 'sealed' }
    const audit = newAuditContext()
    const use: RefreshUse = {
      sessionId: id,
      generation,
      hash: hash(generation),
      successorHash: hash(generation + 1),
      retryWindowSeconds: 30,
      idleSeconds: 600,
      deadline: new Date(Date.now() + 10_000),
      ...more,
    }
    const rotation: Rotation = await sessions.rotate(use, mail, audit)
    const mails = await rows('select user_id from outbox where id = $1', mail.id)
    return { rotation, mails, events: await eventsOf(audit) }
  }
  const live = async (user: SeededUser) => (await sessions.list(user.id)).map(({ id }) => id)

  describe(`sessions in ${adapter}`, () => {
    it('open tells both ends, and lists the session with its device', async () => {
      const user = await seedUser()
      const { id, opening, audit } = await open(user)
      if (opening.outcome !== 'opened') throw new Error('not opened')
      expect(opening.idleExpiresAt.getTime() - opening.authTime.getTime()).toBe(600_000)
      expect(opening.expiresAt.getTime() - opening.authTime.getTime()).toBe(3_600_000)
      expect(opening.evicted).toEqual([])
      expect(await sessions.list(user.id)).toMatchObject([{ id, deviceName: 'Laptop', browser: 'Firefox', os: null }])
      expect(await eventsOf(audit)).toMatchObject([{ type: 'login.succeeded', user_id: user.id, session_id: id }])
    })

    it.each<[string, (user: SeededUser) => Parameters<typeof open>[1] | Promise<unknown>]>([
      ['a raised epoch', () => ({ epoch: 0 })],
      ['another hash', () => ({ hash: 'another' as PasswordHash })],
      [
        'a disabled account',
        (user) => rows(`update users set status = 'disabled' where id = $1 returning id`, user.id),
      ],
    ])('open is stale and changes nothing after %s', async (_, prepare) => {
      const user = await seedUser()
      const prepared = await prepare(user)
      const more = Array.isArray(prepared) ? {} : (prepared as Parameters<typeof open>[1])
      const { opening, audit } = await open(user, { ...more, rehash: 'new' as PasswordHash })
      expect(opening).toEqual({ outcome: 'stale' })
      expect(await live(user)).toEqual([])
      expect(await eventsOf(audit)).toEqual([])
      expect(await rows('select password_hash from users where id = $1', user.id)).toEqual([
        { password_hash: someHash },
      ])
    })

    it('open replaces an outdated hash', async () => {
      const user = await seedUser()
      await open(user, { rehash: 'fresh' as PasswordHash })
      expect(await rows('select password_hash from users where id = $1', user.id)).toEqual([{ password_hash: 'fresh' }])
    })

    it('open ends the oldest beyond the limit, and reports them to be revoked', async () => {
      const user = await seedUser()
      const first = await open(user, { limit: 2 })
      const second = await open(user, { limit: 2 })
      const third = await open(user, { limit: 2 })
      if (third.opening.outcome !== 'opened') throw new Error('not opened')
      expect(third.opening.evicted).toEqual([{ member: `sid:${first.id}`, score: expect.any(Number) }])
      expect((await live(user)).sort()).toEqual([second.id, third.id].sort())
      expect((await eventsOf(third.audit)).map(({ type }) => type)).toEqual(['login.succeeded', 'session.evicted'])
    })

    it('logins at once never leave more than the limit', async () => {
      const user = await seedUser()
      await Promise.all(Array.from({ length: 6 }, () => open(user, { limit: 2 })))
      expect(await live(user)).toHaveLength(2)
    })

    it('rotate: of any number at once one is rotated, the others are replayed', async () => {
      const { id } = await open(await seedUser())
      const all = await Promise.all(Array.from({ length: 6 }, () => rotate(id, 0)))
      const outcomes = all.map(({ rotation }) => rotation.outcome).sort()
      expect(outcomes).toEqual(['replayed', 'replayed', 'replayed', 'replayed', 'replayed', 'rotated'])
      for (const { rotation } of all) {
        if (rotation.outcome === 'replayed') expect(rotation).toMatchObject({ generation: 1, currentHash: hash(1) })
      }
    })

    it('rotate hands on what the next token needs, and never passes the absolute end', async () => {
      const user = await seedUser()
      const { id } = await open(user)
      const { rotation, events, mails } = await rotate(id, 0, { idleSeconds: 1_000_000 })
      if (rotation.outcome !== 'rotated') throw new Error('not rotated')
      expect(rotation.session).toMatchObject({
        userId: user.id,
        tokenVersion: 1,
        roles: [],
        permissions: [],
        amr: ['pwd'],
      })
      expect(rotation.session.idleExpiresAt).toEqual(rotation.session.expiresAt)
      expect([events, mails]).toEqual([[], []])
    })

    it('rotate: too late a repeat ends the session, with one event and one mail, and is dead from then on', async () => {
      const user = await seedUser()
      const { id } = await open(user)
      await rotate(id, 0)
      await rows(`update sessions set rotations = array[now() - interval '31 seconds'] where id = $1 returning id`, id)
      const theft = await rotate(id, 0)
      expect(theft.rotation).toMatchObject({ outcome: 'reused', revocation: { member: `sid:${id}` } })
      expect(theft.mails).toEqual([{ user_id: user.id }])
      expect(theft.events).toMatchObject([{ type: 'session.refresh_reused', session_id: id }])
      const again = await rotate(id, 0)
      expect(again).toEqual({ rotation: { outcome: 'dead' }, mails: [], events: [] })
      expect((await rotate(id, 1)).rotation.outcome).toBe('dead')
    })

    it('rotate does nothing after its deadline, and the token stays good', async () => {
      const { id } = await open(await seedUser())
      expect((await rotate(id, 0, { deadline: new Date(Date.now() - 60_000) })).rotation).toEqual({ outcome: 'late' })
      expect((await rotate(id, 0)).rotation.outcome).toBe('rotated')
    })

    it('rotate of a session that nobody opened is unknown', async () => {
      expect((await rotate(nowhere, 0)).rotation).toEqual({ outcome: 'unknown' })
    })

    it.each([
      ['its account is disabled', `update users set status = 'disabled' where id = $1 returning id`],
      ['its epoch was raised', 'update users set session_epoch = 2 where id = $1 returning id'],
      ['it has expired', 'update sessions set expires_at = now() where user_id = $1 returning id'],
      ['it was idle too long', 'update sessions set idle_expires_at = now() where user_id = $1 returning id'],
      ['it was ended', 'update sessions set revoked_at = now() where user_id = $1 returning id'],
    ])('rotate is dead, and nothing else, when %s', async (_, change) => {
      const user = await seedUser()
      const { id } = await open(user)
      await rows(change, user.id)
      expect(await rotate(id, 0)).toEqual({ rotation: { outcome: 'dead' }, mails: [], events: [] })
    })

    it('end gives the revocations again for what has ended, and leaves out strangers’ and unknown ones', async () => {
      const [user, stranger] = [await seedUser(), await seedUser()]
      const [id, theirs] = [await seedSession(user), await seedSession(stranger)]
      const audit = newAuditContext()
      const first = await sessions.end([id, theirs, nowhere], user.id, audit)
      expect(first).toEqual([{ member: `sid:${id}`, score: expect.any(Number) }])
      expect(Math.abs((first[0]?.score ?? 0) - Date.now() / 1_000 - 3_720)).toBeLessThan(60)
      expect(await sessions.end([id], null, audit)).toEqual(first)
      expect(await eventsOf(audit)).toMatchObject([{ type: 'session.ended', session_id: id }])
      expect(await live(stranger)).toEqual([theirs])
    })

    it('endAll raises epoch and version, and revokes the old version', async () => {
      const user = await seedUser()
      await seedSession(user)
      expect(await sessions.endAll(user.id, newAuditContext())).toMatchObject({ member: `ver:${user.id}:1` })
      expect(await sessions.endAll(user.id, newAuditContext())).toMatchObject({ member: `ver:${user.id}:2` })
      expect(await live(user)).toEqual([])
      expect(await sessions.endAll(newId<UserId>(0), newAuditContext())).toBeNull()
    })

    it('prunes what is long past its absolute end, and nothing else', async () => {
      const user = await seedUser()
      const [dead, alive] = [await seedSession(user), await seedSession(user)]
      await rows(`update sessions set expires_at = now() - interval '2 days' where id = $1 returning id`, dead)
      expect(await sessions.prune(1_000)).toBeGreaterThanOrEqual(1)
      expect(await rows('select id from sessions where user_id = $1', user.id)).toEqual([{ id: alive }])
    })
  })
}
