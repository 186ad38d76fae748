import { createHmac } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { joseTokenCodec } from '../../../src/adapters/jose/token-codec.ts'
import type { AccessTokenClaims } from '../../../src/domain/access-token.ts'
import { AuthError } from '../../../src/domain/auth-error.ts'
import type { KeyId } from '../../../src/domain/ids.ts'
import type { PublicJwk } from '../../../src/domain/signing-key.ts'
import { decode, flipBit } from '../../support/tokens.ts'

const codec = joseTokenCodec({ issuer: 'https://auth.test', audience: 'postern-test' })
const now = Date.UTC(2026, 10, 23, 20, 0, 0)
const seconds = now / 1_000
const id = '01932c00-0000-7000-8000-000000000001'
const claims = {
  iss: 'https://auth.test',
  sub: id,
  aud: 'postern-test',
  exp: seconds + 900,
  iat: seconds,
  nbf: seconds,
  jti: 'b5c6a7d8-0000-4000-8000-000000000001',
  client_id: 'postern-test',
  sid: id,
  ver: 1,
  roles: ['user'],
  permissions: [],
  auth_time: seconds,
  amr: ['pwd'],
} as unknown as AccessTokenClaims

interface Pair {
  kid: KeyId
  publicJwk: PublicJwk
  privateKey: CryptoKey
}
let ours: Pair
let stranger: Pair
let good: string

async function newPair(): Promise<Pair> {
  const { kid, publicJwk, privatePkcs8 } = await codec.generate('RS256')
  return { kid, publicJwk, privateKey: await codec.importPrivate(privatePkcs8, 'RS256') }
}

beforeAll(async () => {
  ;[ours, stranger] = await Promise.all([newPair(), newPair()])
  good = await codec.sign(claims, ours)
})

const publicKey = vi.fn(async (kid: string) => (kid === ours.kid ? ours.publicJwk : null))
const verify = (token: string, at = now) => codec.verify(token, publicKey, at)
const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token with this header and these claims, rightly signed by a key of ours unless told otherwise. */
async function forge(
  header: unknown,
  payload: unknown = claims,
  { privateKey }: Pick<Pair, 'privateKey'> = ours,
): Promise<string> {
  const signed = `${encode(header)}.${encode(payload)}`
  const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', privateKey, new TextEncoder().encode(signed))
  return `${signed}.${Buffer.from(signature).toString('base64url')}`
}
const header = (more: Record<string, unknown> = {}) => ({ alg: 'RS256', typ: 'at+jwt', kid: ours.kid, ...more })

async function expectRefused(token: Promise<string> | string, at = now): Promise<void> {
  const refusal = verify(await token, at)
  await expect(refusal).rejects.toBeInstanceOf(AuthError)
  await expect(refusal).rejects.toMatchObject({ code: 'invalid_token' })
  // The reason is for the log, and tells nothing of the token.
  const { message } = (await refusal.catch((error: unknown) => error)) as AuthError
  expect(message.length).toBeLessThan(120)
  expect(message).not.toContain(id)
}

describe('a token of ours', () => {
  it('is not refused because of an outage while its key is looked for', async () => {
    const outage = new Error('Postgres is away')
    await expect(codec.verify(good, () => Promise.reject(outage), now)).rejects.toBe(outage)
  })

  it('is accepted with every claim it was signed with', async () => {
    expect(await verify(good)).toEqual({ claims, kid: ours.kid })
    expect(await verify(await forge(header()))).toEqual({ claims, kid: ours.kid })
    expect(decode(good).header).toEqual(header())
  })

  it('may be a minute late or early, and no more', async () => {
    const at = (offset: number) => now + offset * 1_000
    await expect(verify(good, at(959))).resolves.toBeDefined()
    await expectRefused(good, at(961))
    await expect(verify(good, at(-60))).resolves.toBeDefined()
    await expectRefused(good, at(-61))
  })

  it('is signed by a key that nobody can export', async () => {
    await expect(crypto.subtle.exportKey('pkcs8', ours.privateKey)).rejects.toThrow()
    expect(ours.privateKey.usages).toEqual(['sign'])
  })

  it('names its key by the RFC 7638 thumbprint, and publishes nothing private', async () => {
    const { n, e } = ours.publicJwk
    const canonical = `{"e":"${e}","kty":"RSA","n":"${n}"}`
    const thumbprint = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(canonical))
    expect(ours.kid).toBe(Buffer.from(thumbprint).toString('base64url'))
    expect(Object.keys(ours.publicJwk).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
    expect(Buffer.from(n, 'base64url')).toHaveLength(256)
  })
})

