import { describe, expect, it, vi } from 'vitest'
import { LocalWindows } from '../../../src/adapters/upstash/local-windows.ts'
import { upstashProbe } from '../../../src/adapters/upstash/probe.ts'
import { upstashRateLimiter } from '../../../src/adapters/upstash/rate-limiter.ts'
import { upstashRevocationSet } from '../../../src/adapters/upstash/revocation-set.ts'
import { Outage } from '../../../src/domain/outage.ts'
import type { RevocationMember } from '../../../src/domain/revocation.ts'
import { newDeployment, openRedis } from '../../support/adapters.ts'
import {
  answering,
  type Disturbance,
  hanging,
  losingAnswers,
  refusingConnections,
  watchNetwork,
} from '../../support/network.ts'

const redis = openRedis(150)
const set = upstashRevocationSet(redis, newDeployment())
const member = 'jti:secret-member' as RevocationMember
const through = (disturbance: Disturbance) => watchNetwork().disturb('redis', disturbance)
/** The SDK sends single commands as pipelines of one. */
const result = (value: unknown) => answering(200, JSON.stringify([{ result: value }]))

const uses: [string, () => Promise<unknown>][] = [
  ['look', () => set.look([member])],
  ['add', () => set.add([{ member, score: 1 }])],
  ['plant', () => set.plant('sync:secret-member', 1)],
  ['commit', () => set.commit('sync:secret-member', [], 1, 1)],
  ['claimSync', () => set.claimSync()],
  ['ping', upstashProbe(redis)],
]

describe.each(uses)('%s', (_, use) => {
  it.each<[string, Disturbance]>([
    ['refuses connections', refusingConnections],
    ['hangs', hanging],
    ['loses the answer', losingAnswers],
    ['answers 500', answering(500, '{"error":"internal"}')],
    ['answers READONLY', answering(200, '{"error":"READONLY for secret-member"}')],
    ['answers a page', answering(200, '<html>')],
  ])('throws an outage that tells nothing of the command when Redis %s', async (_name, disturbance) => {
    through(disturbance)
    const error: unknown = await use().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).not.toMatch(/secret-member|zadd|zmscore|jti/i)
  })
})

describe('nonsense from Redis', () => {
  it.each([
    ['too few scores', [null]],
    ['too many scores', [null, null, null]],
    ['a text', 'OK'],
    ['a number', 7],
    ['scores of text', ['soon', null]],
    ['scores that are lists', [[1], null]],
    ['scores that are true', [true, null]],
  ])('is no answer to a look: %s', async (_, value) => {
    through(result(value))
    await expect(set.look([member])).rejects.toThrow(/nonsense|no number/)
  })

  it('is no answer to a write, nor to a plant', async () => {
    through(result('nonsense'))
    await expect(set.add([{ member, score: 1 }])).rejects.toThrow('nonsense')
    through(answering(200, '[{"result":"x"},{"result":null}]'))
    await expect(set.plant('sync:1', 1)).rejects.toThrow('nonsense')
    through(result('PING'))
    await expect(upstashProbe(redis)()).rejects.toThrow('nonsense')
  })

  it('is decided by this isolate where it comes to a limit, and complained of once in a while', async () => {
    const complain = vi.fn()
    let now = Date.now()
    const limits = { 'login.ip': { limit: 2, seconds: 60 }, 'login.account': { limit: 5, seconds: 60 } }
    const limiter = upstashRateLimiter(redis, newDeployment(), limits, () => now, complain)
    through(result([1, 'x']))
    const spend = () => limiter.spend('login', { ip: 'a', account: 'b' })
    expect((await spend()).refused).toBeNull()
    expect((await spend()).refused).toBeNull()
    expect((await spend()).refused).toMatchObject({ name: 'login.ip' })
    expect(complain).toHaveBeenCalledOnce()
    expect(complain.mock.calls[0]?.[0]).toBeInstanceOf(Error)
    now += 61_000
    expect((await spend()).refused).toBeNull()
    expect(complain).toHaveBeenCalledTimes(2)
  })

  it('names what it is: an outage', async () => {
    through(refusingConnections)
    await expect(set.look([member])).rejects.toBeInstanceOf(Outage)
  })
})

describe('several levels that decide together', () => {
  const limits = { 'login.ip': { limit: 1, seconds: 999_999 }, 'login.account': { limit: 3, seconds: 999_999 } }

  it('a request that one refuses spends at none of them', async () => {
    const deployment = newDeployment()
    const newIsolate = () => upstashRateLimiter(redis, deployment, limits, Date.now, () => {})
    const account = 'owner'
    expect((await newIsolate().spend('login', { ip: 'attacker', account })).refused).toBeNull()
    for (let i = 0; i < 9; i++) {
      const { refused, states } = await newIsolate().spend('login', { ip: 'attacker', account })
      expect(refused).toMatchObject({ name: 'login.ip' })
      expect(states.find(({ name }) => name === 'login.account')?.remaining).toBe(2)
    }
    for (const ip of ['a', 'b']) expect((await newIsolate().spend('login', { ip, account })).refused).toBeNull()
    expect((await newIsolate().spend('login', { ip: 'c', account })).refused).toMatchObject({ name: 'login.account' })
  })

  it('slides: what the window before has left still counts in part', async () => {
    const seconds = 100
    const start = Math.floor(Date.now() / 1_000 / seconds) * seconds * 1_000 + seconds * 1_000
    let now = start + 50_000
    const rule = { limit: 10, seconds }
    const limiter = upstashRateLimiter(
      redis,
      newDeployment(),
      { 'login.ip': rule, 'login.account': rule },
      () => now,
      () => {},
    )
    const spend = () => limiter.spend('login', { ip: 'a', account: 'a' })
    for (let i = 0; i < 8; i++) expect((await spend()).refused).toBeNull()
    now = start + 150_000 // half of the eight still overlap
    const allowed = []
    for (let i = 0; i < 8; i++) allowed.push((await spend()).refused === null)
    expect(allowed.filter(Boolean)).toHaveLength(6)
  })
})

describe('windows in the isolate’s memory', () => {
  it('count until they end, and begin anew', () => {
    const windows = new LocalWindows()
    expect([windows.add('a', 0, 100).used, windows.add('a', 99, 100).used, windows.add('b', 99, 100).used]).toEqual([
      1, 2, 1,
    ])
    expect(windows.add('a', 100, 100)).toEqual({ used: 1, until: 200 })
    windows.close('c', 50)
    expect([windows.until('c', 49), windows.until('c', 50), windows.until('d', 0)]).toEqual([50, null, null])
  })

  it('are bounded: the oldest give way, so a flood of keys fills nothing', () => {
    const windows = new LocalWindows()
    for (let i = 0; i < 10_001; i++) windows.add(`key ${i}`, 0, 1_000)
    expect(windows.add('key 0', 0, 1_000).used).toBe(1)
    expect(windows.add('key 10000', 0, 1_000).used).toBe(2)
  })
})
