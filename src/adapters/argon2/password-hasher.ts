import { timingSafeEqual } from 'node:crypto'
import type { Password } from '../../domain/password-policy.ts'
import {
  type Argon2Recipe,
  type DeriveTag,
  formatPhc,
  type HashRecipe,
  isArgon2,
  type PasswordHash,
  type Phc,
  parsePhc,
} from '../../domain/phc.ts'
import type { PasswordHasher } from '../../ports.ts'
import { argon2Engine } from './engine.ts'
import { testArgon2 } from './self-test.ts'
import { Turns } from './turns.ts'

/** OWASP's first choice for Argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
export const todaysRecipe: Argon2Recipe = { algorithm: 'argon2id', m: 19_456, t: 2, p: 1 }
const saltBytes = 16
const tagBytes = 32

/** Nobody's password: to match it is to find a preimage of a tag of 32 zero bytes. */
const decoy = formatPhc({ recipe: todaysRecipe, salt: new Uint8Array(saltBytes), tag: new Uint8Array(tagBytes) })

/** Hashes with Argon2id at today's cost, and verifies every algorithm that `derive` knows. */
export function argon2Hasher(derive: DeriveTag): PasswordHasher {
  async function deriveFrom(
    password: Password,
    recipe: HashRecipe,
    salt: Uint8Array,
    length: number,
  ): Promise<Uint8Array> {
    const bytes = new TextEncoder().encode(password)
    try {
      return await derive(bytes, recipe, salt, length)
    } finally {
      bytes.fill(0)
    }
  }

  return {
    decoy,
    async hash(password) {
      const salt = crypto.getRandomValues(new Uint8Array(saltBytes))
      const tag = await deriveFrom(password, todaysRecipe, salt, tagBytes)
      return formatPhc({ recipe: todaysRecipe, salt, tag })
    },
    async verify(password, hash) {
      const { recipe, salt, tag } = parsePhc(hash)
      const candidate = await deriveFrom(password, recipe, salt, tag.length)
      const outdated = !isTodays({ recipe, salt, tag }, hash)
      return { matches: timingSafeEqual(candidate, tag), outdated }
    },
  }
}

/**
 * The service's hasher: Argon2 by the WebAssembly engine, everything else by `reference`. The engine must pass its self-test in each
 * isolate before its first hash; if it cannot, or `wasm` is null, `reference` computes Argon2 too: slower, and the same strings.
 */
export function passwordHasher(parts: {
  wasm: WebAssembly.Module | null
  reference: DeriveTag
  log: (line: string) => void
}): PasswordHasher {
  const { wasm, reference, log } = parts
  const turns = new Turns()
  let engine: DeriveTag<Argon2Recipe> | null = null

  function chooseEngine(): DeriveTag<Argon2Recipe> {
    if (!wasm) return reference
    try {
      const candidate = argon2Engine(wasm)
      testArgon2(candidate)
      return candidate
    } catch (error) {
      log(`Argon2 in WebAssembly is unusable, hashing with the slower reference instead: ${String(error)}`)
      return reference
    }
  }

  return argon2Hasher((password, recipe, salt, length) =>
    turns.take(async () => {
      if (!isArgon2(recipe)) return reference(password, recipe, salt, length)
      engine ??= chooseEngine()
      return engine(password, recipe, salt, length)
    }),
  )
}

function isTodays({ salt, tag }: Phc, hash: PasswordHash): boolean {
  return salt.length === saltBytes && tag.length === tagBytes && formatPhc({ recipe: todaysRecipe, salt, tag }) === hash
}
