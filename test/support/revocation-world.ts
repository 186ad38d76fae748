import { expect } from 'vitest'
import { neonRevocationRecord } from '../../src/adapters/neon/revocation-record.ts'
import { upstashRevocationSet } from '../../src/adapters/upstash/revocation-set.ts'
import type { VerifiedToken } from '../../src/domain/access-token.ts'
import { membersOf, type Revocation, type RevocationMember } from '../../src/domain/revocation.ts'
import type { RevocationRecord, RevocationSet } from '../../src/ports.ts'
import { RevocationGuard } from '../../src/services/tokens/revocation-guard.ts'
import { newDeployment, openDatabase, openRedis } from './adapters.ts'
import { databaseUrl, quietDatabase, rowsIn } from './database.ts'
import { type FakeClock, fakeClock } from './fake-clock.ts'
import { type SeededUser, seedSession, seedUser, tokenOf } from './seed.ts'

export const leaseMs = 3_000
export const skewMs = 1_000
// A set that knows nothing yet is given every revocation there is: in this database there are few.
export const database = openDatabase(quietDatabase)
export const rows = rowsIn(databaseUrl(quietDatabase))
export const redis = openRedis()
export const away = () => Promise.reject(new Error('away'))

export interface RevocationWorld {
  clock: FakeClock
  /** Of the sorted set in Redis. */
  key: string
  set: RevocationSet
  record: RevocationRecord
  user: SeededUser
  token: VerifiedToken
  /** What checks have left to be done after their answers. */
  deferred: (() => Promise<unknown>)[]
  runDeferred(): Promise<void>
  /** A guard with a breaker and a mind of its own over the same Redis and Postgres. */
  newIsolate(postgresDown?: 'redis' | 'refuse'): RevocationGuard
  /** Checks `token` unless another is given. */
  check(guard: RevocationGuard, which?: VerifiedToken): Promise<void>
  accepts(guard: RevocationGuard, which?: VerifiedToken): Promise<void>
  refuses(guard: RevocationGuard, which?: VerifiedToken): Promise<void>
  cannotTell(guard: RevocationGuard): Promise<void>
  /** Commits a revocation to Postgres and tells Redis nothing. */
  commit(member: RevocationMember | undefined): Promise<Revocation>
  sidOf(which?: VerifiedToken): RevocationMember | undefined
}

/**
 * A Redis set of its own and the real Postgres, under a clock that stands, with a live session and its token. A test puts faults into
 * `set` and `record`, which are the real adapters.
 */
export async function openRevocationWorld(): Promise<RevocationWorld> {
  const deployment = newDeployment()
  const user = await seedUser(rows)
  const set: RevocationSet = upstashRevocationSet(redis, deployment)
  const record: RevocationRecord = neonRevocationRecord(database)
  const world: RevocationWorld = {
    clock: fakeClock(),
    key: `postern:${deployment}:revoked`,
    set,
    record,
    user,
    token: tokenOf(user, await seedSession(user, rows)),
    deferred: [],

    newIsolate: (postgresDown = 'redis') =>
      new RevocationGuard(
        { revocationSet: set, revocationRecord: record, clock: world.clock },
        { leaseMs, postgresDown, accessTokenTtl: 900 },
      ),
    check: (guard, which = world.token) => guard.check(which, (task) => world.deferred.push(task)),
    async runDeferred() {
      for (const task of world.deferred.splice(0)) await task()
    },
    accepts: (guard, which) => expect(world.check(guard, which)).resolves.toBeUndefined(),
    refuses: (guard, which) => expect(world.check(guard, which)).rejects.toMatchObject({ code: 'invalid_token' }),
    cannotTell: (guard) => expect(world.check(guard)).rejects.toMatchObject({ code: 'unavailable' }),

    async commit(member) {
      const [row] = await rows<Revocation>(
        `insert into revocations (member, expires_at) values ($1, now() + interval '20 minutes')
         returning member, ceil(extract(epoch from expires_at))::float8 as score`,
        member ?? '',
      )
      if (row === undefined) throw new Error('nothing was revoked')
      return row
    },
    sidOf: (which = world.token) => membersOf(which)[1],
  }
  return world
}