describe('an attack on the header', () => {
  it.each<[string, () => Promise<string> | string]>([
    ['alg none', () => `${encode(header({ alg: 'none' }))}.${encode(claims)}.`],
    ['alg none with a signature', () => forge(header({ alg: 'none' }))],
    ['alg None', () => forge(header({ alg: 'None' }))],
    ['no alg', () => forge({ typ: 'at+jwt', kid: ours.kid })],
    ['an alg that is a list', () => forge(header({ alg: ['RS256'] }))],
    ['RS512 over the same key', () => forge(header({ alg: 'RS512' }))],
    ['PS256 over the same key', () => forge(header({ alg: 'PS256' }))],
    ['ES256', () => forge(header({ alg: 'ES256' }))],
    ['a key of somebody else under our kid', () => forge(header(), claims, stranger)],
    ['a kid that is not ours', () => forge(header({ kid: stranger.kid }), claims, stranger)],
    ['no kid', () => forge({ alg: 'RS256', typ: 'at+jwt' })],
    ['a kid that is a number', () => forge(header({ kid: 7 }))],
    ['a kid that is a list', () => forge(header({ kid: [ours.kid] }))],
    ['a kid that is a path', () => forge(header({ kid: '../../dev/null' }))],
    ['the kid __proto__', () => forge(header({ kid: '__proto__' }))],
    ['a key in the token', () => forge(header({ kid: stranger.kid, jwk: stranger.publicJwk }), claims, stranger)],
    [
      'a key in the token under our kid',
      () => forge(header({ jwk: { ...stranger.publicJwk, kid: ours.kid } }), claims, stranger),
    ],
    ['a key by URL', () => forge(header({ jku: 'https://evil.test/jwks.json' }), claims, stranger)],
    ['a certificate by URL', () => forge(header({ x5u: 'https://evil.test/cert' }), claims, stranger)],
    ['b64 false', () => forge(header({ b64: false, crit: ['b64'] }))],
    ['typ JWT', () => forge(header({ typ: 'JWT' }))],
    ['no typ', () => forge({ alg: 'RS256', kid: ours.kid })],
    ['the typ of another token', () => forge(header({ typ: 'logout+jwt' }))],
    ['a header that is a list', () => forge([])],
    ['a header that is null', () => forge('null')],
    ['a header that is no JSON', () => forge('{')],
  ])('is refused: %s', (_, make) => expectRefused(make()))

  it('by HS256 under our public key is refused, in every encoding of it', async () => {
    const { publicJwk } = ours
    const der = Buffer.from(publicJwk.n, 'base64url')
    for (const key of [JSON.stringify(publicJwk), publicJwk.n, der]) {
      const signed = `${encode(header({ alg: 'HS256' }))}.${encode(claims)}`
      await expectRefused(`${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`)
    }
  })

  it('with crit is refused before any key is looked for', async () => {
    publicKey.mockClear()
    for (const crit of [['exp'], ['b64'], [], null]) await expectRefused(forge(header({ crit })))
    expect(publicKey).not.toHaveBeenCalled()
  })

  it('under a kid whose key is of another type is refused', async () => {
    const es = { ...ours.publicJwk, alg: 'ES256' } as unknown as PublicJwk
    await expect(codec.verify(good, async () => es, now)).rejects.toThrow()
    const oct = { kty: 'oct', k: 'AAAA', kid: ours.kid, alg: 'HS256', use: 'sig' } as unknown as PublicJwk
    await expect(codec.verify(good, async () => oct, now)).rejects.toThrow()
  })
})

