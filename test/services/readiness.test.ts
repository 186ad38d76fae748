import { describe, expect, it } from 'vitest'
import type { Probes } from '../../src/ports.ts'
import { checkReadiness } from '../../src/services/security/readiness.ts'
import type { SigningKeyring } from '../../src/services/tokens/signing-keyring.ts'
import { fakeClock } from '../support/fake-clock.ts'

const signing = { warm: async () => {} } as unknown as SigningKeyring

/** Readiness with a Postgres whose clock is this far from ours and that takes this long each way. */
function withPostgres({
  offset = 0,
  each = 0,
  migrations = 'current',
}: {
  offset?: number
  each?: number
  migrations?: 'current' | 'behind'
}) {
  const clock = fakeClock()
  const postgres: Probes['postgres'] = async () => {
    clock.advance(each)
    const read = clock.now() + offset
    clock.advance(each)
    return { migrations, clock: read }
  }
  return checkReadiness({ clock, signing, probes: { postgres, redis: async () => {} } })
}

describe('readiness', () => {
  it.each([
    ['in step', {}, true],
    ['half a second ahead', { offset: 500 }, true],
    ['more than half a second ahead', { offset: 501 }, false],
    ['more than half a second behind', { offset: -501 }, false],
    ['in step behind a slow network', { each: 900 }, true],
    ['ahead by more than a slow network explains', { each: 200, offset: 701 }, false],
  ])('minds the clock of Postgres, which decides on deadlines: %s', async (_, postgres, ready) => {
    expect((await withPostgres(postgres)).ready).toBe(ready)
  })

  it('is not given while migrations are missing', async () => {
    const { ready, checks } = await withPostgres({ migrations: 'behind' })
    expect([ready, checks.postgres.ok, checks.migrations.ok]).toEqual([false, true, false])
    expect(checks.migrations.cause).toBe('migrations are behind: npm run migrate')
  })

  it('tells how long each part took', async () => {
    expect((await withPostgres({ each: 20 })).checks.postgres.latencyMs).toBe(40)
  })
})
