import { beforeEach, describe, expect, it, vi } from 'vitest'
import { neonRevocationRecord } from '../../src/adapters/neon/revocation-record.ts'
import { membersOf, type RevocationMember } from '../../src/domain/revocation.ts'
import type { RevocationRecord, RevocationSet } from '../../src/ports.ts'
import {
  away,
  database,
  leaseMs,
  openRevocationWorld,
  type RevocationWorld,
  redis,
  rows,
  skewMs,
} from '../support/revocation-world.ts'
import { seedSession, seedUser, tokenOf } from '../support/seed.ts'

let world: RevocationWorld
beforeEach(async () => {
  world = await openRevocationWorld()
})

describe('a check', () => {
  it('is answered by Postgres until a sync has given Redis a lease, then by Redis alone', async () => {
    const asked = vi.spyOn(world.record, 'isRevoked')
    const guard = world.newIsolate()
    await world.accepts(guard)
    expect(asked).toHaveBeenCalledTimes(1)
    await world.runDeferred()
    await world.accepts(guard)
    await world.accepts(world.newIsolate())
    expect(asked).toHaveBeenCalledTimes(1)
  })

  it.each([
    ['jti', 0],
    ['sid', 1],
    ['ver', 2],
    ['kid', 3],
  ])(
    'refuses a token whose %s is revoked: from Postgres, from Redis after a sync, from Redis after the write',
    async (_, i) => {
      const revocation = await world.commit(membersOf(world.token)[i])
      const guard = world.newIsolate()
      await world.refuses(guard)
      await guard.sync()
      world.record.isRevoked = away
      await world.refuses(guard)
      await redis.del(world.key)
      world.record.isRevoked = neonRevocationRecord(database).isRevoked
      await guard.sync()
      await guard.publish([revocation])
      await world.refuses(world.newIsolate())
      const other = await seedUser(rows)
      await world.accepts(world.newIsolate(), tokenOf(other, await seedSession(other, rows)))
    },
  )

  it.each<[string, () => ReturnType<RevocationSet['look']>]>([
    ['dead', away],
    ['answering nonsense', () => Promise.reject(new TypeError('nonsense'))],
    ['without a sentinel', async () => ({ revoked: false, leaseUntil: null })],
    ['with a lapsed lease', async () => ({ revoked: false, leaseUntil: world.clock.now() })],
    [
      'with a lease from further ahead than any clock',
      async () => ({ revoked: false, leaseUntil: world.clock.now() + leaseMs + skewMs + 1 }),
    ],
  ])('is answered by Postgres while Redis is %s', async (_, look) => {
    world.set.look = look
    const other = tokenOf(world.user, await seedSession(world.user, rows))
    await world.commit(world.sidOf(other))
    await world.accepts(world.newIsolate())
    await world.refuses(world.newIsolate(), other)
  })

  it.each(['true', 'false'])('does not believe a lapsed or implausible Redis that says %s', async (revoked) => {
    world.set.look = async () => ({ revoked: revoked === 'true', leaseUntil: world.clock.now() + 3_600_000 })
    await world.accepts(world.newIsolate())
  })

  it('asks Postgres also whether session, account and epoch still stand', async () => {
    world.set.look = away
    for (const change of [
      `update users set status = 'disabled' where id = $1 returning id`,
      `update users set status = 'active', session_epoch = session_epoch + 1 where id = $1 returning id`,
    ]) {
      await rows(change, world.user.id)
      await world.refuses(world.newIsolate())
    }
    await world.refuses(world.newIsolate(), {
      ...world.token,
      claims: { ...world.token.claims, sid: crypto.randomUUID() as never },
    })
    await world.refuses(world.newIsolate(), {
      ...world.token,
      claims: { ...world.token.claims, sub: (await seedUser(rows)).id },
    })
  })

  it('refuses a token that expired while the answer was on its way', async () => {
    const guard = world.newIsolate()
    await guard.sync()
    const look = world.set.look
    world.set.look = async (members) => {
      const seen = await look(members)
      world.clock.advance((world.token.claims.exp + 60) * 1_000 - world.clock.now())
      return { ...seen, leaseUntil: world.clock.now() + 1_000 }
    }
    await world.refuses(guard)
  })
})

