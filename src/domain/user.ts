import type { CanonicalEmail, EmailAddress } from './email.ts'
import type { UserId } from './ids.ts'
import type { PasswordHash } from './phc.ts'

export type UserStatus = 'active' | 'disabled'

/** What a subject may do, as it goes into tokens. */
export interface Grants {
  roles: readonly string[]
  permissions: readonly string[]
}

/** All that a login needs to know of an account, read together so that hash, epoch, version and grants belong to one moment. */
export interface LoginRecord extends Grants {
  id: UserId
  status: UserStatus
  passwordHash: PasswordHash
  tokenVersion: number
  sessionEpoch: number
}

/** Members of a profile that are the user's own to change. `metadata` is any JSON object up to 4 KiB. */
export interface ProfileChange {
  name?: string | null
  locale?: string | null
  metadata?: Record<string, unknown>
}

export interface Profile extends Grants {
  id: UserId
  email: EmailAddress
  name: string | null
  locale: string | null
  metadata: Record<string, unknown>
  createdAt: Date
  updatedAt: Date
}

/** A registration attempt: it becomes a user only by its own code or link, so nobody can park a password on another's address. */
export interface Attempt {
  email: EmailAddress
  canonical: CanonicalEmail
  passwordHash: PasswordHash
  name: string | null
}
