import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { todaysRecipe } from '../../src/adapters/argon2/password-hasher.ts'
import {
  costCaps,
  formatPhc,
  type HashRecipe,
  type Phc,
  parsePhc,
  readPasswordHash,
  UnusableHash,
} from '../../src/domain/phc.ts'

const salt = 'AAECAwQFBgcICQoLDA0ODw' // 00 01 … 0f
const tag = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8' // 00 01 … 1f
const ascending = (length: number) => Uint8Array.from({ length }, (_, at) => at)

/** What Cloudflare refuses in production and local workerd computes all the same (docs: WebCrypto, node:crypto; workerd issue 1346). */
const production = { pbkdf2Iterations: 100_000, scryptWork: 2 ** 20, memoryBytes: 64 * 2 ** 20 }

const readable: [string, HashRecipe][] = [
  [`$argon2id$v=19$m=19456,t=2,p=1$${salt}$${tag}`, { algorithm: 'argon2id', m: 19_456, t: 2, p: 1 }],
  [`$argon2i$v=19$m=4096,t=3,p=1$${salt}$${tag}`, { algorithm: 'argon2i', m: 4_096, t: 3, p: 1 }],
  [`$argon2d$v=19$m=8,t=1,p=1$${salt}$${tag}`, { algorithm: 'argon2d', m: 8, t: 1, p: 1 }],
  [`$argon2id$v=19$m=65536,t=4,p=1$${salt}$${tag}`, { algorithm: 'argon2id', m: 65_536, t: 4, p: 1 }],
  [`$argon2id$v=19$m=65536,t=3,p=4$${salt}$${tag}`, { algorithm: 'argon2id', m: 65_536, t: 3, p: 4 }],
  [`$scrypt$ln=14,r=8,p=5$${salt}$${tag}`, { algorithm: 'scrypt', ln: 14, r: 8, p: 5 }],
  [`$scrypt$ln=16,r=8,p=2$${salt}$${tag}`, { algorithm: 'scrypt', ln: 16, r: 8, p: 2 }],
  [`$pbkdf2-sha256$i=100000$${salt}$${tag}`, { algorithm: 'pbkdf2-sha256', i: 100_000 }],
  [`$pbkdf2-sha512$i=1$${salt}$${tag}`, { algorithm: 'pbkdf2-sha512', i: 1 }],
]

