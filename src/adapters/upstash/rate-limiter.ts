import type { Redis } from '@upstash/redis'
import {
  type LimitLevel,
  type LimitName,
  type LimitState,
  limitLevels,
  type RateLimit,
  type RateLimits,
} from '../../domain/rate-limits.ts'
import type { LimitSubject, RateLimiter } from '../../ports.ts'
import { LocalWindows } from './local-windows.ts'
import { type LevelCount, type LevelToCount, slidingWindows } from './sliding-windows.ts'

/** That Redis is away is told once in this time. */
const complaintPauseMs = 10_000

/**
 * Sliding windows in Redis, all levels of a request in one round trip; one that is refused at some level spends at none.
 * An isolate that saw a key refused goes on refusing it by itself until then, and counts alone while Redis is away.
 */
export function upstashRateLimiter(
  redis: Redis,
  deployment: string,
  limits: RateLimits,
  now: () => number,
  complain: (error: unknown) => void,
): RateLimiter {
  const count = slidingWindows(redis, `postern:${deployment}:limit`, now)
  const refusals = new LocalWindows()
  const local = new LocalWindows()
  let complainedAt = Number.NEGATIVE_INFINITY

  async function countEverywhere(levels: readonly LevelToCount[]): Promise<LevelCount[]> {
    try {
      return await count(levels)
    } catch (error) {
      if (now() - complainedAt > complaintPauseMs) {
        complainedAt = now()
        complain(error)
      }
      return levels.map(({ key, rule }) => {
        const { used, until } = local.add(key, now(), rule.seconds * 1_000)
        return { remaining: rule.limit - used, refused: used > rule.limit, resetAt: until }
      })
    }
  }

  function known(levels: readonly LevelToCount[]): LevelCount[] | null {
    const closed = levels.map(({ key }) => refusals.until(key, now()))
    if (closed.every((until) => until === null)) return null
    return closed.map((until) => ({ remaining: 0, refused: until !== null, resetAt: until ?? now() }))
  }

  return {
    async spend(route, subject) {
      const levels = limitLevels.flatMap((level): LevelToCount[] => {
        const name: LimitName = `${route}.${level}`
        const rule = limits[name]
        const whom = subjectOf(level, subject)
        return rule === undefined || whom === null ? [] : [{ name, rule, key: `${name}:${whom}` }]
      })
      if (levels.length === 0) return { states: [], refused: null }
      const before = known(levels)
      const counts = before ?? (await countEverywhere(levels))

      const states: LimitState[] = []
      let refused: LimitState | null = null
      for (const [i, { name, rule, key }] of levels.entries()) {
        const counted = counts[i]
        if (counted === undefined) throw new Error('a limit was not counted')
        const state = stateOf(name, rule, counted, now())
        if (counted.refused && before === null) refusals.close(key, counted.resetAt)
        if (counted.refused && (refused === null || state.resetSeconds > refused.resetSeconds)) refused = state
        if (before === null || counted.refused) states.push(state)
      }
      return { states, refused }
    },
  }
}

function stateOf(name: LimitName, rule: RateLimit, { remaining, resetAt }: LevelCount, now: number): LimitState {
  const resetSeconds = Math.max(1, Math.ceil((resetAt - now) / 1_000))
  return { name, ...rule, remaining: Math.max(0, remaining), resetSeconds }
}

function subjectOf(level: LimitLevel, { ip, account }: LimitSubject): string | null {
  switch (level) {
    case 'global':
      return 'all'
    case 'ip':
      return ip
    case 'account':
      return account ?? null
    case 'ip_account':
      return account === undefined ? null : `${ip}:${account}`
    case 'user':
      return null
  }
}