describe('claims that are rightly signed and wrong', () => {
  it.each<[string, Record<string, unknown>]>([
    ['another issuer', { iss: 'https://evil.test' }],
    ['the issuer with a slash', { iss: 'https://auth.test/' }],
    ['the issuer in capitals', { iss: 'HTTPS://AUTH.TEST' }],
    ['issuers in a list', { iss: ['https://auth.test'] }],
    ['another audience', { aud: 'another' }],
    ['audiences in a list', { aud: ['postern-test'] }],
    ['ours among other audiences', { aud: ['postern-test', 'another'] }],
    ['an empty audience', { aud: '' }],
    ['an exp of the past', { exp: seconds - 61 }],
    ['an exp of text', { exp: String(seconds + 900) }],
    ['an exp with a fraction', { exp: seconds + 0.5 }],
    ['an exp that is null', { exp: null }],
    ['an endless exp', { exp: 1e300 }],
    ['an nbf of the future', { nbf: seconds + 61 }],
    ['an nbf of text', { nbf: String(seconds) }],
    ['an iat of text', { iat: String(seconds) }],
    ['a sub that is no id', { sub: 'ada@example.com' }],
    ['a sub in capitals', { sub: id.toUpperCase().replace('01932C00', 'ABCDEF00') }],
    ['a sid that is no id', { sid: '*' }],
    ['a ver of text', { ver: '1' }],
    ['a ver with a fraction', { ver: 1.5 }],
    ['roles that are text', { roles: 'admin' }],
    ['roles that are numbers', { roles: [1] }],
    ['permissions that are an object', { permissions: { admin: true } }],
    ['an empty jti', { jti: '' }],
    ['an amr of text', { amr: 'pwd' }],
    ['an auth_time of text', { auth_time: '0' }],
  ])('are refused: %s', (_, wrong) => expectRefused(forge(header(), { ...claims, ...wrong })))

  it.each(Object.keys(claims))('are refused without %s', (name) =>
    expectRefused(forge(header(), { ...claims, [name]: undefined })),
  )

  it.each(['null', '[]', '"text"', '7', '{'])('are refused when they are %s', (payload) =>
    expectRefused(forge(header(), payload)),
  )
})

describe('another spelling of a good token', () => {
  it.each<[string, (token: string) => string]>([
    ['nothing', () => ''],
    ['two segments', (token) => token.split('.').slice(0, 2).join('.')],
    ['four segments', (token) => `${token}.${token.split('.')[2]}`],
    ['an empty signature', (token) => token.replace(/[^.]+$/, '')],
    ['an empty header', (token) => token.replace(/^[^.]+/, '')],
    ['padding', (token) => `${token}==`],
    ['padding in the header', (token) => token.replace('.', '=.')],
    ['white space before', (token) => ` ${token}`],
    ['a line end after', (token) => `${token}\n`],
    ['a line end inside', (token) => token.replace('.', '.\n')],
    ['a letter of the other base64', (token) => token.replace(/_|-/, '/')],
    ['a dot at the end', (token) => `${token}.`],
    ['a NUL', (token) => `${token}\u0000`],
    ['9 KB', (token) => token.replace('.', `.${'A'.repeat(9_000)}`)],
    ['three letters too many', (token) => `${token}AAA`],
    ['one letter too few', (token) => token.slice(0, -1)],
  ])('is refused before any key is looked for: %s', async (_, change) => {
    publicKey.mockClear()
    await expectRefused(change(good))
    expect(publicKey).not.toHaveBeenCalled()
  })

  it('in which idle bits of the last letter are set is refused', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(good.at(-1) ?? '')
    const other = `${good.slice(0, -1)}${alphabet[last + 1]}`
    // The same bytes: a decoder that is not strict would take both.
    expect(Buffer.from(other.split('.')[2] ?? '', 'base64url')).toEqual(
      Buffer.from(good.split('.')[2] ?? '', 'base64url'),
    )
    publicKey.mockClear()
    await expectRefused(other)
    expect(publicKey).not.toHaveBeenCalled()
  })

  it.each([0, 1, 2])('with one bit turned in segment %i is refused', (segment) => expectRefused(flipBit(good, segment)))

  it('whose claims were exchanged for another token’s is refused', async () => {
    const other = await codec.sign({ ...claims, roles: ['admin'] }, ours)
    const [head, , signature] = good.split('.')
    await expectRefused(`${head}.${other.split('.')[1]}.${signature}`)
  })
})
