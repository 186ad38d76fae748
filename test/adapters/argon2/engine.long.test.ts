import { afterEach, describe, expect, it, vi } from 'vitest'
import { argon2Engine } from '../../../src/adapters/argon2/engine.ts'
import { instantiateArgon2 } from '../../../src/adapters/argon2/instance.ts'
import { argon2Module } from '../../../src/adapters/argon2/module.ts'
import { knownAnswer, testArgon2 } from '../../../src/adapters/argon2/self-test.ts'
import { type Argon2Recipe, isArgon2, parsePhc } from '../../../src/domain/phc.ts'
import { agreesWithReference, noble } from './reference.ts'

const engine = argon2Engine(argon2Module)
const cheap: Argon2Recipe = { algorithm: 'argon2id', m: 8, t: 1, p: 1 }
const utf8 = (text: string) => new TextEncoder().encode(text)
const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
const salt = utf8('a salt of some length')

/** The first MiB: stack, data, and the allocations of a cheap hash. */
function holds(memory: WebAssembly.Memory, bytes: Uint8Array): boolean {
  return Buffer.from(memory.buffer, 0, 2 ** 20).includes(Buffer.from(bytes))
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('Argon2 in WebAssembly', () => {
  it('agrees with the reference on random inputs', () => {
    agreesWithReference(engine, 150)
  })

  it.each([
    ['nothing', ''],
    ['a NUL', '\u0000'],
    ['a NUL inside', 'before\u0000after'],
    ['two bytes a letter', 'ééééXYZ1'],
    ['four bytes a letter', '🐎🐎🐎🐎'],
    ['half a surrogate pair', 'a\ud83d'],
    ['4 KiB', 'é'.repeat(2_048)],
  ])('agrees with the reference on %s', (_, text) => {
    expect(hex(engine(utf8(text), cheap, salt, 32))).toBe(hex(noble(utf8(text), cheap, salt, 32)))
  })

  it('agrees with the reference at the cost of today', () => {
    const recipe: Argon2Recipe = { algorithm: 'argon2id', m: 19_456, t: 2, p: 1 }
    expect(hex(engine(utf8('ééééXYZ1'), recipe, salt, 32))).toBe(hex(noble(utf8('ééééXYZ1'), recipe, salt, 32)))
  })

  it('reads a password to its last byte', () => {
    const all = ['ééééXYZ1', 'ééééZZZZ', 'éééé', 'ééééXYZ1\u0000', '\u0000ééééXYZ1', ''].map((text) =>
      hex(engine(utf8(text), cheap, salt, 32)),
    )
    expect(new Set(all).size).toBe(all.length)
  })

  it.each([
    [{ ...cheap, m: 7 }, salt, 32, 'Memory cost is too small'],
    [{ ...cheap, t: 0 }, salt, 32, 'Time cost is too small'],
    [{ ...cheap, p: 0 }, salt, 32, 'Too few lanes'],
    [{ ...cheap, m: 2 ** 22 }, salt, 32, 'Memory cost is too large'],
    [{ ...cheap, m: 2 ** 21 }, salt, 32, 'Memory allocation error'],
    [cheap, salt.subarray(0, 7), 32, 'Salt is too short'],
    [cheap, salt, 3, 'Output is too short'],
  ])('says in words what it refuses, and works on: %o', (recipe, someSalt, length, sentence) => {
    expect(() => engine(utf8('a password'), recipe, someSalt, length)).toThrow(`argon2: ${sentence} (-`)
    expect(hex(engine(utf8(''), cheap, salt, 32))).toBe(hex(noble(utf8(''), cheap, salt, 32)))
  })
})

describe('its memory', () => {
  it('does not grow over 1,000 hashes, refused ones included', () => {
    const { derive, memory } = instantiateArgon2(argon2Module)
    // 64 KiB each: a leak of any one of them in 1,000 would not fit into what is there at the start.
    const password = new Uint8Array(65_536)
    const longSalt = new Uint8Array(65_536)
    derive(password, { ...cheap, m: 64 }, longSalt, 65_536)
    const before = memory.buffer.byteLength
    for (let round = 0; round < 500; round++) {
      derive(password, cheap, longSalt, 65_536)
      expect(() => derive(password, { ...cheap, m: 7 }, longSalt, 65_536)).toThrow('Memory cost is too small')
    }
    expect(memory.buffer.byteLength).toBe(before)
    expect(before).toBeLessThan(500 * 65_536)
  })

  it.each([5, 31, 64, 127, 128, 129, 300, 4_096])('holds nothing of a password of %i bytes afterwards', (length) => {
    const { derive, memory } = instantiateArgon2(argon2Module)
    const password = crypto.getRandomValues(new Uint8Array(length))
    const tag = derive(password, { ...cheap, m: 64 }, salt, 32)
    const stride = Math.max(5, Math.floor(length / 64))
    for (let at = 0; at + 5 <= length; at += stride) expect(holds(memory, password.subarray(at, at + 5))).toBe(false)
    expect(holds(memory, tag)).toBe(false)
    // The search would find it: the C code's own sentences are there.
    expect(holds(memory, utf8('Memory cost is too small'))).toBe(true)
  })

  it('holds nothing of a password that was refused', () => {
    const { derive, memory } = instantiateArgon2(argon2Module)
    const password = crypto.getRandomValues(new Uint8Array(64))
    expect(() => derive(password, { ...cheap, m: 7 }, salt, 32)).toThrow('Memory cost is too small')
    expect(holds(memory, password.subarray(0, 8))).toBe(false)
  })

  it('is kept from hash to hash, and let go after a hash of 64 MiB', () => {
    const made = vi.spyOn(WebAssembly, 'Instance')
    const fresh = argon2Engine(argon2Module)
    for (let round = 0; round < 20; round++) fresh(utf8('a password'), { ...cheap, m: 19_456 / 4 }, salt, 32)
    expect(made).toHaveBeenCalledTimes(1)
    fresh(utf8('a password'), { ...cheap, m: 65_536 }, salt, 32)
    expect(made).toHaveBeenCalledTimes(1)
    fresh(utf8('a password'), cheap, salt, 32)
    expect(made).toHaveBeenCalledTimes(2)
  })
})

describe('the self-test', () => {
  it('has the answer of the reference', () => {
    const { recipe, salt: itsSalt, tag } = parsePhc(knownAnswer.hash)
    if (!isArgon2(recipe)) throw new Error('not Argon2')
    expect(hex(noble(utf8(knownAnswer.password), recipe, itsSalt, 32))).toBe(hex(tag))
  })

  it('passes the engine, and none that cuts, folds or guesses', () => {
    expect(() => testArgon2(engine)).not.toThrow()
    expect(() => testArgon2((password, ...others) => engine(password.subarray(0, 8), ...others))).toThrow(
      'wrong answer',
    )
    expect(() =>
      testArgon2((password, ...others) => engine(password.subarray(0, password.indexOf(0)), ...others)),
    ).toThrow('wrong answer')
    expect(() => testArgon2((...all) => engine(...all).subarray(1))).toThrow('wrong answer')
    expect(() => testArgon2(() => new Uint8Array(32))).toThrow('wrong answer')
  })
})
