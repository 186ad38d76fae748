import type { Brand } from './brand.ts'

/** A password hash in PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`. Readable, and within the caps below. */
export type PasswordHash = Brand<string, 'PasswordHash'>

/** Which function makes the tag and at what cost. Members are named as in the string; `m` is in KiB, `ln` is log2 of N. */
export type HashRecipe =
  | { algorithm: 'argon2id' | 'argon2i' | 'argon2d'; m: number; t: number; p: number }
  | { algorithm: 'scrypt'; ln: number; r: number; p: number }
  | { algorithm: 'pbkdf2-sha256' | 'pbkdf2-sha512'; i: number }

export interface Phc {
  recipe: HashRecipe
  salt: Uint8Array
  tag: Uint8Array
}

/** Computes a tag of `length` bytes. Blocks the isolate for as long as the recipe costs; throws only for a fault of the engine. */
export type DeriveTag<R extends HashRecipe = HashRecipe> = (
  password: Uint8Array,
  recipe: R,
  salt: Uint8Array,
  length: number,
) => Uint8Array | Promise<Uint8Array>

export type Argon2Recipe = Extract<HashRecipe, { m: number }>

/** A hash we do not compute. The message says why, and never holds the hash. */
export class UnusableHash extends Error {
  override readonly name = 'UnusableHash'
}

/**
 * What a hash that arrives in data may cost. Imported hashes name their own cost, so without these an importer could stop an
 * isolate (128 MB, one thread). All are inside what production allows, which local workerd does not enforce:
 * PBKDF2 at most 100,000 iterations, scrypt at most N·r·p = 2^20 and 64 MiB.
 *
 * `argon2.work` is m·t, which the time is proportional to: room for RFC 9106's second choice (65,536 KiB, 3 passes) and PHP's
 * default (65,536 KiB, 4 passes), about 7 times today's cost. PBKDF2 above production's limit is refused rather than computed in
 * JavaScript: 600,000 iterations would hold every other request of the isolate for seconds.
 */
export const costCaps = {
  argon2: { m: 65_536, t: 10, p: 4, work: 262_144 },
  scrypt: { work: 2 ** 20, memoryBytes: 64 * 2 ** 20, r: 32, p: 16 },
  pbkdf2: { i: 100_000 },
} as const

const maximumLength = 512
const saltBytes = { least: 8, most: 64 }
const tagBytes = { least: 16, most: 64 }

const number = '(0|[1-9]\\d{0,9})'
const text = '([A-Za-z0-9+/]+)'
const argon2 = new RegExp(
  `^\\$(argon2id|argon2i|argon2d)\\$v=19\\$m=${number},t=${number},p=${number}\\$${text}\\$${text}$`,
)
const scrypt = new RegExp(`^\\$(scrypt)\\$ln=${number},r=${number},p=${number}\\$${text}\\$${text}$`)
const pbkdf2 = new RegExp(`^\\$(pbkdf2-sha256|pbkdf2-sha512)\\$i=${number}\\$${text}\\$${text}$`)

/**
 * Reads a PHC string (github.com/P-H-C/phc-string-format) of Argon2 version 1.3, scrypt or PBKDF2: all parameters, in their order,
 * without leading zeros, base64 without padding and in its one spelling. So `formatPhc` gives back the very same string.
 * @throws {UnusableHash} when it is anything else or costs more than `costCaps`.
 */
export function parsePhc(hash: string): Phc {
  if (hash.length > maximumLength) throw new UnusableHash('password hash is longer than 512 characters')
  const match = argon2.exec(hash) ?? scrypt.exec(hash) ?? pbkdf2.exec(hash)
  if (!match) throw new UnusableHash('password hash is not a PHC string of a known algorithm')
  const [algorithm = '', ...members] = match.slice(1)
  const numbers = members.slice(0, -2).map(Number)
  const phc = {
    recipe: toRecipe(algorithm as HashRecipe['algorithm'], numbers),
    salt: decode(members.at(-2) ?? ''),
    tag: decode(members.at(-1) ?? ''),
  }
  check(phc)
  return phc
}

/** @throws {UnusableHash} when it is not a PHC string that we compute: the gate for hashes that arrive from outside. */
export function readPasswordHash(hash: string): PasswordHash {
  parsePhc(hash)
  return hash as PasswordHash
}

/** @throws {UnusableHash} when a length or cost is outside the caps: what is written can always be read. */
export function formatPhc(phc: Phc): PasswordHash {
  check(phc)
  return `$${parameters(phc.recipe)}$${encode(phc.salt)}$${encode(phc.tag)}` as PasswordHash
}

/** True for Argon2 in any of its three variants. */
export function isArgon2(recipe: HashRecipe): recipe is Argon2Recipe {
  return 'm' in recipe
}

function toRecipe(
  algorithm: HashRecipe['algorithm'],
  [first = 0, second = 0, third = 0]: readonly number[],
): HashRecipe {
  if (algorithm === 'scrypt') return { algorithm, ln: first, r: second, p: third }
  if (algorithm === 'pbkdf2-sha256' || algorithm === 'pbkdf2-sha512') return { algorithm, i: first }
  return { algorithm, m: first, t: second, p: third }
}

function parameters(recipe: HashRecipe): string {
  if (isArgon2(recipe)) return `${recipe.algorithm}$v=19$m=${recipe.m},t=${recipe.t},p=${recipe.p}`
  if (recipe.algorithm === 'scrypt') return `scrypt$ln=${recipe.ln},r=${recipe.r},p=${recipe.p}`
  return `${recipe.algorithm}$i=${recipe.i}`
}

function check({ recipe, salt, tag }: Phc): void {
  if (!isAffordable(recipe)) throw new UnusableHash('password hash has parameters outside the caps')
  if (!within(salt.length, saltBytes)) throw new UnusableHash('password hash has a salt outside 8 to 64 bytes')
  if (!within(tag.length, tagBytes)) throw new UnusableHash('password hash has a tag outside 16 to 64 bytes')
}

function isAffordable(recipe: HashRecipe): boolean {
  if (isArgon2(recipe)) {
    const { m, t, p } = recipe
    const caps = costCaps.argon2
    // RFC 9106 section 3.1: at least 8 KiB a lane.
    return upTo(p, caps.p) && upTo(t, caps.t) && upTo(m, caps.m) && m >= 8 * p && m * t <= caps.work
  }
  if (recipe.algorithm === 'scrypt') {
    const { ln, r, p } = recipe
    const caps = costCaps.scrypt
    const blocks = 2 ** ln
    // RFC 7914 section 2: N < 2^(128·r/8).
    const fits = upTo(r, caps.r) && upTo(p, caps.p) && Number.isInteger(ln) && ln >= 1 && ln < 16 * r
    return fits && blocks * r * p <= caps.work && 128 * blocks * r <= caps.memoryBytes
  }
  return upTo(recipe.i, costCaps.pbkdf2.i)
}

function upTo(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most
}

function within(value: number, { least, most }: { least: number; most: number }): boolean {
  return value >= least && value <= most
}

function encode(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('=', '')
}

/** `atob` forgives non-zero bits after the last byte, which would give one hash several spellings: only the canonical one passes. */
function decode(base64: string): Uint8Array {
  if (base64.length % 4 === 1) throw new UnusableHash('password hash has malformed base64')
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
  if (encode(bytes) !== base64) throw new UnusableHash('password hash has malformed base64')
  return bytes
}
