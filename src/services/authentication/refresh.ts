import { AuthError } from '../../domain/auth-error.ts'
import { provenanceOf } from '../../domain/provenance.ts'
import type { RefreshSecret, RefreshTokenParts } from '../../domain/refresh-token.ts'
import type { LiveSession } from '../../domain/rotation.ts'
import type { Postern, RequestContext } from '../postern.ts'
import { spendLimit } from '../security/limit.ts'
import {
  deriveCurrent,
  deriveSuccessor,
  formatRefreshToken,
  hashRefreshSecret,
  openRefreshToken,
} from '../tokens/refresh-tokens.ts'
import { deliverMail, sealMail } from '../users/outbox-mail.ts'
import { issueTokenSet, type TokenSet } from './token-set.ts'

/** Before the query's own time-out: what the statement still does must still be told, or the 503 would not be true. */
const patienceMs = 900

type RefreshPorts = Pick<
  Postern,
  | 'rateLimiter'
  | 'sessions'
  | 'revocations'
  | 'signing'
  | 'tokenCodec'
  | 'tokenKeys'
  | 'settings'
  | 'clock'
  | 'outbox'
  | 'mailer'
>

/**
 * Exchanges a refresh token for the next one. Repeats inside the window get the current token again, so a lost answer or many tabs
 * never log anyone out; any later repeat is theft and ends the session (RFC 9700 section 4.14.2).
 *
 * Round trips: Redis 1, Postgres 1.
 * @throws {AuthError} `rate_limited`, `invalid_token`, `unavailable`
 */
export async function refresh(
  postern: RefreshPorts,
  { refreshToken, device }: { refreshToken: string; device: string | null },
  context: RequestContext,
): Promise<{ tokens: TokenSet; limitHeaders: Record<string, string> }> {
  const limitHeaders = await spendLimit(postern, 'refresh', { ip: context.audit.ip })
  const presented = openRefreshToken(postern.tokenKeys, refreshToken)
  if (presented === null) throw refused('not a token of ours', limitHeaders)
  await postern.signing.warm()

  const successor = deriveSuccessor(
    postern.tokenKeys.current,
    presented.sessionId,
    presented.generation,
    presented.secret,
  )
  const reuseMail = await sealMail(postern, {
    kind: 'session_reuse',
    ...provenanceOf(context.audit, device, postern.clock.now()),
  })
  const rotation = await postern.sessions.rotate(
    {
      sessionId: presented.sessionId,
      generation: presented.generation,
      hash: hashRefreshSecret(presented.secret),
      successorHash: hashRefreshSecret(successor),
      retryWindowSeconds: postern.settings.refreshRetryWindow,
      idleSeconds: postern.settings.refreshTokenTtl,
      deadline: new Date(postern.clock.now() + patienceMs),
    },
    reuseMail,
    context.audit,
  )

  switch (rotation.outcome) {
    case 'rotated':
      return {
        tokens: await issue(postern, presented, rotation.session, presented.generation + 1, successor),
        limitHeaders,
      }
    case 'replayed': {
      const secret = deriveCurrent(postern.tokenKeys, presented, {
        generation: rotation.generation,
        hash: rotation.currentHash,
      })
      if (secret === null) throw refused('its chain does not lead to the current token', limitHeaders)
      return { tokens: await issue(postern, presented, rotation.session, rotation.generation, secret), limitHeaders }
    }
    case 'reused':
      context.defer(() => deliverMail(postern, rotation.mailId))
      await postern.revocations.publish([rotation.revocation])
      throw refused('reused', limitHeaders)
    case 'late':
      throw new AuthError('unavailable', { reason: 'the session was locked for too long', retryAfterSeconds: 1 })
    case 'dead':
    case 'unknown':
      throw refused(rotation.outcome, limitHeaders)
  }
}

function issue(
  postern: RefreshPorts,
  { sessionId }: RefreshTokenParts,
  session: LiveSession,
  generation: number,
  secret: RefreshSecret,
): Promise<TokenSet> {
  const subject = { ...session, sessionId, sessionExpiresAt: session.expiresAt }
  return issueTokenSet(postern, subject, formatRefreshToken(postern.tokenKeys.current, sessionId, generation, secret))
}

function refused(reason: string, headers: Record<string, string>): AuthError {
  return new AuthError('invalid_token', { reason: `refresh token: ${reason}`, headers })
}
