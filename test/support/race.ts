import { AuthError, type ErrorCode } from '../../src/domain/auth-error.ts'

/** What became of a use case: its value, or the code it was refused with. Everything else is thrown on. */
export type Outcome<T> = { code: 'ok'; value: T } | { code: ErrorCode; value: null }

export async function outcomeOf<T>(promise: Promise<T>): Promise<Outcome<T>> {
  try {
    return { code: 'ok', value: await promise }
  } catch (error) {
    if (error instanceof AuthError) return { code: error.code, value: null }
    throw error
  }
}

/** Just the code. */
export async function codeOf(promise: Promise<unknown>): Promise<'ok' | ErrorCode> {
  return (await outcomeOf(promise)).code
}

/** How often each value is there. */
export function tally(values: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}

/** Starts `count` at once. */
export function allAtOnce<T>(count: number, start: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => start(index)))
}

/** Runs `count` of them, `width` at any time, and tells on stderr how far it is. */
export async function inTurns(
  what: string,
  count: number,
  width: number,
  run: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const told = Math.ceil(count / 4)
  const lane = async () => {
    while (next < count) {
      const index = next++
      await run(index)
      if ((index + 1) % told === 0) process.stderr.write(`  ${what}: ${index + 1} of ${count}\n`)
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
}

/** A pause of up to so long, so that two sides of a race meet in every order. */
export function pauseUpTo(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * milliseconds))
}

/** The element at that place; the test is wrong when there is none. */
export function at<T>(values: readonly T[], index: number): T {
  const value = values.at(index)
  if (value === undefined) throw new RangeError(`there is no element ${index} of ${values.length}`)
  return value
}
