import type { DeviceId, KeyId, MailId, SessionId, UserId } from './ids.ts'
import type { RefreshSecretHash } from './refresh-token.ts'
import type { Revocation } from './revocation.ts'
import type { Grants } from './user.ts'

/** One use of a refresh token whose MAC was right. */
export interface RefreshUse {
  sessionId: SessionId
  generation: number
  hash: RefreshSecretHash
  successorHash: RefreshSecretHash
  /** Seconds in which a repeat of a rotated token is answered with the current one. */
  retryWindowSeconds: number
  idleSeconds: number
  /** By this time the caller will have been told 503. */
  deadline: Date
}

/** What a live session hands to the next access token. */
export interface LiveSession extends Grants {
  userId: UserId
  deviceId: DeviceId
  tokenVersion: number
  authTime: Date
  amr: readonly string[]
  idleExpiresAt: Date
  expiresAt: Date
  activeKid: KeyId | null
}

/** How the use of a refresh token was decided. */
export type Rotation =
  | { outcome: 'rotated'; session: LiveSession }
  | { outcome: 'replayed'; session: LiveSession; generation: number; currentHash: RefreshSecretHash }
  | { outcome: 'reused'; revocation: Revocation; mailId: MailId }
  /** `dead`: ended, expired, or its account is disabled or has ended all sessions. */
  | { outcome: 'dead' | 'unknown' | 'late' }
