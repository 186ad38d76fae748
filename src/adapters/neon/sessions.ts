import { sql } from 'drizzle-orm'
import type { KeyId } from '../../domain/ids.ts'
import type { SessionSummary } from '../../domain/session.ts'
import type { Sessions } from '../../ports.ts'
import { type Database, rowsAfterLock, rowsOf } from './database.ts'
import { rotateSession } from './rotate-session.ts'
import { auditEvent, milliseconds, type RevocationRow, revocationsOf, revoke } from './statements.ts'

export function neonSessions(database: Database): Sessions {
  return {
    async open(session, checked, audit) {
      // The row lock waits for a reset, disable or logout-all in flight and then reads what it wrote: `account` stays empty.
      // It comes in a statement of its own, so that the next one's snapshot is taken after the wait: the logins of one account line up,
      // and each counts the sessions of those before it. One batch, one round trip.
      const [row] = await rowsAfterLock<{
        kid: KeyId | null
        authTime: number
        idleExpiresAt: number
        expiresAt: number
        evicted: RevocationRow[]
      }>(
        database,
        sql`select from users where id = ${checked.userId}::uuid for no key update`,
        sql`with account as (
          select id, session_epoch from users
          where id = ${checked.userId}::uuid and status = 'active'
            and session_epoch = ${checked.sessionEpoch} and password_hash = ${checked.passwordHash}
        ), rehashed as (
          update users set password_hash = ${checked.rehash}::text
          where id in (select id from account) and ${checked.rehash}::text is not null
        ), opened as (
          insert into sessions (id, user_id, epoch, secret_hash, auth_time, amr, device_id, device_name, browser, os, ip, country, city,
            idle_expires_at, expires_at)
          select ${session.id}::uuid, id, session_epoch, ${session.secretHash}, now(), ${sql.param([...session.amr])}::text[],
            ${session.device.id}::uuid, ${session.device.name}, ${session.device.browser}, ${session.device.os},
            ${audit.ip}, ${audit.country}, ${audit.city},
            now() + make_interval(secs => ${Math.min(session.lifetime.idle, session.lifetime.absolute)}::int),
            now() + make_interval(secs => ${session.lifetime.absolute}::int)
          from account
          returning id, user_id, auth_time, idle_expires_at, expires_at
        ), surplus as (
          select s.id from sessions s join account a on a.id = s.user_id
          where s.revoked_at is null and s.epoch = a.session_epoch and s.idle_expires_at > now()
          order by s.created_at desc, s.id desc offset ${session.limit - 1}
        ), ended as (
          update sessions set revoked_at = now() where id in (select id from surplus) and revoked_at is null returning id, user_id
        ), revoked as (${revoke(sql`'sid:' || id`, sql`ended`)}
        ), eviction as (${auditEvent('session.evicted', audit, { userId: sql`user_id`, sessionId: sql`id`, source: sql`ended` })}
        ), device as (
          insert into known_devices (user_id, device_id) select user_id, ${session.device.id}::uuid from opened
          on conflict (user_id, device_id) do update set last_seen_at = now()
        ), event as (${auditEvent('login.succeeded', audit, { userId: sql`user_id`, sessionId: sql`id`, source: sql`opened` })})
        select (select kid from signing_keys where status = 'active') as kid,
          ${milliseconds(sql`auth_time`)} as "authTime", ${milliseconds(sql`idle_expires_at`)} as "idleExpiresAt",
          ${milliseconds(sql`expires_at`)} as "expiresAt", ${revocationsOf(sql`revoked`)} as evicted
        from opened`,
      )
      if (row === undefined) return { outcome: 'stale' }
      return {
        outcome: 'opened',
        activeKid: row.kid,
        authTime: new Date(row.authTime),
        idleExpiresAt: new Date(row.idleExpiresAt),
        expiresAt: new Date(row.expiresAt),
        evicted: row.evicted,
      }
    },

    rotate: (use, reuseMail, audit) => rotateSession(database, use, reuseMail, audit),

    end(ids, owner, audit) {
      return rowsOf<RevocationRow>(
        database,
        sql`with target as (
          select id, user_id, revoked_at is null as live from sessions
          where id = any(${sql.param([...ids])}::uuid[]) and (${owner}::uuid is null or user_id = ${owner}::uuid) order by id for update
        ), ended as (
          update sessions set revoked_at = now() where id in (select id from target where live) returning id
        ), event as (${auditEvent('session.ended', audit, { userId: sql`user_id`, sessionId: sql`id`, source: sql`target where live` })}
        ), revoked as (${revoke(sql`'sid:' || id`, sql`target`)})
        select member, score from revoked`,
      )
    },

    async endAll(owner, audit) {
      // The old version is revoked in the statement that raises it: no access token of before is accepted afterwards.
      const [revocation] = await rowsOf<RevocationRow>(
        database,
        sql`with raised as (
          update users set session_epoch = session_epoch + 1, token_version = token_version + 1
          where id = ${owner}::uuid returning id, token_version
        ), event as (${auditEvent('session.all_ended', audit, { userId: sql`id`, source: sql`raised` })}
        ), revoked as (${revoke(sql`'ver:' || id || ':' || (token_version - 1)`, sql`raised`)})
        select member, score from revoked`,
      )
      return revocation ?? null
    },

    async list(owner) {
      const rows = await rowsOf<
        Omit<SessionSummary, 'createdAt' | 'lastSeenAt'> & { createdAt: number; lastSeenAt: number }
      >(
        database,
        sql`select s.id, s.device_name as "deviceName", s.browser, s.os, s.ip, s.country, s.city,
          ${milliseconds(sql`s.created_at`)} as "createdAt", ${milliseconds(sql`s.last_seen_at`)} as "lastSeenAt"
        from sessions s join users u on u.id = s.user_id and u.session_epoch = s.epoch
        where s.user_id = ${owner}::uuid and s.revoked_at is null and s.idle_expires_at > now() and s.expires_at > now()
        order by s.last_seen_at desc, s.id desc`,
      )
      return rows.map((row) => ({
        ...row,
        createdAt: new Date(row.createdAt),
        lastSeenAt: new Date(row.lastSeenAt),
      }))
    },

    async prune(limit) {
      const rows = await rowsOf(
        database,
        sql`delete from sessions where id in (
          select id from sessions where expires_at < now() - interval '1 day' limit ${limit}
        ) returning id`,
      )
      return rows.length
    },
  }
}
