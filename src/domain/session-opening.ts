import type { KeyId, SessionId, UserId } from './ids.ts'
import type { PasswordHash } from './phc.ts'
import type { RefreshSecretHash } from './refresh-token.ts'
import type { Revocation } from './revocation.ts'
import type { Device, SessionLifetime } from './session.ts'

/** What a login asks to be opened. */
export interface NewSession {
  id: SessionId
  secretHash: RefreshSecretHash
  device: Device
  lifetime: SessionLifetime
  amr: readonly string[]
  /** `SESSIONS_PER_USER`. */
  limit: number
}

/** The account as it was when its password was checked; a session is opened for no other. `rehash` replaces its hash. */
export interface CheckedAccount {
  userId: UserId
  sessionEpoch: number
  passwordHash: PasswordHash
  rehash: PasswordHash | null
}

/** `stale`: the account is no longer the one that was checked. */
export type Opening =
  | {
      outcome: 'opened'
      activeKid: KeyId | null
      authTime: Date
      idleExpiresAt: Date
      expiresAt: Date
      evicted: Revocation[]
    }
  | { outcome: 'stale' }
