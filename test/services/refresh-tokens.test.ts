import { describe, expect, it } from 'vitest'
import type { SessionId } from '../../src/domain/ids.ts'
import type { RefreshSecret } from '../../src/domain/refresh-token.ts'
import {
  deriveCurrent,
  deriveSuccessor,
  formatRefreshToken,
  hashRefreshSecret,
  newRefreshSecret,
  openRefreshToken,
} from '../../src/services/tokens/refresh-tokens.ts'
import { deriveTokenKeys, type TokenKeys } from '../../src/services/tokens/token-keys.ts'

const [older, newer] = [
  deriveTokenKeys('the older secret of 32 bytes or more'),
  deriveTokenKeys('the newer secret of 32 bytes or more'),
]
const sessionId = '01932c00-0000-7000-8000-000000000001' as SessionId
const secret = newRefreshSecret()

/** The secrets of a session from generation 0 on; `keys` are those in use at each rotation. */
function chainOf(keys: TokenKeys[]): RefreshSecret[] {
  const chain = [secret]
  for (const [i, each] of keys.entries()) chain.push(deriveSuccessor(each, sessionId, i, chain[i] ?? secret))
  return chain
}
const currentOf = (chain: RefreshSecret[]) => {
  const generation = chain.length - 1
  return { generation, hash: hashRefreshSecret(chain[generation] ?? secret) }
}
const from = (chain: RefreshSecret[], generation: number) => ({
  sessionId,
  generation,
  secret: chain[generation] ?? secret,
})

describe('a refresh token', () => {
  it('opens to what it was made of, under the current or the previous secret, and under no other', () => {
    const token = formatRefreshToken(older, sessionId, 3, secret)
    const parts = { sessionId, generation: 3, secret }
    expect(openRefreshToken({ current: older, previous: null }, token)).toMatchObject(parts)
    expect(openRefreshToken({ current: newer, previous: older }, token)).toMatchObject(parts)
    expect(openRefreshToken({ current: newer, previous: null }, token)).toBeNull()
  })

  it('is not opened by a MAC made for another use', () => {
    const token = formatRefreshToken(older, sessionId, 0, secret)
    for (const use of ['refreshDerivation', 'code', 'device', 'address'] as const) {
      const confused = formatRefreshToken({ ...older, refreshMac: older[use] }, sessionId, 0, secret)
      expect(confused).not.toBe(token)
      expect(openRefreshToken({ current: older, previous: null }, confused)).toBeNull()
    }
  })
})

describe('the next secret', () => {
  it('depends on its parent, the session, the generation and the server’s key', () => {
    const one = deriveSuccessor(older, sessionId, 0, secret)
    const others = [
      deriveSuccessor(newer, sessionId, 0, secret),
      deriveSuccessor(older, '01932c00-0000-7000-8000-000000000002' as SessionId, 0, secret),
      deriveSuccessor(older, sessionId, 1, secret),
      deriveSuccessor(older, sessionId, 0, newRefreshSecret()),
    ]
    expect(one).toMatch(/^[\w-]{43}$/)
    expect(deriveSuccessor(older, sessionId, 0, secret)).toBe(one)
    expect(new Set([one, ...others]).size).toBe(5)
  })
})

describe('the way to the current secret', () => {
  const keyring = { current: older, previous: null }

  it('leads there from each of the sixteen generations before, and from no other', () => {
    const chain = chainOf(Array.from({ length: 20 }, () => older))
    for (let generation = 0; generation <= 20; generation++) {
      const found = deriveCurrent(keyring, from(chain, generation), currentOf(chain))
      expect(found).toBe(generation >= 4 && generation < 20 ? chain[20] : null)
    }
  })

  it('crosses one change of the server’s secret, wherever it was', () => {
    for (let changedAt = 0; changedAt <= 6; changedAt++) {
      const chain = chainOf(Array.from({ length: 6 }, (_, i) => (i < changedAt ? older : newer)))
      for (let generation = 0; generation < 6; generation++) {
        const found = deriveCurrent({ current: newer, previous: older }, from(chain, generation), currentOf(chain))
        expect(found).toBe(chain[6])
      }
    }
  })

  it('does not lead there from another secret, or from the future', () => {
    const chain = chainOf([older, older])
    const current = currentOf(chain)
    expect(deriveCurrent(keyring, { sessionId, generation: 0, secret: newRefreshSecret() }, current)).toBeNull()
    expect(deriveCurrent(keyring, from(chain, 3), current)).toBeNull()
    expect(deriveCurrent({ current: newer, previous: null }, from(chain, 0), current)).toBeNull()
  })
})
