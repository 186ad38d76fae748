import { type SQL, sql } from 'drizzle-orm'
import type { AuditContext } from '../../domain/audit.ts'
import { newId, type UserId } from '../../domain/ids.ts'
import { codeTries } from '../../domain/one-time-code.ts'
import type { Activation, RegistrationProof, Registrations } from '../../ports.ts'
import { type Database, rowsOf } from './database.ts'
import { auditEvent, outboxMail } from './statements.ts'

export function neonRegistrations(database: Database): Registrations {
  return {
    async begin(attempt, proof, mails, detail, audit) {
      const [row] = await rowsOf<{ taken: boolean }>(
        database,
        sql`with owner as (
          select id from users where email_canonical = ${attempt.canonical}
        ), recorded as (
          insert into registrations (id, email, email_canonical, password_hash, name, code_hash, token_hash, code_expires_at, expires_at)
          select ${newId(Date.now())}::uuid, ${attempt.email}, ${attempt.canonical}, ${attempt.passwordHash}, ${attempt.name},
            ${proof.codeHash}, ${proof.tokenHash}, ${inSeconds(proof.codeLifetimeSeconds)}, ${inSeconds(proof.attemptLifetimeSeconds)}
          where not exists (select from owner)
          returning id
        ), asked as (${outboxMail(mails.verify, sql`null::uuid`, sql`recorded`)}
        ), told as (${outboxMail(mails.alreadyRegistered, sql`id`, sql`owner`)}
        ), event as (${auditEvent('user.registration_requested', audit, {
          userId: sql`(select id from owner)`,
          detail: sql`${JSON.stringify(detail)}::jsonb`,
          source: sql`(values (1)) as once`,
        })})
        select exists (select from owner) as taken`,
      )
      return row?.taken ? 'already_registered' : 'pending'
    },

    activateByCode: (email, hashes, id, audit) =>
      activate(
        database,
        sql`email_canonical = ${email}`,
        sql`code_hash = any(${sql.param([...hashes])}::text[]) and code_expires_at > now() and code_tries < ${codeTries}`,
        id,
        audit,
      ),

    activateByToken: (hashes, id, audit) => {
      const carriesToken = sql`token_hash = any(${sql.param([...hashes])}::text[])`
      return activate(
        database,
        sql`email_canonical in (select email_canonical from registrations where ${carriesToken})`,
        carriesToken,
        id,
        audit,
      )
    },

    async renewProof(email, proof, mails, audit) {
      const [row] = await rowsOf<{ live: number }>(
        database,
        sql`with live as (
          select id from registrations where email_canonical = ${email} and expires_at > now() order by id for update
        ), only_one as (
          select id from live where (select count(*) from live) = 1
        ), crowd as (
          select 1 where (select count(*) from live) > 1
        ), renewed as (
          update registrations set code_hash = ${proof.codeHash}, token_hash = ${proof.tokenHash}, code_tries = 0,
            code_expires_at = ${inSeconds(proof.codeLifetimeSeconds)}
          where id in (select id from only_one)
        ), asked as (${outboxMail(mails.verify, sql`null::uuid`, sql`only_one`)}
        ), told as (${outboxMail(mails.severalAttempts, sql`null::uuid`, sql`crowd`)}
        ), event as (${auditEvent('user.verification_resent', audit, { source: sql`(select from live limit 1) as once` })})
        select count(*)::int as live from live`,
      )
      const live = row?.live ?? 0
      return live === 0 ? 'none' : live === 1 ? 'renewed' : 'several_attempts'
    },

    async prune(limit) {
      const rows = await rowsOf(
        database,
        sql`delete from registrations where id in (select id from registrations where expires_at < now() limit ${limit}) returning id`,
      )
      return rows.length
    },
  }
}

/**
 * Every attempt for the address is locked, always in the same order, so that concurrent activations line up: the first turns its
 * attempt into a user and deletes them all, the next finds none. `on conflict do nothing` covers an attempt that was recorded after
 * the address had got its account.
 */
async function activate(
  database: Database,
  ofAddress: SQL,
  proven: SQL,
  id: UserId,
  audit: AuditContext,
): Promise<Activation> {
  const [row] = await rowsOf<{ verified: boolean }>(
    database,
    sql`with live as (
      select * from registrations where ${ofAddress} and expires_at > now() order by id for update
    ), hit as (
      select * from live where ${proven} limit 1
    ), person as (
      insert into users (id, email, email_canonical, password_hash, name, email_verified_at)
      select ${id}::uuid, email, email_canonical, password_hash, name, now() from hit
      on conflict (email_canonical) do nothing returning id
    ), granted as (
      insert into user_roles (user_id, role_id) select person.id, roles.id from person, roles where roles.name = 'user'
    ), ended as (
      delete from registrations where id in (select id from live) and exists (select from hit)
    ), missed as (
      update registrations r set code_tries = live.code_tries + 1 from live where r.id = live.id and not exists (select from hit)
    ), welcome as (${auditEvent('user.registered', audit, { userId: sql`id`, source: sql`person` })}
    ), refusal as (${auditEvent('user.verification_failed', audit, {
      source: sql`(values (1)) as once where not exists (select from person)`,
    })})
    select exists (select from person) as verified`,
  )
  return row?.verified ? 'verified' : 'unknown'
}

function inSeconds(seconds: RegistrationProof['codeLifetimeSeconds']): SQL {
  return sql`now() + make_interval(secs => ${seconds}::int)`
}
