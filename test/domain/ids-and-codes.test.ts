import { describe, expect, it, vi } from 'vitest'
import { isUuid, newId, type UserId } from '../../src/domain/ids.ts'
import { newOneTimeCode } from '../../src/domain/one-time-code.ts'
import { parseRefreshToken } from '../../src/domain/refresh-token.ts'

describe('an id', () => {
  it('is a UUIDv7 of its moment', () => {
    const id = newId<UserId>(Date.UTC(2026, 10, 23))
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(Date.UTC(2026, 10, 23))
  })

  it.each([0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1])('carries any millisecond to the last bit: %i', (now) => {
    expect(Number.parseInt(newId<UserId>(now).replaceAll('-', '').slice(0, 12), 16)).toBe(now)
  })

  it('sorts by time and is never the same twice', () => {
    const ids = Array.from({ length: 500 }, (_, i) => newId<UserId>(1_700_000_000_000 + i))
    expect([...ids].sort()).toEqual(ids)
    const atOnce = Array.from({ length: 500 }, () => newId<UserId>(1_700_000_000_000))
    expect(new Set(atOnce).size).toBe(500)
  })

  it.each([
    ['01932c00-0000-7000-8000-000000000001', true],
    ['01932C00-0000-7000-8000-000000000001', false],
    ['01932c0000007000800000000000001', false],
    ['{01932c00-0000-7000-8000-000000000001}', false],
    ['01932c00-0000-7000-8000-000000000001\n', false],
    ['', false],
  ])('has one spelling: %o', (text, verdict) => {
    expect(isUuid(text)).toBe(verdict)
  })
})

describe('a one-time code', () => {
  it('is eight digits, leading zeros and all, spread over the whole range', () => {
    const codes = Array.from({ length: 20_000 }, newOneTimeCode)
    for (const code of codes) expect(code).toMatch(/^\d{8}$/)
    for (let place = 0; place < 8; place++) {
      const counts = new Array<number>(10).fill(0)
      for (const code of codes) counts[Number(code[place])] = (counts[Number(code[place])] ?? 0) + 1
      // Chi-square with nine degrees of freedom: over 45 about once in a million places.
      const chiSquare = counts.reduce((sum, count) => sum + (count - 2_000) ** 2 / 2_000, 0)
      expect(chiSquare).toBeLessThan(45)
    }
  })

  it('draws again what would make small codes likelier, and pads', () => {
    const draws = [4_294_967_295, 4_200_000_000, 4_199_999_999, 7]
    const random = vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
      ;(array as unknown as Uint32Array)[0] = draws.shift() ?? 0
      return array
    })
    expect([newOneTimeCode(), newOneTimeCode()]).toEqual(['99999999', '00000007'])
    random.mockRestore()
  })
})

describe('the form of a refresh token', () => {
  const id = '01932c00-0000-7000-8000-000000000001'
  const secret = 'A'.repeat(43)
  const good = `${id}.7.${secret}.${secret}`

  it('is session, generation, secret and MAC', () => {
    expect(parseRefreshToken(good)).toEqual({ sessionId: id, generation: 7, secret, mac: secret })
  })

  it.each([
    '',
    '...',
    `${id}.7.${secret}`,
    `${good}.`,
    `${good}\n`,
    ` ${good}`,
    good.toUpperCase(),
    good.replace('.7.', '.07.'),
    good.replace('.7.', '.-7.'),
    good.replace('.7.', '.1e3.'),
    good.replace('.7.', '.9999999999.'),
    good.replace('.7.', '..'),
    `${id}.7.${secret}A.${secret}`,
    `${id}.7.${secret.slice(1)}=.${secret}`,
    `${'-'.repeat(36)}.7.${secret}.${secret}`,
  ])('is nothing else: %o', (raw) => {
    expect(parseRefreshToken(raw)).toBeNull()
  })
})
