import { beforeEach, describe, expect, it, vi } from 'vitest'
import { joseTokenCodec } from '../../src/adapters/jose/token-codec.ts'
import type { KeyId } from '../../src/domain/ids.ts'
import type { StoredSigningKey } from '../../src/domain/signing-key.ts'
import type { SigningKeys } from '../../src/ports.ts'
import { seal, unseal } from '../../src/services/tokens/seal.ts'
import { SigningKeyring } from '../../src/services/tokens/signing-keyring.ts'
import { type FakeClock, fakeClock } from '../support/fake-clock.ts'

const codec = joseTokenCodec({ issuer: 'https://auth.test', audience: 'postern-test' })
const encryptionKey = crypto.getRandomValues(new Uint8Array(32))

async function newKey(status: StoredSigningKey['status']): Promise<StoredSigningKey> {
  const { kid, publicJwk, privatePkcs8 } = await codec.generate('RS256')
  const sealedPrivateKey = await seal(encryptionKey, privatePkcs8, kid)
  return { kid, algorithm: 'RS256', status, publicJwk, sealedPrivateKey }
}

let clock: FakeClock
let stored: StoredSigningKey[]
let active: StoredSigningKey
const published = vi.fn<SigningKeys['published']>()
beforeEach(async () => {
  clock = fakeClock()
  active = await newKey('active')
  stored = [active]
  published.mockReset().mockImplementation(async () => stored)
})

const newKeyring = (key = encryptionKey, signingKeys: Partial<SigningKeys> = {}) =>
  new SigningKeyring(
    { signingKeys: { published, addFirst: async () => 'exists', ...signingKeys }, tokenCodec: codec, clock },
    key,
  )

describe('the key ring', () => {
  it('reads the keys once, and again after five minutes', async () => {
    const keyring = newKeyring()
    expect(await keyring.published()).toEqual([active.publicJwk])
    for (let i = 0; i < 3; i++) expect(await keyring.publicKey(active.kid)).toEqual(active.publicJwk)
    expect(published).toHaveBeenCalledTimes(1)
    clock.advance(300_000)
    const next = await newKey('next')
    stored = [active, next]
    expect(await keyring.published()).toEqual([active.publicJwk, next.publicJwk])
    expect(published).toHaveBeenCalledTimes(2)
  })

  it('reads once in ten seconds for kids that it does not know, however many are made up', async () => {
    const keyring = newKeyring()
    await keyring.warm()
    for (let i = 0; i < 50; i++) expect(await keyring.publicKey(`made up ${i}`)).toBeNull()
    expect(published).toHaveBeenCalledTimes(1)
    clock.advance(10_000)
    for (let i = 0; i < 50; i++) expect(await keyring.publicKey(`made up ${i}`)).toBeNull()
    expect(published).toHaveBeenCalledTimes(2)
  })

  it('finds a key that was added meanwhile after ten seconds at the latest', async () => {
    const keyring = newKeyring()
    await keyring.warm()
    const next = await newKey('next')
    stored = [active, next]
    clock.advance(10_000)
    expect(await keyring.publicKey(next.kid)).toEqual(next.publicJwk)
  })

  it.each(['__proto__', 'constructor', 'toString', ''])('has no key of the name %o', async (kid) => {
    expect(await newKeyring().publicKey(kid)).toBeNull()
  })

  it('goes on with what it knows while Postgres is away, and throws where it knows nothing', async () => {
    const keyring = newKeyring()
    await keyring.warm()
    published.mockRejectedValue(new Error('away'))
    clock.advance(3_600_000)
    expect(await keyring.published()).toEqual([active.publicJwk])
    expect(await keyring.publicKey(active.kid)).toEqual(active.publicJwk)
    await expect(newKeyring().published()).rejects.toThrow('away')
    await expect(newKeyring().publicKey(active.kid)).rejects.toThrow('away')
  })

  it('signs with the key that the caller’s statement saw active, not with a stale one', async () => {
    const keyring = newKeyring()
    expect((await keyring.active(active.kid)).kid).toBe(active.kid)
    expect(published).toHaveBeenCalledTimes(1)
    const next = await newKey('active')
    stored = [{ ...active, status: 'retiring' }, next]
    expect((await keyring.active(next.kid)).kid).toBe(next.kid)
    expect(published).toHaveBeenCalledTimes(2)
    expect((await keyring.active(next.kid)).kid).toBe(next.kid)
    expect(published).toHaveBeenCalledTimes(2)
  })

  it('opens private keys with the right KEY_ENCRYPTION_KEY alone, and publishes without it', async () => {
    const stranger = newKeyring(crypto.getRandomValues(new Uint8Array(32)))
    expect(await stranger.published()).toEqual([active.publicJwk])
    await expect(stranger.active(active.kid)).rejects.toThrow('a sealed value does not open')
  })

  it('does not open a private key that was moved to another row', async () => {
    const other = await newKey('active')
    stored = [{ ...active, sealedPrivateKey: other.sealedPrivateKey }]
    await expect(newKeyring().active(active.kid)).rejects.toThrow('a sealed value does not open')
  })

  it('makes the first key where there is none, and uses the winner’s where another isolate was faster', async () => {
    stored = []
    const added = vi.fn<SigningKeys['addFirst']>(async (key) => {
      stored = [key]
      return 'added'
    })
    const first = newKeyring(encryptionKey, { addFirst: added })
    const { kid } = await first.active(null)
    expect(added).toHaveBeenCalledOnce()
    expect((await first.published()).map((jwk) => jwk.kid)).toEqual([kid])

    stored = []
    const late = newKeyring(encryptionKey, {
      addFirst: async () => {
        stored = [active]
        return 'exists'
      },
    })
    expect((await late.active(null)).kid).toBe(active.kid)
    expect((await late.published()).map((jwk) => jwk.kid)).toEqual([active.kid])
  })

  it('never signs when there is no active key and none can be added', async () => {
    stored = []
    await expect(newKeyring().active(null)).rejects.toThrow('no active signing key')
  })
})

describe('a sealed value', () => {
  const plain = Uint8Array.from(new TextEncoder().encode('a private key'))

  it('opens under its key and context, and is never the same twice', async () => {
    const [one, other] = [await seal(encryptionKey, plain, 'row'), await seal(encryptionKey, plain, 'row')]
    expect(one).not.toBe(other)
    expect(await unseal(encryptionKey, one, 'row')).toEqual(plain)
  })

  it('does not open under another context, cut, or with any bit changed', async () => {
    const sealed = await seal(encryptionKey, plain, 'row')
    const refusal = 'a sealed value does not open'
    await expect(unseal(encryptionKey, sealed, 'another row' as KeyId)).rejects.toThrow(refusal)
    for (const changed of ['', sealed.slice(0, -1), sealed.slice(1), sealed.slice(0, 16)]) {
      await expect(unseal(encryptionKey, changed, 'row')).rejects.toThrow(refusal)
    }
    const bytes = Buffer.from(sealed, 'base64url')
    for (let i = 0; i < bytes.length; i += 5) {
      const changed = Buffer.from(bytes)
      changed[i] = (changed[i] ?? 0) ^ 1
      await expect(unseal(encryptionKey, changed.toString('base64url'), 'row')).rejects.toThrow(refusal)
    }
  })
})
