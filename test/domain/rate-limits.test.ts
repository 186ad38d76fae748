import { describe, expect, it } from 'vitest'
import {
  defaultRateLimits,
  isCallersOwn,
  limitedRoutes,
  limitLevels,
  overrideRateLimits,
} from '../../src/domain/rate-limits.ts'

describe('RATE_LIMITS', () => {
  it('lies over the defaults: one level changed, one switched off, one added, the rest as they were', () => {
    const limits = overrideRateLimits({ 'login.ip': '20/60', 'refresh.ip': 'off', 'verify.global': '1000/1' })
    const { 'refresh.ip': _, ...rest } = defaultRateLimits
    expect(limits).toEqual({
      ...rest,
      'login.ip': { limit: 20, seconds: 60 },
      'verify.global': { limit: 1_000, seconds: 1 },
    })
  })

  it('"*": "off" goes first, wherever it stands', () => {
    expect(overrideRateLimits({ '*': 'off' })).toEqual({})
    expect(overrideRateLimits({ 'login.ip': '1/1', '*': 'off' })).toEqual({ 'login.ip': { limit: 1, seconds: 1 } })
  })

  it('leaves the defaults themselves alone', () => {
    const before = structuredClone(defaultRateLimits)
    overrideRateLimits({ '*': 'off', 'login.ip': '1/1' })
    overrideRateLimits({ 'login.ip': 'off' })
    expect(defaultRateLimits).toEqual(before)
  })

  it('knows every route with every level', () => {
    for (const route of limitedRoutes) {
      for (const level of limitLevels) {
        expect(overrideRateLimits({ '*': 'off', [`${route}.${level}`]: '5/10' })).toEqual({
          [`${route}.${level}`]: { limit: 5, seconds: 10 },
        })
      }
    }
  })

  it.each([
    [null, 'JSON object'],
    [[], 'JSON object'],
    ['off', 'JSON object'],
    [7, 'JSON object'],
    [{ '*': '5/10' }, '"*" can only be "off"'],
    [{ 'login.nobody': '5/10' }, 'has no level "login.nobody"'],
    [{ 'logon.ip': '5/10' }, 'has no level "logon.ip"'],
    [{ login: '5/10' }, 'has no level "login"'],
    [{ 'login.ip.x': '5/10' }, 'has no level "login.ip.x"'],
    [{ 'login.ip': 5 }, '"login.ip" must be'],
    [{ 'login.ip': null }, '"login.ip" must be'],
    [{ 'login.ip': '5' }, '"login.ip" must be'],
    [{ 'login.ip': '0/60' }, '"login.ip" must be'],
    [{ 'login.ip': '5/0' }, '"login.ip" must be'],
    [{ 'login.ip': '-5/60' }, '"login.ip" must be'],
    [{ 'login.ip': '5/60 ' }, '"login.ip" must be'],
    [{ 'login.ip': '5.5/60' }, '"login.ip" must be'],
    [{ 'login.ip': '1e3/60' }, '"login.ip" must be'],
    [{ 'login.ip': '5/60/1' }, '"login.ip" must be'],
    [{ 'login.ip': 'OFF' }, '"login.ip" must be'],
    [{ 'login.ip': '9999999999/60' }, '"login.ip" must be'],
    [{ 'login.ip': '5/9999999' }, '"login.ip" must be'],
  ])('refuses %o and says why', (override, message) => {
    expect(() => overrideRateLimits(override)).toThrow(RangeError)
    expect(() => overrideRateLimits(override)).toThrow(message)
  })

  it('shows a caller the levels that are its own, never an account’s', () => {
    expect(isCallersOwn('login.ip')).toBe(true)
    expect(isCallersOwn('me.user')).toBe(true)
    for (const level of ['global', 'account', 'ip_account'] as const) expect(isCallersOwn(`login.${level}`)).toBe(false)
  })
})
