import type { KeyId } from './ids.ts'

/** `next` is published and does not sign, `active` signs, `retiring` is published until its last token is dead, `revoked` is refused. */
export type SigningKeyStatus = 'next' | 'active' | 'retiring' | 'revoked'

export type SigningAlgorithm = 'RS256'

/** The public half as it stands in the JWKS (RFC 7517). */
export interface PublicJwk {
  kty: string
  kid: KeyId
  alg: SigningAlgorithm
  use: 'sig'
  n: string
  e: string
}

/** A row of `signing_keys`: the private half is PKCS#8 under AES-256-GCM, bound to its `kid`. */
export interface StoredSigningKey {
  kid: KeyId
  algorithm: SigningAlgorithm
  status: SigningKeyStatus
  publicJwk: PublicJwk
  sealedPrivateKey: string
}
