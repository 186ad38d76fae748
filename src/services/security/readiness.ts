import type { Postern } from '../postern.ts'

interface Check {
  ok: boolean
  latencyMs: number
  cause: unknown
}

/** A refresh carries a deadline by the Worker's clock that Postgres reads by its own. */
const largestClockOffsetMs = 500

/** Asks each back end at once. Redis may be away and the service goes on (DESIGN, degradation), but an operator wants to know. */
export async function checkReadiness({ probes, signing, clock }: Pick<Postern, 'probes' | 'signing' | 'clock'>) {
  const timed = async <T>(ask: () => Promise<T>): Promise<{ check: Check; value: T | null }> => {
    const began = clock.now()
    try {
      const value = await ask()
      return { check: { ok: true, latencyMs: clock.now() - began, cause: null }, value }
    } catch (cause) {
      return { check: { ok: false, latencyMs: clock.now() - began, cause }, value: null }
    }
  }
  const [postgres, redis, keys] = await Promise.all([
    timed(async () => {
      const asked = clock.now()
      const postgres = await probes.postgres()
      // It was read somewhere between these two moments: a slow answer is no wrong clock.
      const offset = Math.max(asked - postgres.clock, postgres.clock - clock.now())
      if (offset > largestClockOffsetMs)
        throw new Error(`Postgres' clock is ${Math.round(offset)} ms from the Worker's`)
      return postgres
    }),
    timed(() => probes.redis()),
    timed(() => signing.warm()),
  ])
  const current = postgres.value?.migrations === 'current'
  const behind = postgres.check.cause ?? 'migrations are behind: npm run migrate'
  const migrations: Check = { ok: current, latencyMs: postgres.check.latencyMs, cause: current ? null : behind }
  const checks = { postgres: postgres.check, migrations, redis: redis.check, keys: keys.check }
  return { ready: Object.values(checks).every(({ ok }) => ok), checks }
}
