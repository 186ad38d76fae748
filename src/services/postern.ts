import type { AuditContext } from '../domain/audit.ts'
import type { Ports } from '../ports.ts'
import type { RevocationGuard } from './tokens/revocation-guard.ts'
import type { SigningKeyring } from './tokens/signing-keyring.ts'
import type { TokenKeyring } from './tokens/token-keys.ts'

/** Everything a use case may touch; each names what it does touch with `Pick`. */
export interface Postern extends Ports {
  /** This isolate's copy of the signing keys. */
  signing: SigningKeyring
  revocations: RevocationGuard
  /** Keys derived from `TOKEN_SECRET`. */
  tokenKeys: TokenKeyring
  settings: Settings
}

/** What operators decide, of `Config`. Durations are seconds. */
export interface Settings {
  issuer: string
  audience: string
  /** The app that people sign in to. */
  appUrl: string
  accessTokenTtl: number
  refreshTokenTtl: number
  refreshRetryWindow: number
  sessionTtl: number
  sessionsPerUser: number
  passwordMinLength: number
}

/** What a use case knows of the request it serves. */
export interface RequestContext {
  audit: AuditContext
  /** Lets work go on after the answer; its failure is logged, never seen by the caller. */
  defer(task: () => Promise<unknown>): void
}
