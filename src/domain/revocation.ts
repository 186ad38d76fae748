import { clockSkewSeconds, longestAccessTokenTtl, type VerifiedToken } from './access-token.ts'
import type { Brand } from './brand.ts'
import type { KeyId, SessionId, UserId } from './ids.ts'

/** One thing that can be revoked, as it stands in the table and in the Redis set: `jti:…`, `sid:…`, `ver:<sub>:<n>`, `kid:…`. */
export type RevocationMember = Brand<string, 'RevocationMember'>

/** A revocation with the Unix second at which it may be forgotten: every token it could concern is dead by then. */
export interface Revocation {
  member: RevocationMember
  score: number
}

export const revokedToken = (jti: string) => `jti:${jti}` as RevocationMember
export const revokedSession = (id: SessionId) => `sid:${id}` as RevocationMember
export const revokedVersion = (sub: UserId, version: number) => `ver:${sub}:${version}` as RevocationMember
export const revokedKey = (kid: KeyId) => `kid:${kid}` as RevocationMember

/** Everything whose revocation kills this token. */
export function membersOf({ claims, kid }: VerifiedToken): RevocationMember[] {
  return [revokedToken(claims.jti), revokedSession(claims.sid), revokedVersion(claims.sub, claims.ver), revokedKey(kid)]
}

/** The largest difference between the clocks of two Workers that the protocol allows for. */
export const workerClockSkewMs = 1_000
/** How far behind a verified time an invisible row's time stamp can lie: more than statement time-out (5 s) + clock skew. */
export const syncMarginMs = 30_000

/**
 * How long a revocation is kept, the same for every member: the longest life an access token can be configured to have, its clock skew,
 * and a minute for ours. Not today's life: shortening that must not revive a longer-lived token that was revoked.
 */
export const revocationLifetimeSeconds = longestAccessTokenTtl + clockSkewSeconds + 60
