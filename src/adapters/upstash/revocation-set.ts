import type { Redis } from '@upstash/redis'
import type { RevocationSet } from '../../ports.ts'
import { withoutCommand } from './redis.ts'

const sentinel = 'ok'
/** About as long as a sync takes and the next may wait. */
const syncHintMs = 1_000

/**
 * If the marker is gone the set was flushed since it was planted, and what was read meanwhile may be an old truth: do nothing.
 * Scores are raised only (`GT`), so a late call never shortens what is there. A lease from further ahead than any clock can be was not
 * made here; it is replaced, since to shorten a lease is always safe.
 */
const commitScript = `
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
for i = 4, #ARGV, 2 do redis.call('ZADD', KEYS[1], 'GT', ARGV[i], ARGV[i + 1]) end
local lease = redis.call('ZSCORE', KEYS[1], 'ok')
if lease and tonumber(lease) > tonumber(ARGV[2]) + 60000 then redis.call('ZREM', KEYS[1], 'ok') end
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], 'ok')
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[3])
return 1`

/**
 * One sorted set per deployment. The sentinel's score is a lease in milliseconds, the others' are seconds, so pruning never reaches it.
 * @param deployment tells deployments apart that share a Redis
 */
export function upstashRevocationSet(redis: Redis, deployment: string): RevocationSet {
  const key = `postern:${deployment}:revoked`
  return {
    async look(members) {
      const scores = await withoutCommand(() => redis.zmscore(key, [...members, sentinel]))
      if (scores === null) return { revoked: false, leaseUntil: null }
      if (!Array.isArray(scores) || scores.length !== members.length + 1)
        throw new Error('Redis answered nonsense to ZMSCORE')
      const [leaseUntil, ...rest] = scores.map(readScore).reverse()
      return { revoked: rest.some((score) => score !== null), leaseUntil: leaseUntil ?? null }
    },

    async add(revocations) {
      const [first, ...others] = revocations.map(({ member, score }) => ({ member: member as string, score }))
      if (first === undefined) return
      const added = await withoutCommand(() => redis.zadd(key, { gt: true }, first, ...others))
      if (typeof added !== 'number') throw new Error('Redis answered nonsense to ZADD')
    },

    async plant(marker, expires) {
      const replies: unknown[] = await withoutCommand(() =>
        redis.multi().zadd(key, { score: expires, member: marker }).zscore(key, sentinel).exec(),
      )
      if (replies.length !== 2 || replies[0] !== 1) throw new Error('Redis answered nonsense to MULTI')
      return { leaseUntil: readScore(replies[1]) }
    },

    async commit(marker, revocations, leaseUntil, nowSeconds) {
      const rows = revocations.flatMap(({ member, score }) => [score, member])
      const committed = await withoutCommand(() =>
        redis.eval(commitScript, [key], [marker, leaseUntil, nowSeconds, ...rows]),
      )
      return committed === 1
    },

    async claimSync() {
      const claimed = await withoutCommand(() =>
        redis.set(`postern:${deployment}:syncing`, 1, { nx: true, px: syncHintMs }),
      )
      return claimed === 'OK'
    },
  }
}

function readScore(score: unknown): number | null {
  if (score === null) return null
  const value = Number(score)
  if ((typeof score !== 'number' && typeof score !== 'string') || !Number.isFinite(value)) {
    throw new Error('Redis answered a score that is no number')
  }
  return value
}
