import { scryptSync } from 'node:crypto'
import { argon2d, argon2i, argon2id } from '@noble/hashes/argon2.js'
import { type DeriveTag, type HashRecipe, isArgon2 } from '../../domain/phc.ts'

const argon2 = { argon2d, argon2i, argon2id }

/**
 * Every algorithm of imported hashes. Argon2 is noble's, six times slower than the WebAssembly engine that it stands in for.
 * scrypt and PBKDF2 are the platform’s, about 2 and 6 times as fast as JavaScript, and `costCaps` keeps them inside what production allows.
 */
export const nobleDeriveTag: DeriveTag = async (password, recipe, salt, length) => {
  if (isArgon2(recipe)) {
    const { algorithm, m, t, p } = recipe
    return argon2[algorithm](password, salt, { m, t, p, dkLen: length })
  }
  if (recipe.algorithm === 'scrypt') {
    const { ln, r, p } = recipe
    // The working memory, and room for the block buffers: OpenSSL's own cap is 32 MiB.
    const maxmem = 128 * r * (2 ** ln + p + 2)
    return scryptSync(password, salt, length, { N: 2 ** ln, r, p, maxmem })
  }
  return derivePbkdf2(password, recipe, salt, length)
}

async function derivePbkdf2(
  password: Uint8Array,
  { algorithm, i }: Extract<HashRecipe, { i: number }>,
  salt: Uint8Array,
  length: number,
): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits'])
  const hash = algorithm === 'pbkdf2-sha512' ? 'SHA-512' : 'SHA-256'
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash, salt, iterations: i }, key, length * 8)
  return new Uint8Array(bits)
}
