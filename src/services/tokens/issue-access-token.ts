import type { KeyId, SessionId, UserId } from '../../domain/ids.ts'
import type { Grants } from '../../domain/user.ts'
import type { Postern } from '../postern.ts'

export interface AccessTokenSubject extends Grants {
  userId: UserId
  sessionId: SessionId
  tokenVersion: number
  authTime: Date
  amr: readonly string[]
  /** The session's absolute end: no `exp` passes it. */
  sessionExpiresAt: Date
  /** The active key as the statement that allowed this token saw it. */
  activeKid: KeyId | null
}

/** Signs an access token (RFC 9068) and tells its life in seconds. No round trip once the keys are warm. */
export async function issueAccessToken(
  postern: Pick<Postern, 'signing' | 'tokenCodec' | 'clock' | 'settings'>,
  subject: AccessTokenSubject,
): Promise<{ token: string; expiresIn: number }> {
  const key = await postern.signing.active(subject.activeKid)
  const { issuer, audience, accessTokenTtl } = postern.settings
  const now = Math.floor(postern.clock.now() / 1_000)
  const exp = Math.min(now + accessTokenTtl, seconds(subject.sessionExpiresAt))
  const token = await postern.tokenCodec.sign(
    {
      iss: issuer,
      sub: subject.userId,
      aud: audience,
      exp,
      iat: now,
      nbf: now,
      jti: crypto.randomUUID(),
      client_id: audience,
      sid: subject.sessionId,
      ver: subject.tokenVersion,
      roles: subject.roles,
      permissions: subject.permissions,
      auth_time: seconds(subject.authTime),
      amr: subject.amr,
    },
    key,
  )
  return { token, expiresIn: exp - now }
}

function seconds(instant: Date): number {
  return Math.floor(instant.getTime() / 1_000)
}
