import { sql } from 'drizzle-orm'
import type { AuditContext } from '../../domain/audit.ts'
import type { DeviceId, KeyId, UserId } from '../../domain/ids.ts'
import type { OutboxMail } from '../../domain/mail.ts'
import { longestDerivation, type RefreshSecretHash } from '../../domain/refresh-token.ts'
import type { RefreshUse, Rotation } from '../../domain/rotation.ts'
import { type Database, rowsOf } from './database.ts'
import {
  auditEvent,
  grantsOf,
  milliseconds,
  outboxMail,
  type RevocationRow,
  revocationsOf,
  revoke,
} from './statements.ts'

type Row = {
  outcome: Rotation['outcome']
  userId: UserId
  deviceId: DeviceId
  tokenVersion: number
  roles: string[]
  permissions: string[]
  amr: string[]
  authTime: number
  idleExpiresAt: number
  expiresAt: number
  generation: number
  secretHash: RefreshSecretHash
  kid: KeyId | null
  revoked: RevocationRow[]
}

/**
 * One statement decides a refresh, for any number of callers at once (READ COMMITTED). `for update` waits for the row and then reads
 * its latest version, so the losers of a race see what the winner wrote; `verdict` is a second step because the clock must be read
 * after that wait. The MAC was checked before: what fits nothing is an old token of ours, never garbage. More rotations inside one window
 * than we remember may be a client gone wild: its oldest tokens are refused, and the session lives. So are tokens newer than the row,
 * which only a restored database can meet.
 *
 * The account is read without a lock: `for update` on it would meet the locks of a login in the other order. A logout-all that commits
 * meanwhile does no harm: the access token made here carries the version that it revoked, and the next rotation sees the new epoch.
 */
export async function rotateSession(
  database: Database,
  use: RefreshUse,
  reuseMail: OutboxMail,
  audit: AuditContext,
): Promise<Rotation> {
  const [row] = await rowsOf<Row>(
    database,
    sql`with locked as (
      select * from sessions where id = ${use.sessionId}::uuid for update
    ), verdict as materialized (
      select l.*, clock_timestamp() as decided_at, u.token_version, case
        when u.status <> 'active' or u.session_epoch <> l.epoch or l.revoked_at is not null
          or l.idle_expires_at <= clock_timestamp() or l.expires_at <= clock_timestamp() then 'dead'
        when clock_timestamp() > ${use.deadline.toISOString()}::timestamptz then 'late'
        when l.generation = ${use.generation} and l.secret_hash = ${use.hash} then 'rotated'
        when l.rotations[cardinality(l.rotations) - (l.generation - ${use.generation}) + 1]
          > clock_timestamp() - make_interval(secs => ${use.retryWindowSeconds}::int) then 'replayed'
        when l.generation < ${use.generation} then 'unknown'
        when l.generation - ${use.generation} > ${longestDerivation}
          and l.rotations[1] > clock_timestamp() - make_interval(secs => ${use.retryWindowSeconds}::int) then 'unknown'
        else 'reused' end as outcome
      from locked l join users u on u.id = l.user_id
    ), written as (
      update sessions s set
        generation = case v.outcome when 'rotated' then v.generation + 1 else v.generation end,
        secret_hash = case v.outcome when 'rotated' then ${use.successorHash} else v.secret_hash end,
        rotations = case v.outcome when 'rotated'
          then (v.rotations || v.decided_at)[greatest(1, cardinality(v.rotations) + 2 - ${longestDerivation}):] else v.rotations end,
        last_seen_at = case v.outcome when 'rotated' then v.decided_at else v.last_seen_at end,
        idle_expires_at = case v.outcome when 'rotated'
          then least(v.decided_at + make_interval(secs => ${use.idleSeconds}::int), v.expires_at) else v.idle_expires_at end,
        ip = case v.outcome when 'rotated' then ${audit.ip} else v.ip end,
        country = case v.outcome when 'rotated' then ${audit.country} else v.country end,
        city = case v.outcome when 'rotated' then ${audit.city} else v.city end,
        revoked_at = case v.outcome when 'reused' then v.decided_at else v.revoked_at end
      from verdict v where s.id = v.id and v.outcome in ('rotated', 'reused')
      returning s.idle_expires_at
    ), theft as (
      select id, user_id from verdict where outcome = 'reused'
    ), revoked as (${revoke(sql`'sid:' || id`, sql`theft`)}
    ), told as (${outboxMail(reuseMail, { userId: sql`user_id` }, sql`theft`)}
    ), event as (${auditEvent('session.refresh_reused', audit, { userId: sql`user_id`, sessionId: sql`id`, source: sql`theft` })})
    select v.outcome, v.user_id as "userId", v.device_id as "deviceId", v.token_version as "tokenVersion", v.amr,
      ${milliseconds(sql`v.auth_time`)} as "authTime",
      ${milliseconds(sql`coalesce((select idle_expires_at from written), v.idle_expires_at)`)} as "idleExpiresAt",
      ${milliseconds(sql`v.expires_at`)} as "expiresAt", v.generation, v.secret_hash as "secretHash",
      (select kid from signing_keys where status = 'active') as kid, ${revocationsOf(sql`revoked`)} as revoked,
      ${grantsOf(sql`v.user_id`)}
    from verdict v`,
  )
  return row === undefined ? { outcome: 'unknown' } : rotationOf(row, reuseMail)
}

function rotationOf(row: Row, reuseMail: OutboxMail): Rotation {
  const session = {
    userId: row.userId,
    deviceId: row.deviceId,
    tokenVersion: row.tokenVersion,
    roles: row.roles,
    permissions: row.permissions,
    amr: row.amr,
    authTime: new Date(row.authTime),
    idleExpiresAt: new Date(row.idleExpiresAt),
    expiresAt: new Date(row.expiresAt),
    activeKid: row.kid,
  }
  switch (row.outcome) {
    case 'rotated':
      return { outcome: 'rotated', session }
    case 'replayed':
      return { outcome: 'replayed', session, generation: row.generation, currentHash: row.secretHash }
    case 'reused': {
      const [revocation] = row.revoked
      if (revocation === undefined) throw new Error('a reused session was not revoked')
      return { outcome: 'reused', revocation, mailId: reuseMail.id }
    }
    case 'dead':
    case 'late':
    case 'unknown':
      return { outcome: row.outcome }
  }
}
