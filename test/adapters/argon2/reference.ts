import { argon2d, argon2i, argon2id } from '@noble/hashes/argon2.js'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Argon2Engine } from '../../../src/adapters/argon2/engine.ts'
import type { Argon2Recipe } from '../../../src/domain/phc.ts'

const reference = { argon2d, argon2i, argon2id }

export function noble(
  password: Uint8Array,
  { algorithm, m, t, p }: Argon2Recipe,
  salt: Uint8Array,
  length: number,
): Uint8Array {
  return reference[algorithm](password, salt, { m, t, p, dkLen: length })
}

/** Compares an engine with noble on random passwords of 0 to 4,096 bytes, all variants, lanes, salts and tags, at little cost. */
export function agreesWithReference(engine: Argon2Engine, rounds: number): void {
  const lengths = fc.oneof(fc.integer({ min: 0, max: 130 }), fc.integer({ min: 0, max: 4_096 }))
  const sizes = fc.record({
    password: lengths,
    salt: fc.integer({ min: 8, max: 64 }),
    tag: fc.integer({ min: 4, max: 130 }),
  })
  const costs = fc.record({ p: fc.integer({ min: 1, max: 4 }), extra: fc.nat(32), t: fc.integer({ min: 1, max: 3 }) })
  const algorithms = fc.constantFrom('argon2id' as const, 'argon2i' as const, 'argon2d' as const)
  fc.assert(
    fc.property(algorithms, sizes, costs, fc.nat(), (algorithm, size, { p, extra, t }, seed) => {
      const recipe = { algorithm, m: 8 * p + extra, t, p }
      const password = bytesOf(seed, size.password)
      const salt = bytesOf(seed + 1, size.salt)
      const answer = engine(password, recipe, salt, size.tag)
      expect([...answer]).toEqual([...noble(password, recipe, salt, size.tag)])
    }),
    { numRuns: rounds },
  )
}

/** Repeatable bytes of a seed (a linear congruential generator): 4 KiB of them from fast-check would take longer than the hash. */
function bytesOf(seed: number, length: number): Uint8Array {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
}
