import { describe, expect, it, vi } from 'vitest'
import { argon2Module } from '../../../src/adapters/argon2/module.ts'
import { argon2Hasher, passwordHasher } from '../../../src/adapters/argon2/password-hasher.ts'
import { nobleDeriveTag } from '../../../src/adapters/noble/derive-tag.ts'
import { type Password, readPassword } from '../../../src/domain/password-policy.ts'
import {
  type DeriveTag,
  formatPhc,
  type HashRecipe,
  type PasswordHash,
  parsePhc,
  UnusableHash,
} from '../../../src/domain/phc.ts'

const log = vi.fn<(line: string) => void>()
const reference = vi.fn<DeriveTag>(nobleDeriveTag)
const hasher = passwordHasher({ wasm: argon2Module, reference, log })
const passphrase = readPassword('correct horse battery staple')

/** A hash of another recipe, made by the reference. */
async function hashWith(recipe: HashRecipe, password: Password): Promise<PasswordHash> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  const tag = await nobleDeriveTag(new TextEncoder().encode(password), recipe, salt, 32)
  return formatPhc({ recipe, salt, tag })
}

describe('the password hasher', () => {
  it('makes a PHC string of today, with a salt of its own each time, that its password alone matches', async () => {
    const [one, other] = [await hasher.hash(passphrase), await hasher.hash(passphrase)]
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(parsePhc(one).salt).not.toEqual(parsePhc(other).salt)
    expect(parsePhc(one).tag).not.toEqual(parsePhc(other).tag)
    expect(await hasher.verify(passphrase, one)).toEqual({ matches: true, outdated: false })
    expect(await hasher.verify(readPassword('correct horse battery stapl'), one)).toEqual({
      matches: false,
      outdated: false,
    })
  })

  it.each([
    ['spaces', '  spaces at both ends  '],
    ['emoji', '🐎🔋📎✅🐌🦊🐢🦉🐝🦀🐙🦑🐬🦈🐳'],
    ['a NUL', 'before\u0000after the NUL'],
    ['128 code points', 'é'.repeat(128)],
    ['nothing', ''],
  ])('hashes %s', async (_, raw) => {
    const password = readPassword(raw)
    const hash = await hasher.hash(password)
    expect((await hasher.verify(password, hash)).matches).toBe(true)
    expect((await hasher.verify(readPassword(`${raw} `), hash)).matches).toBe(false)
  })

  it('takes one password typed in two ways for the same', async () => {
    const hash = await hasher.hash(readPassword('cafe\u0301 au lait, twice'))
    expect((await hasher.verify(readPassword('caf\u00e9 au lait, twice'), hash)).matches).toBe(true)
  })

  it.each([
    ['the letters beyond the count of UTF-16 units', 'ééééXYZ1', 'ééééZZZZ'],
    ['what follows a NUL', 'before\u0000after', 'before\u0000other'],
    ['case', 'Correct Horse Battery', 'correct horse battery'],
    ['a space at the end', 'correct horse battery', 'correct horse battery '],
    ['the last of 128 code points', `${'x'.repeat(127)}a`, `${'x'.repeat(127)}b`],
    ['the last of 128 emoji', `${'🐎'.repeat(127)}🐢`, `${'🐎'.repeat(127)}🐝`],
    ['compatibility forms', 'ﬁne passphrase here', 'fine passphrase here'],
  ])('tells passwords apart by %s', async (_, one, other) => {
    const hash = await hashWith({ algorithm: 'argon2id', m: 32, t: 1, p: 1 }, readPassword(one))
    expect((await hasher.verify(readPassword(one), hash)).matches).toBe(true)
    expect((await hasher.verify(readPassword(other), hash)).matches).toBe(false)
  })

  it.each<HashRecipe>([
    { algorithm: 'argon2id', m: 19_455, t: 2, p: 1 },
    { algorithm: 'argon2id', m: 64, t: 2, p: 2 },
    { algorithm: 'argon2i', m: 64, t: 3, p: 1 },
    { algorithm: 'argon2d', m: 64, t: 3, p: 4 },
    { algorithm: 'scrypt', ln: 10, r: 8, p: 1 },
    { algorithm: 'pbkdf2-sha256', i: 1_000 },
    { algorithm: 'pbkdf2-sha512', i: 1_000 },
  ])('verifies an imported hash and calls it outdated: %o', async (recipe) => {
    const hash = await hashWith(recipe, passphrase)
    expect(await hasher.verify(passphrase, hash)).toEqual({ matches: true, outdated: true })
    expect(await hasher.verify(readPassword('another passphrase'), hash)).toEqual({ matches: false, outdated: true })
  })

  it('calls a hash outdated whose salt or tag has another length than today’s', async () => {
    const recipe = { algorithm: 'argon2id', m: 19_456, t: 2, p: 1 } as const
    const shortSalt = formatPhc({ recipe, salt: new Uint8Array(8), tag: new Uint8Array(32) })
    const shortTag = formatPhc({ recipe, salt: new Uint8Array(16), tag: new Uint8Array(16) })
    expect(await hasher.verify(passphrase, shortSalt)).toEqual({ matches: false, outdated: true })
    expect(await hasher.verify(passphrase, shortTag)).toEqual({ matches: false, outdated: true })
  })

  it('has a decoy of today’s cost, which nothing matches', async () => {
    expect(parsePhc(hasher.decoy).recipe).toEqual(parsePhc(await hasher.hash(passphrase)).recipe)
    expect(await hasher.verify(passphrase, hasher.decoy)).toEqual({ matches: false, outdated: false })
    expect(await hasher.verify(readPassword(''), hasher.decoy)).toEqual({ matches: false, outdated: false })
  })

  it('computes nothing for a hash that costs too much or cannot be read', async () => {
    reference.mockClear()
    for (const hash of ['$pbkdf2-sha256$i=100001$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODw', 'not a hash']) {
      await expect(hasher.verify(passphrase, hash as PasswordHash)).rejects.toThrow(UnusableHash)
    }
    expect(reference).not.toHaveBeenCalled()
  })

  it('wipes its copy of the password, also when the engine fails', async () => {
    const seen: Uint8Array[] = []
    const failing = argon2Hasher((password) => {
      seen.push(password)
      throw new Error('engine failure')
    })
    await expect(failing.hash(passphrase)).rejects.toThrow('engine failure')
    expect(seen).toEqual([new Uint8Array(passphrase.length)])
  })
})

