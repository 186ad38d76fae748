import { type SQL, sql } from 'drizzle-orm'
import type { AuditContext, AuditType } from '../../domain/audit.ts'
import type { OutboxMail } from '../../domain/mail.ts'
import { type Revocation, revocationLifetimeSeconds } from '../../domain/revocation.ts'

// Parts that several statements carry along as CTEs, so that an event, a mail or a revocation becomes true with what it speaks of.

/** A UUIDv7 for each row: Postgres' clock, and the version and random bits of a v4 with the version changed. */
const newRowId = sql`(lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
  || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid`

/** One event per row of `source`; `userId`, `sessionId` and `detail` are expressions over it. */
export function auditEvent(
  type: AuditType,
  audit: AuditContext,
  event: { userId?: SQL; sessionId?: SQL; detail?: SQL; source: SQL },
): SQL {
  return sql`insert into audit_events (id, type, user_id, session_id, ip, country, city, user_agent, request_id, detail)
    select ${newRowId}, ${type}, ${event.userId ?? sql`null::uuid`}, ${event.sessionId ?? sql`null::uuid`},
      ${audit.ip}, ${audit.country}, ${audit.city}, ${audit.userAgent}, ${audit.requestId}, ${event.detail ?? sql`'{}'::jsonb`}
    from ${event.source}`
}

/** The mail, if `source` has a row: to the address of the user or of the registration attempt, whichever `recipient` gives. */
export function outboxMail(mail: OutboxMail, recipient: { userId: SQL } | { registrationId: SQL }, source: SQL): SQL {
  const [column, id] =
    'userId' in recipient ? [sql`user_id`, recipient.userId] : [sql`registration_id`, recipient.registrationId]
  return sql`insert into outbox (id, kind, ${column}, sealed) select ${mail.id}::uuid, ${mail.kind}, ${id}, ${mail.sealed} from ${source}`
}

/**
 * Revokes `member` (an expression over `source`). What was revoked already comes back too: a retry must be able to write it to
 * Redis again. The time is read when the source's rows are locked, not when the statement began to wait for them: a sync asks for what
 * is newer than its last, with a margin that a statement's running time must fit into. Read it with `revocationsOf`.
 */
export function revoke(member: SQL, source: SQL): SQL {
  return sql`insert into revocations (member, revoked_at, expires_at)
    select ${member}, clock_timestamp(), clock_timestamp() + make_interval(secs => ${revocationLifetimeSeconds}::int) from ${source}
    on conflict (member) do update set member = excluded.member
    returning member, ${score} as score`
}

/** The second at which a revocation may be forgotten. */
export const score = sql`ceil(extract(epoch from expires_at))::float8`

/** The rows of a `revoke` CTE as one JSON value. */
export function revocationsOf(cte: SQL): SQL {
  return sql`(select coalesce(json_agg(json_build_object('member', member, 'score', score)), '[]'::json) from ${cte})`
}

export type RevocationRow = Pick<Revocation, 'member' | 'score'>

/** Names of a user's roles and of the permissions they carry, sorted, as two JSON arrays. */
export function grantsOf(userId: SQL): SQL {
  return sql`
    (select coalesce(json_agg(r.name order by r.name), '[]'::json) from user_roles ur join roles r on r.id = ur.role_id
      where ur.user_id = ${userId}) as roles,
    (select coalesce(json_agg(distinct p.name order by p.name), '[]'::json) from user_roles ur
      join role_permissions rp on rp.role_id = ur.role_id join permissions p on p.id = rp.permission_id
      where ur.user_id = ${userId}) as permissions`
}

/** Unix milliseconds of a `timestamptz` expression. */
export function milliseconds(instant: SQL): SQL {
  return sql`(extract(epoch from ${instant}) * 1000)::float8`
}