describe('the lease', () => {
  it('is renewed when less than half of it is left, not before, and by one sync at a time', async () => {
    const guard = world.newIsolate()
    await guard.sync()
    world.clock.advance(leaseMs / 2 - 1)
    await world.accepts(guard)
    expect(world.deferred).toEqual([])
    world.clock.advance(2)
    await world.accepts(guard)
    await world.accepts(guard)
    expect(world.deferred).toHaveLength(1)
    await world.runDeferred()
    world.clock.advance(leaseMs / 2 - 1)
    world.record.isRevoked = away
    await world.accepts(guard)
    expect(world.deferred).toEqual([])
  })

  it('is renewed by one isolate of a crowd, and a sync that died does not block for ever', async () => {
    const isolates = [world.newIsolate(), world.newIsolate(), world.newIsolate()]
    const planted = vi.spyOn(world.set, 'plant')
    for (const guard of isolates) await world.accepts(guard)
    expect(world.deferred).toHaveLength(3)
    await world.runDeferred()
    expect(planted).toHaveBeenCalledTimes(1)

    world.set.claimSync = () => new Promise(() => {})
    world.clock.advance(leaseMs)
    const [guard] = isolates
    if (guard === undefined) throw new Error('no isolate')
    await world.accepts(guard)
    void world.deferred.splice(0).map((task) => task())
    await world.accepts(guard)
    expect(world.deferred).toEqual([])
    world.clock.advance(5_001)
    await world.accepts(guard)
    expect(world.deferred).toHaveLength(1)
  })

  it('counts from before Postgres was read: what is committed after that has until its end to be written', async () => {
    const guard = world.newIsolate()
    const since = world.record.since
    world.record.since = async (...asked) => {
      world.clock.advance(700)
      return since(...asked)
    }
    await guard.sync()
    expect((await world.set.look([])).leaseUntil).toBe(world.clock.now() - 700 + leaseMs)
  })

  it('is not given by a sync over which a flush went', async () => {
    const guard = world.newIsolate()
    const since = world.record.since
    world.record.since = async (...asked) => {
      const page = await since(...asked)
      await redis.del(world.key)
      return page
    }
    await guard.sync()
    expect(await world.set.look([])).toEqual({ revoked: false, leaseUntil: null })
    world.record.since = since
    await guard.sync()
    expect((await world.set.look([])).leaseUntil).toBe(world.clock.now() + leaseMs)
  })

  it('comes back after a flush with every revocation that Postgres holds', async () => {
    const guard = world.newIsolate()
    await guard.sync()
    const members = Array.from({ length: 3 }, () => `jti:${crypto.randomUUID()}` as RevocationMember)
    for (const member of members) await guard.publish([await world.commit(member)])
    await redis.del(world.key)
    await world.accepts(guard)
    await world.runDeferred()
    for (const member of members) expect((await world.set.look([member])).revoked).toBe(true)
  })

  it('covers more revocations than Postgres gives at once', async () => {
    const run = crypto.randomUUID()
    const score = Math.ceil(world.clock.now() / 1_000) + 600
    const all = Array.from({ length: 1_001 }, (_, i) => ({ member: `jti:${run}-${i}` as RevocationMember, score }))
    const since = vi.fn<RevocationRecord['since']>(async (_, { after, limit }) => {
      const from = after === null ? 0 : all.findIndex(({ member }) => member === after) + 1
      return all.slice(from, from + limit)
    })
    world.record.since = since
    await world.newIsolate().sync()
    expect(since.mock.calls.length).toBeGreaterThan(1)
    const scores = await redis.zmscore(
      world.key,
      all.map(({ member }) => member),
    )
    expect(scores?.filter((each) => each !== score)).toEqual([])
  })

  it('once held, a sync reads only what is new, with a margin', async () => {
    const guard = world.newIsolate()
    const since = vi.spyOn(world.record, 'since')
    const first = world.clock.now()
    await guard.sync()
    world.clock.advance(1_000)
    await guard.sync()
    expect(since.mock.calls.map(([instant]) => instant)).toEqual([null, first - 30_000])
  })
})

describe('the breaker', () => {
  it('spares a failing Redis for a second, then lets one caller try', async () => {
    const guard = world.newIsolate()
    await guard.sync()
    const healthy = world.set.look
    const look = vi.fn<RevocationSet['look']>(away)
    world.set.look = look
    for (let i = 0; i < 5; i++) await world.accepts(guard)
    expect(look).toHaveBeenCalledTimes(1)

    world.clock.advance(1_000)
    let release = (): void => {}
    look.mockImplementationOnce((members) => new Promise((resolve) => (release = () => resolve(healthy(members)))))
    const probing = world.check(guard)
    for (let i = 0; i < 3; i++) await world.accepts(guard)
    expect(look).toHaveBeenCalledTimes(2)
    release()
    await probing

    look.mockImplementation(healthy)
    await world.accepts(guard)
    await world.accepts(guard)
    expect(look).toHaveBeenCalledTimes(4)
  })

  it('of one isolate is not another’s', async () => {
    const look = vi.fn<RevocationSet['look']>(away)
    world.set.look = look
    await world.accepts(world.newIsolate())
    await world.accepts(world.newIsolate())
    expect(look).toHaveBeenCalledTimes(2)
  })
})