describe('without a usable WebAssembly engine', () => {
  const spare = passwordHasher({ wasm: null, reference: nobleDeriveTag, log })

  it('the reference makes the same strings: each verifies the other’s', async () => {
    const ours = await hasher.hash(passphrase)
    const theirs = await spare.hash(passphrase)
    expect(await spare.verify(passphrase, ours)).toEqual({ matches: true, outdated: false })
    expect(await hasher.verify(passphrase, theirs)).toEqual({ matches: true, outdated: false })
    expect((await hasher.verify(readPassword('another passphrase'), theirs)).matches).toBe(false)
  })

  it('the reference is not asked for Argon2 while the engine works', async () => {
    reference.mockClear()
    await hasher.hash(passphrase)
    expect(reference).not.toHaveBeenCalled()
    expect(log).not.toHaveBeenCalled()
  })

  it('says so once, and goes on', async () => {
    const lines: string[] = []
    const broken = passwordHasher({
      wasm: {} as WebAssembly.Module,
      reference: nobleDeriveTag,
      log: (line) => lines.push(line),
    })
    const hash = await hashWith({ algorithm: 'argon2id', m: 32, t: 1, p: 1 }, passphrase)
    expect((await broken.verify(passphrase, hash)).matches).toBe(true)
    expect((await broken.verify(passphrase, hash)).matches).toBe(true)
    expect(lines).toEqual([
      expect.stringMatching(
        /^Argon2 in WebAssembly is unusable, hashing with the slower reference instead: \w*Error: /,
      ),
    ])
  })
})
