import { describe, expect, inject, it } from 'vitest'
import { connectRedis } from '../../../src/adapters/upstash/redis.ts'
import { type LevelToCount, slidingWindows } from '../../../src/adapters/upstash/sliding-windows.ts'
import type { LimitName } from '../../../src/domain/rate-limits.ts'

const redis = connectRedis({ url: inject('upstashUrl'), token: inject('upstashToken') }, 10_000)

/** A counter with keys of its own. The clock stands still: a window that ends in the middle of a test would be another test. */
function newCounter(now = Date.now()) {
  return slidingWindows(redis, `test:${crypto.randomUUID()}`, () => now)
}

function level(name: LimitName, limit: number, seconds = 3_600): LevelToCount {
  return { name, rule: { limit, seconds }, key: `${name}:somebody` }
}

describe('several levels', () => {
  it('spend at all of them', async () => {
    const count = newCounter()
    const levels = [level('email.ip', 5), level('email.account', 3)]
    await count(levels)
    const [ip, account] = await count(levels)
    expect(ip).toMatchObject({ remaining: 3, refused: false })
    expect(account).toMatchObject({ remaining: 1, refused: false })
  })

  it('spend at none when one of them refuses', async () => {
    const count = newCounter()
    const [ip, account] = [level('email.ip', 1), level('email.account', 10)]
    await count([ip, account])
    for (let i = 0; i < 20; i++)
      expect((await count([ip, account])).map(({ refused }) => refused)).toEqual([true, false])
    const [, , after] = await count([level('email.global', 10), level('email.ip_account', 10), account])
    expect(after?.remaining).toBe(8)
  })

  it('let through exactly the limit of 500 that come at once', async () => {
    const count = newCounter()
    const levels = [level('login.ip', 100), level('login.ip_account', 1_000)]
    const counts = await Promise.all(Array.from({ length: 500 }, () => count(levels)))
    expect(counts.filter((each) => each.every(({ refused }) => !refused))).toHaveLength(100)
  })

  it('weigh the window before by what of it still overlaps', async () => {
    const hour = 3_600_000
    const beginning = Math.ceil(Date.now() / hour) * hour
    const prefix = `test:${crypto.randomUUID()}`
    const levels = [level('login.ip', 100), level('login.ip_account', 100)]
    const before = slidingWindows(redis, prefix, () => beginning - 1)
    for (let i = 0; i < 40; i++) await before(levels)
    const [quarterIn] = await slidingWindows(redis, prefix, () => beginning + hour / 4)(levels)
    expect(quarterIn?.remaining).toBe(100 - 30 - 1)
    expect(quarterIn?.resetAt).toBe(beginning + hour)
  })
})

describe('a refusal', () => {
  const hour = 3_600_000
  const beginning = Math.ceil(Date.now() / hour) * hour
  const levels = [level('login.ip', 100), level('login.ip_account', 1_000)]

  it.each([
    ['in this window, when the one before weighs too much', 150, 0, 1 / 3],
    ['in the next one, when this one is full', 0, 100, 1],
    ['later in the next one, when this one is overfull by another rule', 0, 150, 1 + 1 / 3],
  ])('says when the level opens again: %s', async (_, before, current, windowsLater) => {
    const prefix = `test:${crypto.randomUUID()}`
    const key = (at: number) => `${prefix}:${levels[0]?.key}:${Math.floor(at / hour)}`
    await redis.mset({ [key(beginning - 1)]: before, [key(beginning)]: current })
    const [refused] = await slidingWindows(redis, prefix, () => beginning)(levels)
    expect(refused).toMatchObject({ refused: true })
    const opens = refused?.resetAt ?? 0
    expect(opens - beginning).toBeGreaterThanOrEqual(windowsLater * hour)
    expect(opens - beginning).toBeLessThan(windowsLater * hour + 10)
    const [early] = await slidingWindows(redis, prefix, () => opens - 1_000)(levels)
    const [then] = await slidingWindows(redis, prefix, () => opens)(levels)
    expect([early?.refused, then?.refused]).toEqual([true, false])
  })
})

describe('one level', () => {
  it('counts the same by the library and by the script', async () => {
    const count = newCounter()
    const alone = level('email.ip', 10)
    const [first] = await count([alone])
    const [second] = await count([alone, level('email.account', 10)])
    const [third] = await count([alone])
    expect([first, second, third].map((each) => each?.remaining)).toEqual([9, 8, 7])
    expect(new Set([first, second, third].map((each) => each?.resetAt)).size).toBe(1)
  })
})