const refused: [string, string][] = [
  ['empty', ''],
  ['plain text', 'correct horse battery staple'],
  ['bcrypt', '$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'],
  ['unknown algorithm', `$argon2$v=19$m=8,t=1,p=1$${salt}$${tag}`],
  ['upper-case algorithm', `$Argon2id$v=19$m=8,t=1,p=1$${salt}$${tag}`],
  ['version 1.0', `$argon2id$v=16$m=8,t=1,p=1$${salt}$${tag}`],
  ['no version', `$argon2id$m=8,t=1,p=1$${salt}$${tag}`],
  ['parameters in another order', `$argon2id$v=19$t=1,m=8,p=1$${salt}$${tag}`],
  ['a parameter too few', `$argon2id$v=19$m=8,t=1$${salt}$${tag}`],
  ['a parameter too many', `$argon2id$v=19$m=8,t=1,p=1,keyid=AA$${salt}$${tag}`],
  ['a parameter twice', `$argon2id$v=19$m=8,m=8,t=1,p=1$${salt}$${tag}`],
  ['a leading zero', `$argon2id$v=19$m=08,t=1,p=1$${salt}$${tag}`],
  ['a sign', `$argon2id$v=19$m=+8,t=1,p=1$${salt}$${tag}`],
  ['a negative number', `$argon2id$v=19$m=8,t=-1,p=1$${salt}$${tag}`],
  ['a fraction', `$argon2id$v=19$m=8,t=1.5,p=1$${salt}$${tag}`],
  ['an exponent', `$pbkdf2-sha256$i=1e3$${salt}$${tag}`],
  ['no number', `$pbkdf2-sha256$i=$${salt}$${tag}`],
  ['another digit', `$pbkdf2-sha256$i=１$${salt}$${tag}`],
  ['argon2 with 0 KiB', `$argon2id$v=19$m=0,t=1,p=1$${salt}$${tag}`],
  ['argon2 with less than 8 KiB a lane', `$argon2id$v=19$m=15,t=1,p=2$${salt}$${tag}`],
  ['argon2 with too much memory', `$argon2id$v=19$m=65537,t=1,p=1$${salt}$${tag}`],
  ['argon2 with memory beyond 32 bits', `$argon2id$v=19$m=4294967304,t=1,p=1$${salt}$${tag}`],
  ['argon2 with no pass', `$argon2id$v=19$m=8,t=0,p=1$${salt}$${tag}`],
  ['argon2 with too many passes', `$argon2id$v=19$m=8,t=11,p=1$${salt}$${tag}`],
  ['argon2 with no lane', `$argon2id$v=19$m=8,t=1,p=0$${salt}$${tag}`],
  ['argon2 with too many lanes', `$argon2id$v=19$m=64,t=1,p=5$${salt}$${tag}`],
  ['argon2 with too much work', `$argon2id$v=19$m=65536,t=5,p=1$${salt}$${tag}`],
  ['scrypt with N = 1', `$scrypt$ln=0,r=8,p=1$${salt}$${tag}`],
  ['scrypt with N too large for its r', `$scrypt$ln=16,r=1,p=1$${salt}$${tag}`],
  ['scrypt with too much memory', `$scrypt$ln=17,r=8,p=1$${salt}$${tag}`],
  ['scrypt with too much work', `$scrypt$ln=16,r=8,p=3$${salt}$${tag}`],
  ['scrypt with r = 0', `$scrypt$ln=14,r=0,p=1$${salt}$${tag}`],
  ['scrypt with p = 0', `$scrypt$ln=14,r=8,p=0$${salt}$${tag}`],
  ['scrypt with a huge r', `$scrypt$ln=1,r=524288,p=1$${salt}$${tag}`],
  ['scrypt with a huge p', `$scrypt$ln=1,r=1,p=524288$${salt}$${tag}`],
  ['scrypt with a huge ln', `$scrypt$ln=9999999999,r=8,p=1$${salt}$${tag}`],
  ['pbkdf2 without iterations', `$pbkdf2-sha256$i=0$${salt}$${tag}`],
  ['pbkdf2 beyond production', `$pbkdf2-sha512$i=100001$${salt}$${tag}`],
  ['pbkdf2 with SHA-1', `$pbkdf2-sha1$i=1000$${salt}$${tag}`],
  ['no salt', `$argon2id$v=19$m=8,t=1,p=1$$${tag}`],
  ['no tag', `$argon2id$v=19$m=8,t=1,p=1$${salt}$`],
  ['no tag part', `$argon2id$v=19$m=8,t=1,p=1$${salt}`],
  ['a part too many', `$argon2id$v=19$m=8,t=1,p=1$${salt}$${tag}$`],
  ['padded base64', `$argon2id$v=19$m=8,t=1,p=1$${salt}==$${tag}`],
  ['base64url', `$argon2id$v=19$m=8,t=1,p=1$${salt.replace('A', '-')}$${tag}`],
  ['non-zero bits after the last byte', `$argon2id$v=19$m=8,t=1,p=1$${salt.replace(/w$/, 'x')}$${tag}`],
  ['an impossible base64 length', `$argon2id$v=19$m=8,t=1,p=1$${salt}AAA$${tag}`],
  ['white space in base64', `$argon2id$v=19$m=8,t=1,p=1$${salt} $${tag}`],
  ['a line feed at the end', `$argon2id$v=19$m=8,t=1,p=1$${salt}$${tag}\n`],
  ['a NUL at the end', `$argon2id$v=19$m=8,t=1,p=1$${salt}$${tag}\u0000`],
  ['a salt of 7 bytes', `$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAA$${tag}`],
  ['a salt of 65 bytes', `$argon2id$v=19$m=8,t=1,p=1$${'A'.repeat(87)}$${tag}`],
  ['a tag of 15 bytes', `$argon2id$v=19$m=8,t=1,p=1$${salt}$${'A'.repeat(20)}`],
  ['a tag of 65 bytes', `$argon2id$v=19$m=8,t=1,p=1$${salt}$${'A'.repeat(87)}`],
  ['more than 512 characters', `$argon2id$v=19$m=8,t=1,p=1$${salt}$${'A'.repeat(500)}`],
]

