import { AuthError } from '../../domain/auth-error.ts'
import type { Email } from '../../domain/email.ts'
import { newId, type SessionId } from '../../domain/ids.ts'
import type { Password } from '../../domain/password-policy.ts'
import { UnusableHash } from '../../domain/phc.ts'
import type { Device } from '../../domain/session.ts'
import type { LoginRecord } from '../../domain/user.ts'
import type { Postern, RequestContext } from '../postern.ts'
import { addressKey, spendLimit } from '../security/limit.ts'
import { recogniseDevice } from '../tokens/device-token.ts'
import { formatRefreshToken, hashRefreshSecret, newRefreshSecret } from '../tokens/refresh-tokens.ts'
import { issueTokenSet, type TokenSet } from './token-set.ts'

export interface LoginAttempt {
  email: Email
  password: Password
  device: Omit<Device, 'id'>
  deviceToken: string | undefined
}

type LoginPorts = Pick<
  Postern,
  | 'rateLimiter'
  | 'users'
  | 'passwords'
  | 'sessions'
  | 'audit'
  | 'revocations'
  | 'signing'
  | 'tokenCodec'
  | 'tokenKeys'
  | 'settings'
  | 'clock'
>

/**
 * Checks a password and opens a session. An unknown address costs the same hash and the same statements as a wrong password
 * (OWASP ASVS 5.0, 6.3.8); that an account is disabled is told only after the right one.
 *
 * Round trips: Redis 1 beside the first query; Postgres 2 in sequence (3 when the account changed in between).
 * @throws {AuthError} `rate_limited`, `invalid_credentials`, `account_disabled`, `unavailable`
 */
export async function login(
  postern: LoginPorts,
  attempt: LoginAttempt,
  context: RequestContext,
): Promise<{ tokens: TokenSet; limitHeaders: Record<string, string> }> {
  const [limitHeaders, found] = await Promise.all([
    spendLimit(postern, 'login', { ip: context.audit.ip, email: attempt.email.canonical }),
    postern.users.findForLogin(attempt.email.canonical),
    postern.signing.warm(),
  ])

  const checked = await checkPassword(postern, found, attempt, context, limitHeaders)
  const opened = await openSession(postern, checked, attempt, context)
  if (opened !== null) return { tokens: opened, limitHeaders }

  // A reset, disable or logout-all came in between. Once more, with what stands now.
  const again = await postern.users.findForLogin(attempt.email.canonical)
  const recheck = await checkPassword(postern, again, attempt, context, limitHeaders)
  const reopened = await openSession(postern, recheck, attempt, context)
  if (reopened === null)
    throw new AuthError('unavailable', { reason: 'the account keeps changing', retryAfterSeconds: 1 })
  return { tokens: reopened, limitHeaders }
}

interface CheckedLogin {
  account: LoginRecord
  /** The stored hash was made with other parameters than today's, and is replaced while the password is at hand. */
  outdated: boolean
}

async function checkPassword(
  postern: LoginPorts,
  found: LoginRecord | null,
  { email, password }: LoginAttempt,
  { audit }: RequestContext,
  headers: Record<string, string>,
): Promise<CheckedLogin> {
  const { readable, matches, outdated } = await verify(postern, password, found)
  const refuse = async (code: 'invalid_credentials' | 'account_disabled', reason: string): Promise<never> => {
    const detail = { reason, address_key: addressKey(postern, email.canonical) }
    await postern.audit.record('login.failed', detail, found?.id ?? null, audit)
    throw new AuthError(code, { reason, headers })
  }
  if (found === null) return refuse('invalid_credentials', 'unknown address')
  if (!readable) return refuse('invalid_credentials', 'unreadable hash')
  if (!matches) return refuse('invalid_credentials', 'wrong password')
  if (found.status !== 'active') return refuse('account_disabled', 'disabled')
  return { account: found, outdated }
}

/** A hash that cannot be read costs what a wrong password costs: an error would tell that the account exists. */
async function verify(
  { passwords }: LoginPorts,
  password: Password,
  found: LoginRecord | null,
): Promise<{ readable: boolean; matches: boolean; outdated: boolean }> {
  try {
    return { readable: true, ...(await passwords.verify(password, found?.passwordHash ?? passwords.decoy)) }
  } catch (error) {
    if (!(error instanceof UnusableHash)) throw error
    return { ...(await passwords.verify(password, passwords.decoy)), readable: false }
  }
}

/** `null` when the account is no longer the one that was checked. */
async function openSession(
  postern: LoginPorts,
  { account, outdated }: CheckedLogin,
  { password, device, deviceToken }: LoginAttempt,
  { audit, defer }: RequestContext,
): Promise<TokenSet | null> {
  const { settings, tokenKeys } = postern
  const sessionId = newId<SessionId>(postern.clock.now())
  const deviceId = recogniseDevice(tokenKeys, account.id, deviceToken, postern.clock.now())
  const secret = newRefreshSecret()
  const amr = ['pwd'] // RFC 8176

  const opening = await postern.sessions.open(
    {
      id: sessionId,
      secretHash: hashRefreshSecret(secret),
      device: { ...device, id: deviceId },
      lifetime: { idle: settings.refreshTokenTtl, absolute: settings.sessionTtl },
      amr,
      limit: settings.sessionsPerUser,
    },
    {
      userId: account.id,
      sessionEpoch: account.sessionEpoch,
      passwordHash: account.passwordHash,
      rehash: outdated ? await postern.passwords.hash(password) : null,
    },
    audit,
  )
  if (opening.outcome === 'stale') return null
  if (opening.evicted.length > 0) defer(() => postern.revocations.publish(opening.evicted))

  return issueTokenSet(
    postern,
    {
      userId: account.id,
      sessionId,
      deviceId,
      // Version and grants of the first query: had they changed since, this token is dead at birth and a refresh mends it.
      tokenVersion: account.tokenVersion,
      roles: account.roles,
      permissions: account.permissions,
      authTime: opening.authTime,
      amr,
      activeKid: opening.activeKid,
      idleExpiresAt: opening.idleExpiresAt,
      sessionExpiresAt: opening.expiresAt,
    },
    formatRefreshToken(tokenKeys.current, sessionId, 0, secret),
  )
}
