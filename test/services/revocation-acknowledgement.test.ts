import { beforeEach, describe, expect, it, vi } from 'vitest'
import { neonSessions } from '../../src/adapters/neon/sessions.ts'
import {
  away,
  database,
  leaseMs,
  openRevocationWorld,
  type RevocationWorld,
  redis,
  skewMs,
} from '../support/revocation-world.ts'
import { newAuditContext } from '../support/seed.ts'

let world: RevocationWorld
beforeEach(async () => {
  world = await openRevocationWorld()
})

describe('a revocation', () => {
  const revoke = () => neonSessions(database).end([world.token.claims.sid], null, newAuditContext())

  it('is acknowledged at once when Redis took it, and refused everywhere from then on', async () => {
    const [guard, other] = [world.newIsolate(), world.newIsolate()]
    await guard.sync()
    await world.accepts(other)
    await guard.publish(await revoke())
    expect(world.clock.slept).toEqual([])
    await world.refuses(other)
    await world.refuses(guard)
  })

  it('is written again by a retry, also when it stands in Postgres already', async () => {
    const guard = world.newIsolate()
    await guard.sync()
    await revoke() // and then the Worker died
    await world.accepts(guard) // never acknowledged, so it may still be accepted
    await guard.publish(await revoke())
    await world.refuses(guard)
  })

  it('is tried twice, then waits until no lease is alive that does not hold it', async () => {
    const [guard, other] = [world.newIsolate(), world.newIsolate()]
    await guard.sync()
    const revocations = await revoke()
    const committedAt = world.clock.now()
    const add = vi.fn(async () => {
      world.clock.advance(150)
      throw new Error('READONLY')
    })
    world.set.add = add
    const acknowledged = guard.publish(revocations)
    await acknowledged
    expect(add).toHaveBeenCalledTimes(2)
    expect(world.clock.now() - committedAt).toBe(leaseMs + skewMs)
    expect(world.clock.slept).toEqual([leaseMs + skewMs - 300])
    await world.refuses(other)
    await world.refuses(guard)
  })

  it('whose first write fails and second holds waits for nothing', async () => {
    const [guard, other] = [world.newIsolate(), world.newIsolate()]
    await guard.sync()
    const { add } = world.set
    world.set.add = vi.fn(add).mockRejectedValueOnce(new Error('timeout'))
    await guard.publish(await revoke())
    expect(world.clock.slept).toEqual([])
    await world.refuses(other)
  })

  it('whose write was done and whose answer was lost harms nothing', async () => {
    const guard = world.newIsolate()
    await guard.sync()
    const { add } = world.set
    world.set.add = async (revocations) => {
      await add(revocations)
      throw new Error('timeout')
    }
    await guard.publish(await revoke())
    expect(world.clock.slept).toHaveLength(1)
    await world.refuses(world.newIsolate())
  })
})

describe('while Postgres is away', () => {
  beforeEach(async () => {
    await world.newIsolate().sync()
    world.record.isRevoked = away
    world.record.since = away
  })

  it('Redis answers as long as its lease lives, whatever the policy', async () => {
    world.clock.advance(leaseMs - 1)
    for (const policy of ['redis', 'refuse'] as const) await world.accepts(world.newIsolate(policy))
  })

  it('POSTGRES_DOWN_CHECKS=redis goes on believing it for one access lifetime and no longer', async () => {
    world.clock.advance(leaseMs + 900_000 - 1)
    world.token = {
      ...world.token,
      claims: { ...world.token.claims, exp: Math.floor(world.clock.now() / 1_000) + 900 },
    }
    await world.accepts(world.newIsolate('redis'))
    world.clock.advance(1)
    await world.cannotTell(world.newIsolate('redis'))
  })

  it('POSTGRES_DOWN_CHECKS=redis still refuses what Redis knows to be revoked', async () => {
    await world.newIsolate().publish([await world.commit(world.sidOf())])
    world.clock.advance(leaseMs)
    await world.refuses(world.newIsolate('redis'))
  })

  it('POSTGRES_DOWN_CHECKS=refuse answers 503 once the lease has lapsed', async () => {
    world.clock.advance(leaseMs)
    await world.cannotTell(world.newIsolate('refuse'))
  })

  it('a Redis without a sentinel, or with one nobody made, is not believed', async () => {
    await redis.del(world.key)
    await world.cannotTell(world.newIsolate('redis'))
    world.set.look = async () => ({ revoked: false, leaseUntil: world.clock.now() + 3_600_000 })
    await world.cannotTell(world.newIsolate('redis'))
  })

  it('and Redis too, nobody can tell: 503', async () => {
    world.set.look = away
    await world.cannotTell(world.newIsolate('redis'))
  })
})