const bytes = (minLength: number) => fc.uint8Array({ minLength, maxLength: 64 })
const recipes: fc.Arbitrary<HashRecipe> = fc.oneof(
  fc.record({
    algorithm: fc.constantFrom('argon2id' as const, 'argon2i' as const, 'argon2d' as const),
    m: fc.integer({ min: 32, max: 26_214 }),
    t: fc.integer({ min: 1, max: 10 }),
    p: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({
    algorithm: fc.constant('scrypt' as const),
    ln: fc.integer({ min: 1, max: 13 }),
    r: fc.integer({ min: 1, max: 8 }),
    p: fc.integer({ min: 1, max: 16 }),
  }),
  fc.record({
    algorithm: fc.constantFrom('pbkdf2-sha256' as const, 'pbkdf2-sha512' as const),
    i: fc.integer({ min: 1, max: 100_000 }),
  }),
)

describe('PHC strings', () => {
  it.each(readable)('reads %s', (text, recipe) => {
    expect(parsePhc(text)).toEqual({ recipe, salt: ascending(16), tag: ascending(32) })
    expect(formatPhc(parsePhc(text))).toBe(text)
    expect(readPasswordHash(text)).toBe(text)
  })

  it.each(refused)('refuses %s, without the hash in the message', (_, text) => {
    const problem = catchError(() => parsePhc(text))
    expect(problem).toBeInstanceOf(UnusableHash)
    expect(problem.message).toMatch(/^password hash (is|has) [a-z0-9 ,-]+$/i)
    expect(problem.message).not.toContain(salt)
    expect(() => readPasswordHash(text)).toThrow(UnusableHash)
  })

  it('writes what it reads, whatever the recipe, salt and tag', () => {
    fc.assert(
      fc.property(recipes, bytes(8), bytes(16), (recipe, randomSalt, randomTag) => {
        const phc: Phc = { recipe, salt: randomSalt, tag: randomTag }
        expect(parsePhc(formatPhc(phc))).toEqual(phc)
      }),
      { numRuns: 300 },
    )
  })

  it('reads no string with one character changed as the same hash', () => {
    const [[original]] = readable as [[string, HashRecipe]]
    const parsed = parsePhc(original)
    fc.assert(
      fc.property(fc.nat(original.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, other) => {
        fc.pre(original[at] !== other)
        const changed = original.slice(0, at) + other + original.slice(at + 1)
        expect(attempt(() => parsePhc(changed))).not.toEqual(parsed)
      }),
      { numRuns: 1_000 },
    )
  })

  it('writes nothing that it would not read', () => {
    const phc: Phc = { recipe: todaysRecipe, salt: ascending(16), tag: ascending(32) }
    expect(() => formatPhc({ ...phc, salt: ascending(7) })).toThrow(UnusableHash)
    expect(() => formatPhc({ ...phc, tag: ascending(65) })).toThrow(UnusableHash)
    expect(() => formatPhc({ ...phc, recipe: { ...todaysRecipe, m: 65_537 } })).toThrow(UnusableHash)
    expect(() => formatPhc({ ...phc, recipe: { ...todaysRecipe, t: 1.5 } })).toThrow(UnusableHash)
  })
})

describe('what production allows', () => {
  it('is not exceeded by any cost that we accept', () => {
    expect(costCaps.pbkdf2.i).toBeLessThanOrEqual(production.pbkdf2Iterations)
    expect(costCaps.scrypt.work).toBeLessThanOrEqual(production.scryptWork)
    expect(costCaps.scrypt.memoryBytes).toBeLessThanOrEqual(production.memoryBytes)
    expect(costCaps.argon2.m * 1_024).toBeLessThanOrEqual(production.memoryBytes)
  })

  it('leaves room for what we hash with today', () => {
    expect(todaysRecipe).toEqual({ algorithm: 'argon2id', m: 19_456, t: 2, p: 1 })
    expect(parsePhc(formatPhc({ recipe: todaysRecipe, salt: ascending(16), tag: ascending(32) })).recipe).toEqual(
      todaysRecipe,
    )
  })

  it('holds for every scrypt recipe that is read', () => {
    for (let ln = 0; ln <= 24; ln++) {
      for (const r of [1, 2, 8, 16, 31, 32, 33]) {
        for (const p of [1, 2, 5, 16, 17]) {
          const read = attempt(() => parsePhc(`$scrypt$ln=${ln},r=${r},p=${p}$${salt}$${tag}`))
          const allowed = 2 ** ln * r * p <= production.scryptWork && 128 * 2 ** ln * r <= production.memoryBytes
          if (read !== null) expect(allowed, `ln=${ln},r=${r},p=${p}`).toBe(true)
        }
      }
    }
  })
})

function attempt<T>(act: () => T): T | null {
  try {
    return act()
  } catch (error) {
    if (error instanceof UnusableHash) return null
    throw error
  }
}

function catchError(act: () => unknown): Error {
  try {
    act()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}
