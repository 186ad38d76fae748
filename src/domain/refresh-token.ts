import type { Brand } from './brand.ts'
import type { SessionId } from './ids.ts'
import { isUuid } from './ids.ts'

/** 256 random or derived bits, base64url. Never stored: the database holds its `RefreshSecretHash`. */
export type RefreshSecret = Brand<string, 'RefreshSecret'>
/** SHA-256 of a `RefreshSecret`, base64url. */
export type RefreshSecretHash = Brand<string, 'RefreshSecretHash'>
/** The whole token as the client holds it: `session id . generation . secret . MAC`. Opaque to everybody but us. */
export type RefreshToken = Brand<string, 'RefreshToken'>

export interface RefreshTokenParts {
  sessionId: SessionId
  /** How many rotations the session had behind it when this token was made. */
  generation: number
  secret: RefreshSecret
  mac: string
}

/** So many rotations can be followed from a late parent to the current token. */
export const longestDerivation = 16

const shape = /^([0-9a-f-]{36})\.(0|[1-9]\d{0,8})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/

/** Takes a token apart, or gives `null` when it was never one of ours. Says nothing about the MAC. */
export function parseRefreshToken(raw: string): RefreshTokenParts | null {
  const [, sessionId, generation, secret, mac] = shape.exec(raw) ?? []
  if (sessionId === undefined || generation === undefined || secret === undefined || mac === undefined) return null
  if (!isUuid(sessionId)) return null
  return {
    sessionId: sessionId as SessionId,
    generation: Number(generation),
    secret: secret as RefreshSecret,
    mac,
  }
}
