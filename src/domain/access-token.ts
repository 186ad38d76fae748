import type { KeyId, SessionId, UserId } from './ids.ts'

/** What we put into an access token (RFC 9068 section 2.2, with `sid`, `ver`, `roles` and `permissions` of our own). Times are Unix seconds. */
export interface AccessTokenClaims {
  iss: string
  sub: UserId
  aud: string
  exp: number
  iat: number
  nbf: number
  jti: string
  client_id: string
  sid: SessionId
  /** The subject's token version when this was issued: raising it kills every token that carries an older one. */
  ver: number
  roles: readonly string[]
  permissions: readonly string[]
  auth_time: number
  amr: readonly string[]
}

/** A token whose signature, issuer, audience, times and shape are right. Not yet checked for revocation. */
export interface VerifiedToken {
  claims: AccessTokenClaims
  kid: KeyId
}

/** Clocks of the machines that issue and check may differ by this much (RFC 9068 section 4, RFC 7519 section 4.1.4). */
export const clockSkewSeconds = 60

/** `ACCESS_TOKEN_TTL_SECONDS` goes no higher. */
export const longestAccessTokenTtl = 3_600
