import type { Clock } from '../../src/ports.ts'

export interface FakeClock extends Clock {
  advance(milliseconds: number): void
  /** How long each `sleep` was. */
  readonly slept: readonly number[]
}

/** A clock that stands until it is moved, or somebody sleeps. It begins at the real time, which Postgres' own clock shows. */
export function fakeClock(): FakeClock {
  let now = Date.now()
  const slept: number[] = []
  return {
    now: () => now,
    async sleep(milliseconds) {
      slept.push(milliseconds)
      now += milliseconds
    },
    advance(milliseconds) {
      now += milliseconds
    },
    slept,
  }
}
