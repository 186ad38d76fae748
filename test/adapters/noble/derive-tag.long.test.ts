import { argon2d, argon2i, argon2id } from '@noble/hashes/argon2.js'
import { pbkdf2 } from '@noble/hashes/pbkdf2.js'
import { scrypt } from '@noble/hashes/scrypt.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { describe, expect, it } from 'vitest'
import { nobleDeriveTag } from '../../../src/adapters/noble/derive-tag.ts'
import type { HashRecipe } from '../../../src/domain/phc.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
const awkward = [
  '',
  '\u0000',
  'before\u0000after',
  'ééééXYZ1',
  '🐎',
  'é'.repeat(2_048),
  'x'.repeat(65),
  'x'.repeat(129),
]

describe('the reference', () => {
  it.each([
    ['argon2d', argon2d, '512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb'],
    ['argon2i', argon2i, 'c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8'],
    ['argon2id', argon2id, '0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659'],
  ])('gives the vector of RFC 9106 section 5 for %s', (_, argon2, tag) => {
    const parameters = {
      m: 32,
      t: 3,
      p: 4,
      dkLen: 32,
      key: new Uint8Array(8).fill(3),
      personalization: new Uint8Array(12).fill(4),
    }
    expect(hex(argon2(new Uint8Array(32).fill(1), new Uint8Array(16).fill(2), parameters))).toBe(tag)
  })

  it.each([
    ['argon2d', argon2d],
    ['argon2i', argon2i],
    ['argon2id', argon2id],
  ] as const)('is asked for %s by its name', async (algorithm, argon2) => {
    const answer = await nobleDeriveTag(utf8('ééééXYZ1'), { algorithm, m: 64, t: 2, p: 2 }, utf8('some salt'), 48)
    expect(hex(answer)).toBe(hex(argon2('ééééXYZ1', 'some salt', { m: 64, t: 2, p: 2, dkLen: 48 })))
  })
})

/** RFC 7914, sections 11 and 12. */
const vectors: [string, HashRecipe, string, string, string][] = [
  [
    'PBKDF2, one iteration',
    { algorithm: 'pbkdf2-sha256', i: 1 },
    'passwd',
    'salt',
    '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
  ],
  [
    'PBKDF2, 80,000 iterations',
    { algorithm: 'pbkdf2-sha256', i: 80_000 },
    'Password',
    'NaCl',
    '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d',
  ],
  [
    'scrypt, N = 1,024',
    { algorithm: 'scrypt', ln: 10, r: 8, p: 16 },
    'password',
    'NaCl',
    'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
  ],
  [
    'scrypt, N = 16,384',
    { algorithm: 'scrypt', ln: 14, r: 8, p: 1 },
    'pleaseletmein',
    'SodiumChloride',
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
  ],
]

describe('the platform’s scrypt and PBKDF2', () => {
  it.each(vectors)('give the vector of RFC 7914: %s', async (_, recipe, password, salt, tag) => {
    expect(hex(await nobleDeriveTag(utf8(password), recipe, utf8(salt), 64))).toBe(tag)
  })

  it('agree with noble on awkward passwords', async () => {
    const salt = utf8('some salt')
    for (const password of awkward.map(utf8)) {
      expect(hex(await nobleDeriveTag(password, { algorithm: 'pbkdf2-sha256', i: 3 }, salt, 20))).toBe(
        hex(pbkdf2(sha256, password, salt, { c: 3, dkLen: 20 })),
      )
      expect(hex(await nobleDeriveTag(password, { algorithm: 'pbkdf2-sha512', i: 3 }, salt, 64))).toBe(
        hex(pbkdf2(sha512, password, salt, { c: 3, dkLen: 64 })),
      )
      expect(hex(await nobleDeriveTag(password, { algorithm: 'scrypt', ln: 4, r: 3, p: 2 }, salt, 33))).toBe(
        hex(scrypt(password, salt, { N: 16, r: 3, p: 2, dkLen: 33 })),
      )
    }
  })

  it.each<HashRecipe>([
    { algorithm: 'scrypt', ln: 16, r: 8, p: 2 },
    { algorithm: 'scrypt', ln: 14, r: 32, p: 2 },
    { algorithm: 'scrypt', ln: 1, r: 32, p: 16 },
    { algorithm: 'pbkdf2-sha512', i: 100_000 },
  ])('compute what the caps let through: %o', async (recipe) => {
    const tag = await nobleDeriveTag(utf8('a password'), recipe, utf8('some salt'), 32)
    expect(tag.length).toBe(32)
    expect(hex(tag)).not.toMatch(/^0+$/)
  })
})
