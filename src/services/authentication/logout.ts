import { AuthError } from '../../domain/auth-error.ts'
import type { SessionId, UserId } from '../../domain/ids.ts'
import type { Postern, RequestContext } from '../postern.ts'
import { verifySignature } from '../tokens/authenticate.ts'
import { openRefreshToken } from '../tokens/refresh-tokens.ts'

type LogoutPorts = Pick<Postern, 'sessions' | 'revocations' | 'signing' | 'tokenCodec' | 'tokenKeys' | 'clock'>

/** What names the session to end: an access token, a refresh token, or both. */
export interface LogoutProof {
  accessToken: string | null
  refreshToken: string | null
}

/**
 * Ends the session that the tokens name, with its refresh tokens and its access tokens. Unknown or already ended is done too.
 * Returns when no endpoint of ours accepts its tokens any more.
 *
 * Round trips: Postgres 1, Redis 1.
 * @throws {AuthError} `invalid_token` for a missing or wrong access token
 */
export async function logout(postern: LogoutPorts, proof: LogoutProof, { audit }: RequestContext): Promise<void> {
  const presented = proof.refreshToken === null ? null : openRefreshToken(postern.tokenKeys, proof.refreshToken)
  const sessions = new Set<SessionId>(presented === null ? [] : [presented.sessionId])
  if (proof.accessToken !== null || proof.refreshToken === null) {
    try {
      sessions.add((await verifySignature(postern, proof.accessToken)).claims.sid)
    } catch (error) {
      // An app that is signed in with an expired access token and a good refresh token still means to log out.
      if (!(error instanceof AuthError && presented !== null)) throw error
    }
  }
  if (sessions.size > 0) await end(postern, [...sessions], null, audit) // A forged token costs no query.
}

/** Ends every session of the caller and kills every access token. Round trips: Postgres 1, Redis 1. */
export async function logoutAll(
  { sessions, revocations }: Pick<Postern, 'sessions' | 'revocations'>,
  user: UserId,
  { audit }: RequestContext,
): Promise<void> {
  const revocation = await sessions.endAll(user, audit)
  if (revocation !== null) await revocations.publish([revocation])
}

/** Ends one session of the caller's own. Round trips: Postgres 1, Redis 1. @throws {AuthError} `not_found` when it is not theirs */
export async function endSession(
  postern: Pick<Postern, 'sessions' | 'revocations'>,
  user: UserId,
  session: SessionId,
  { audit }: RequestContext,
): Promise<void> {
  if ((await end(postern, [session], user, audit)) === 0) throw new AuthError('not_found')
}

async function end(
  { sessions, revocations }: Pick<Postern, 'sessions' | 'revocations'>,
  ids: readonly SessionId[],
  owner: UserId | null,
  audit: RequestContext['audit'],
): Promise<number> {
  const ended = await sessions.end(ids, owner, audit)
  if (ended.length > 0) await revocations.publish(ended)
  return ended.length
}
