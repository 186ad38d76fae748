import { describe, expect, it } from 'vitest'
import type { RateLimits } from '../../src/domain/rate-limits.ts'
import type { RateLimiter } from '../../src/ports.ts'

const long = 999_999

export function rateLimiterContract(adapter: string, open: (limits: RateLimits) => RateLimiter): void {
  describe(`the rate limiter ${adapter}`, () => {
    const subject = () => ({ ip: crypto.randomUUID() })
    const times = async (count: number, spend: () => ReturnType<RateLimiter['spend']>) => {
      const refused = []
      for (let i = 0; i < count; i++) refused.push((await spend()).refused !== null)
      return refused
    }

    it('lets exactly the limit pass, one after the other and all at once', async () => {
      const limiter = open({ 'login.ip': { limit: 3, seconds: long } })
      const [one, other] = [subject(), subject()]
      expect(await times(5, () => limiter.spend('login', one))).toEqual([false, false, false, true, true])
      const atOnce = await Promise.all(Array.from({ length: 10 }, () => limiter.spend('login', other)))
      expect(atOnce.filter(({ refused }) => refused === null)).toHaveLength(3)
    })

    it('says how each level stands', async () => {
      const limiter = open({ 'login.ip': { limit: 2, seconds: long } })
      const one = subject()
      for (const remaining of [1, 0, 0]) {
        const { states } = await limiter.spend('login', one)
        expect(states).toEqual([
          { name: 'login.ip', limit: 2, seconds: long, remaining, resetSeconds: expect.any(Number) },
        ])
        expect(states[0]?.resetSeconds).toBeGreaterThan(0)
        expect(states[0]?.resetSeconds).toBeLessThanOrEqual(long)
      }
    })

    it('counts nothing where no level is configured, or the subject of the only one is missing', async () => {
      const limiter = open({ 'login.account': { limit: 1, seconds: long } })
      expect(await limiter.spend('refresh', subject())).toEqual({ states: [], refused: null })
      expect(await times(3, () => limiter.spend('login', subject()))).toEqual([false, false, false])
    })

    it('keeps routes, levels and subjects apart', async () => {
      const limiter = open({
        'login.ip': { limit: 1, seconds: long },
        'refresh.ip': { limit: 1, seconds: long },
      })
      const one = subject()
      expect((await limiter.spend('login', one)).refused).toBeNull()
      expect((await limiter.spend('refresh', one)).refused).toBeNull()
      expect((await limiter.spend('login', subject())).refused).toBeNull()
      expect((await limiter.spend('login', one)).refused).toMatchObject({ name: 'login.ip' })
    })

    it('holds an account from every address, and an address over every account', async () => {
      const limiter = open({
        'login.ip': { limit: 4, seconds: long },
        'login.account': { limit: 2, seconds: long },
      })
      const account = crypto.randomUUID()
      expect(await times(3, () => limiter.spend('login', { ...subject(), account }))).toEqual([false, false, true])
      const { ip } = subject()
      const other = () => limiter.spend('login', { ip, account: crypto.randomUUID() })
      expect(await times(5, other)).toEqual([false, false, false, false, true])
    })
  })
}
