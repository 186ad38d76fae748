import { type SQL, sql } from 'drizzle-orm'
import type { AuditContext, AuditType } from '../../domain/audit.ts'
import { newId } from '../../domain/ids.ts'
import type { OutboxMail } from '../../domain/mail.ts'
import type { Revocation, RevocationMember } from '../../domain/revocation.ts'

// Parts that several statements carry along as CTEs, so that an event, a mail or a revocation becomes true with what it speaks of.

/** One event per row of `source`; `userId`, `sessionId` and `detail` are expressions over it. */
export function auditEvent(
  type: AuditType,
  audit: AuditContext,
  event: { userId?: SQL; sessionId?: SQL; detail?: SQL; source: SQL },
): SQL {
  return sql`insert into audit_events (id, type, user_id, session_id, ip, country, city, user_agent, request_id, detail)
    select ${newId(Date.now())}::uuid, ${type}, ${event.userId ?? sql`null::uuid`}, ${event.sessionId ?? sql`null::uuid`},
      ${audit.ip}, ${audit.country}, ${audit.city}, ${audit.userAgent}, ${audit.requestId}, ${event.detail ?? sql`'{}'::jsonb`}
    from ${event.source}`
}

/** One mail per row of `source`; `userId` is its owner's, or null when the sealed content names the address. */
export function outboxMail(mail: OutboxMail, userId: SQL, source: SQL): SQL {
  return sql`insert into outbox (id, kind, user_id, sealed) select ${mail.id}::uuid, ${mail.kind}, ${userId}, ${mail.sealed} from ${source}`
}

/**
 * Revokes `member` (an expression over `source`). What was revoked already comes back too: a retry must be able to write it to
 * Redis again. Read it with `revocationsOf`.
 */
export function revoke(member: SQL, source: SQL, lifetimeSeconds: number): SQL {
  return sql`insert into revocations (member, expires_at)
    select ${member}, now() + make_interval(secs => ${lifetimeSeconds}::int) from ${source}
    on conflict (member) do update set member = excluded.member
    returning member, ${score} as score`
}

/** The second at which a revocation may be forgotten. */
export const score = sql`ceil(extract(epoch from expires_at))::float8`

/** The rows of a `revoke` CTE as one JSON value. */
export function revocationsOf(cte: SQL): SQL {
  return sql`(select coalesce(json_agg(json_build_object('member', member, 'score', score)), '[]'::json) from ${cte})`
}

export type RevocationRow = { member: RevocationMember; score: number }

export function firstRevocation(rows: readonly RevocationRow[]): Revocation | null {
  return rows[0] ?? null
}

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
