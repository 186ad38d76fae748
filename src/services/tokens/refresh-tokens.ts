import { createHash } from 'node:crypto'
import type { SessionId } from '../../domain/ids.ts'
import {
  longestDerivation,
  parseRefreshToken,
  type RefreshSecret,
  type RefreshSecretHash,
  type RefreshToken,
  type RefreshTokenParts,
} from '../../domain/refresh-token.ts'
import { constantTimeEqual, randomToken } from './random.ts'
import { hmac, type TokenKeyring, type TokenKeys } from './token-keys.ts'

export function newRefreshSecret(): RefreshSecret {
  return randomToken() as RefreshSecret
}

export function hashRefreshSecret(secret: RefreshSecret): RefreshSecretHash {
  return createHash('sha256').update(secret).digest('base64url') as RefreshSecretHash
}

/** `session id . generation . secret . MAC`, the MAC over the rest. */
export function formatRefreshToken(
  keys: TokenKeys,
  sessionId: SessionId,
  generation: number,
  secret: RefreshSecret,
): RefreshToken {
  const signed = `${sessionId}.${generation}.${secret}`
  return `${signed}.${hmac(keys.refreshMac, signed)}` as RefreshToken
}

/**
 * The token's parts if we made it, else `null`. Session ids are public (they travel in every access token), so a guess must be
 * stopped here, before any query: only a token that we did issue may end a session.
 */
export function openRefreshToken(keyring: TokenKeyring, raw: string): RefreshTokenParts | null {
  const parts = parseRefreshToken(raw)
  if (parts === null) return null
  const signed = `${parts.sessionId}.${parts.generation}.${parts.secret}`
  const ours = [keyring.current, keyring.previous].some(
    (keys) => keys !== null && constantTimeEqual(hmac(keys.refreshMac, signed), parts.mac),
  )
  return ours ? parts : null
}

/** The next secret of a session. Needs both the parent, which the database does not hold, and the server's key. */
export function deriveSuccessor(
  keys: TokenKeys,
  sessionId: SessionId,
  generation: number,
  parent: RefreshSecret,
): RefreshSecret {
  return hmac(keys.refreshDerivation, `${sessionId}.${generation}.${parent}`) as RefreshSecret
}

/**
 * Follows a rotated-out secret to the session's current one, or gives `null` when the way does not end at `currentHash`. The server
 * secret may have changed once along the way: the first steps were then taken with the previous key.
 */
export function deriveCurrent(
  keyring: TokenKeyring,
  presented: Pick<RefreshTokenParts, 'sessionId' | 'generation' | 'secret'>,
  current: { generation: number; hash: RefreshSecretHash },
): RefreshSecret | null {
  const steps = current.generation - presented.generation
  if (steps < 1 || steps > longestDerivation) return null
  const mostWithPrevious = keyring.previous === null ? 0 : steps
  for (let withPrevious = 0; withPrevious <= mostWithPrevious; withPrevious++) {
    let secret = presented.secret
    for (let step = 0; step < steps; step++) {
      const keys = step < withPrevious && keyring.previous !== null ? keyring.previous : keyring.current
      secret = deriveSuccessor(keys, presented.sessionId, presented.generation + step, secret)
    }
    if (constantTimeEqual(hashRefreshSecret(secret), current.hash)) return secret
  }
  return null
}
