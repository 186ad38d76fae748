import { calculateJwkThumbprint, decodeProtectedHeader, errors, importJWK, jwtVerify, SignJWT } from 'jose'
import { clockSkewSeconds } from '../../domain/access-token.ts'
import { AuthError } from '../../domain/auth-error.ts'
import type { KeyId } from '../../domain/ids.ts'
import type { PublicJwk, SigningAlgorithm } from '../../domain/signing-key.ts'
import type { TokenCodec } from '../../ports.ts'
import { readClaims } from './claims.ts'
import { hasStrictForm } from './strict-form.ts'

/** RFC 9068 section 2.1. */
const tokenType = 'at+jwt'
const rsaBits = 2_048
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

/** Access tokens by jose, accepting only what this deployment issues (RFC 8725). */
export function joseTokenCodec({ issuer, audience }: { issuer: string; audience: string }): TokenCodec {
  return {
    sign: (claims, { kid, privateKey }) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', typ: tokenType, kid }).sign(privateKey),

    async verify(token, publicKey, now) {
      if (!hasStrictForm(token)) throw refused('malformed')
      const kid = readKid(token)
      const jwk = await publicKey(kid)
      if (jwk === null) throw refused('unknown kid')
      // `jwk`, `jku`, `x5u` and `x5c` of the header are never looked at: the key comes from our table alone.
      const { payload } = await jwtVerify(token, await importJWK(jwk, jwk.alg), {
        algorithms: [jwk.alg],
        typ: tokenType,
        issuer,
        audience,
        clockTolerance: clockSkewSeconds,
        currentDate: new Date(now),
      }).catch((error: unknown) => {
        throw error instanceof errors.JOSEError ? refused(error.code) : error
      })
      const claims = readClaims(payload)
      if (claims === null) throw refused('claims of another shape')
      return { claims, kid: jwk.kid }
    },

    async generate(algorithm) {
      const pair = await crypto.subtle.generateKey(
        { ...rsa, modulusLength: rsaBits, publicExponent: new Uint8Array([1, 0, 1]) },
        true,
        ['sign', 'verify'],
      )
      const { privateKey, publicKey } = pair as CryptoKeyPair
      const { n, e } = (await crypto.subtle.exportKey('jwk', publicKey)) as JsonWebKey
      if (n === undefined || e === undefined) throw new Error('the platform exported an RSA key without its modulus')
      const kid = (await calculateJwkThumbprint({ kty: 'RSA', n, e }, 'sha256')) as KeyId // RFC 7638
      const publicJwk: PublicJwk = { kty: 'RSA', kid, alg: algorithm, use: 'sig', n, e }
      return {
        kid,
        publicJwk,
        privatePkcs8: new Uint8Array((await crypto.subtle.exportKey('pkcs8', privateKey)) as ArrayBuffer),
      }
    },

    importPrivate: (pkcs8, _algorithm: SigningAlgorithm) =>
      crypto.subtle.importKey('pkcs8', pkcs8, rsa, false, ['sign']),
  }
}

function readKid(token: string): string {
  try {
    const { kid, crit } = decodeProtectedHeader(token)
    if (typeof kid === 'string' && crit === undefined) return kid
  } catch {
    throw refused('unreadable header')
  }
  throw refused('a header without kid, or with crit')
}

function refused(reason: string): AuthError {
  return new AuthError('invalid_token', { reason: `access token: ${reason}` })
}
