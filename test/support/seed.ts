import type { VerifiedToken } from '../../src/domain/access-token.ts'
import type { AuditContext } from '../../src/domain/audit.ts'
import type { CanonicalEmail } from '../../src/domain/email.ts'
import { type KeyId, newId, type SessionId, type UserId } from '../../src/domain/ids.ts'
import type { PasswordHash } from '../../src/domain/phc.ts'
import { type Rows, rows } from './database.ts'
import { newAddress } from './people.ts'

export const someHash = '$argon2id$v=19$m=8,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODw' as PasswordHash

export interface SeededUser {
  id: UserId
  email: CanonicalEmail
}

/** Puts an active account where tests are not about how it came to be. `into` runs SQL in another database than the run's. */
export async function seedUser(into: Rows = rows): Promise<SeededUser> {
  const user = { id: newId<UserId>(Date.now()), email: newAddress() as CanonicalEmail }
  await into(
    `insert into users (id, email, email_canonical, password_hash, email_verified_at)
     values ($1, $2, $2, $3, now()) returning id`,
    user.id,
    user.email,
    someHash,
  )
  return user
}

/** A live session of theirs, opened under the account's present epoch. */
export async function seedSession(user: SeededUser, into: Rows = rows): Promise<SessionId> {
  const id = newId<SessionId>(Date.now())
  await into(
    `insert into sessions (id, user_id, epoch, secret_hash, auth_time, amr, device_id, device_name, ip, idle_expires_at, expires_at)
     select $1::uuid, id, session_epoch, 'none', now(), '{pwd}', $1::uuid, 'Seeded', 'unknown',
       now() + interval '7 days', now() + interval '30 days'
     from users where id = $2::uuid returning id`,
    id,
    user.id,
  )
  return id
}

/** A token of this session as it is after its signature was verified. */
export function tokenOf(user: SeededUser, session: SessionId, now = Date.now()): VerifiedToken {
  const seconds = Math.floor(now / 1_000)
  return {
    kid: `kid-${crypto.randomUUID()}` as KeyId,
    claims: {
      iss: 'https://auth.test',
      sub: user.id,
      aud: 'postern-test',
      exp: seconds + 900,
      iat: seconds,
      nbf: seconds,
      jti: crypto.randomUUID(),
      client_id: 'postern-test',
      sid: session,
      ver: 1,
      roles: ['user'],
      permissions: [],
      auth_time: seconds,
      amr: ['pwd'],
    },
  }
}

/** Somebody whose audit events no other test shares. */
export function newAuditContext(): AuditContext {
  return { requestId: crypto.randomUUID(), ip: '192.0.2.1', userAgent: null, country: null, city: null }
}

export const eventsOf = ({ requestId }: AuditContext) =>
  rows<{ type: string; user_id: string | null; session_id: string | null; detail: unknown }>(
    'select type, user_id, session_id, detail from audit_events where request_id = $1 order by type, id',
    requestId,
  )
