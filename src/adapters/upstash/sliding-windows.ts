import { Ratelimit } from '@upstash/ratelimit'
import type { Redis } from '@upstash/redis'
import type { LimitName, RateLimit } from '../../domain/rate-limits.ts'
import { withoutCommand } from './redis.ts'

export interface LevelToCount {
  name: LimitName
  rule: RateLimit
  /** Level and subject. */
  key: string
}

export interface LevelCount {
  remaining: number
  refused: boolean
  /** Unix milliseconds. */
  resetAt: number
}

/**
 * Several levels decide together: all are read before any is counted, so a request that one refuses spends at none of them.
 * The same keys and arithmetic as the library's script: fixed windows, the previous one weighted by what of it still overlaps.
 */
const countTogether = `
local now = tonumber(ARGV[1])
local counted, refused = {}, false
for level = 1, #ARGV - 1, 2 do
  local limit, window = tonumber(ARGV[level + 1]), tonumber(ARGV[level + 2])
  local before = tonumber(redis.call('GET', KEYS[level + 1]) or 0)
  local current = tonumber(redis.call('GET', KEYS[level]) or 0)
  counted[#counted + 1] = before
  counted[#counted + 1] = current
  refused = refused or math.floor(before * (1 - (now % window) / window)) + current >= limit
end
if not refused then
  for level = 1, #KEYS, 2 do
    redis.call('INCR', KEYS[level])
    redis.call('PEXPIRE', KEYS[level], tonumber(ARGV[level + 2]) * 2 + 1000)
  end
end
return counted`

/**
 * Counts a request at all the levels given, in one command. @upstash/ratelimit serves where one level decides. Its defaults fail open
 * (after `timeout` it reports success) and its cache of refusals grows without bound: both are off.
 */
export function slidingWindows(redis: Redis, prefix: string, clock: () => number) {
  const limiters = new Map<LimitName, Ratelimit>()

  function limiterOf({ name, rule }: LevelToCount): Ratelimit {
    const limiter =
      limiters.get(name) ??
      new Ratelimit({
        redis,
        limiter: Ratelimit.slidingWindow(rule.limit, `${rule.seconds} s`),
        prefix,
        timeout: 0,
        ephemeralCache: false,
        analytics: false,
      })
    limiters.set(name, limiter)
    return limiter
  }

  async function countOne(level: LevelToCount): Promise<LevelCount> {
    const { success, remaining, reset } = await withoutCommand(() => limiterOf(level).limit(level.key))
    if (typeof success !== 'boolean' || !Number.isFinite(remaining))
      throw new Error('Redis answered nonsense to a rate limit')
    return { remaining, refused: !success, resetAt: reset }
  }

  async function countAll(levels: readonly LevelToCount[]): Promise<LevelCount[]> {
    const now = clock()
    const windows = levels.map(({ rule }) => Math.floor(now / (rule.seconds * 1_000)))
    const keys = levels.flatMap(({ key }, i) => [
      `${prefix}:${key}:${windows[i]}`,
      `${prefix}:${key}:${Number(windows[i]) - 1}`,
    ])
    const rules = levels.flatMap(({ rule }) => [rule.limit, rule.seconds * 1_000])
    const counted: unknown = await withoutCommand(() => redis.eval(countTogether, keys, [now, ...rules]))
    if (!Array.isArray(counted) || counted.length !== 2 * levels.length || !counted.every(Number.isFinite)) {
      throw new Error('Redis answered nonsense to a rate limit')
    }
    const states = levels.map(({ rule }, i) => {
      const [before, current] = [Number(counted[2 * i]), Number(counted[2 * i + 1])]
      const used = Math.floor(before * (1 - (now % (rule.seconds * 1_000)) / (rule.seconds * 1_000))) + current
      return { rule, before, current, used, refused: used >= rule.limit }
    })
    const spent = states.some(({ refused }) => refused) ? 0 : 1
    return states.map(({ rule, before, current, used, refused }) => ({
      remaining: rule.limit - used - spent,
      refused,
      resetAt: refused ? opensAgainAt(rule, before, current, now) : windowEnd(rule, now),
    }))
  }

  return async function count(levels: readonly LevelToCount[]): Promise<LevelCount[]> {
    const [only, ...others] = levels
    if (only === undefined) return []
    return others.length === 0 ? [await countOne(only)] : countAll(levels)
  }
}

function windowEnd({ seconds }: RateLimit, now: number): number {
  return (Math.floor(now / (seconds * 1_000)) + 1) * seconds * 1_000
}

/**
 * When the weighted count has sunk below the limit: in this window, if what weighs too much is the one before; else in the next one,
 * where this one becomes the one before.
 */
function opensAgainAt(rule: RateLimit, before: number, current: number, now: number): number {
  const length = rule.seconds * 1_000
  const end = windowEnd(rule, now)
  const room = rule.limit - current
  const weighs = (most: number, count: number) => length * (1 - most / count)
  return Math.ceil(room > 0 ? end - length + weighs(room, before) : end + weighs(rule.limit, current)) + 1
}
