import { type SQL, sql } from 'drizzle-orm'
import type { AuditContext } from '../../domain/audit.ts'
import { newId, type UserId } from '../../domain/ids.ts'
import { codeTries } from '../../domain/one-time-code.ts'
import type { Activation, ClientKey } from '../../domain/registration.ts'
import type { Registrations } from '../../ports.ts'
import { type Database, rowsOf } from './database.ts'
import { auditEvent, outboxMail } from './statements.ts'

export function neonRegistrations(database: Database): Registrations {
  return {
    async begin(attempt, clientKey, proof, mails, detail, audit) {
      const [row] = await rowsOf<{ taken: boolean }>(
        database,
        sql`with owner as (
          select id from users where email_canonical = ${attempt.canonical}
        ), recorded as (
          insert into registrations (id, email, email_canonical, password_hash, name, client_key, code_hash, token_hash,
            code_expires_at, expires_at)
          select ${newId(Date.now())}::uuid, ${attempt.email}, ${attempt.canonical}, ${attempt.passwordHash}, ${attempt.name},
            ${clientKey}, ${proof.codeHash}, ${proof.tokenHash},
            ${inSeconds(proof.codeLifetimeSeconds)}, ${inSeconds(proof.attemptLifetimeSeconds)}
          where not exists (select from owner)
          returning id
        ), asked as (${outboxMail(mails.verify, { registrationId: sql`id` }, sql`recorded`)}
        ), told as (${outboxMail(mails.alreadyRegistered, { userId: sql`id` }, sql`owner`)}
        ), event as (${auditEvent('user.registration_requested', audit, {
          userId: sql`(select id from owner)`,
          detail: asJson(detail),
          source: once,
        })})
        select exists (select from owner) as taken`,
      )
      return row?.taken ? 'already_registered' : 'pending'
    },

    activateByCode(email, hashes, clientKey, id, detail, audit) {
      const proven = sql`code_hash = any(${sql.param([...hashes])}::text[]) and code_expires_at > now() and code_tries < ${codeTries}`
      return activate(
        database,
        { ofAddress: sql`email_canonical = ${email}`, proven, clientKey, spendsTries: true },
        id,
        detail,
        audit,
      )
    },

    activateByToken(hashes, clientKey, id, audit) {
      const proven = sql`token_hash = any(${sql.param([...hashes])}::text[])`
      const ofAddress = sql`email_canonical in (select email_canonical from registrations where ${proven})`
      return activate(database, { ofAddress, proven, clientKey, spendsTries: false }, id, {}, audit)
    },

    async renewProof(email, clientKey, proof, mails, detail, audit) {
      const [row] = await rowsOf<{ live: number; renewed: number }>(
        database,
        sql`with live as (
          select id, client_key from registrations where email_canonical = ${email} and expires_at > now() order by id for update
        ), own as (
          select id from live where client_key = ${clientKey} and (select count(*) from live) = 1
        ), unclear as (
          select id from live where not exists (select from own) order by id desc limit 1
        ), renewed as (
          update registrations set code_hash = ${proof.codeHash}, token_hash = ${proof.tokenHash}, code_tries = 0,
            code_expires_at = ${inSeconds(proof.codeLifetimeSeconds)}
          where id in (select id from own)
        ), asked as (${outboxMail(mails.verify, { registrationId: sql`id` }, sql`own`)}
        ), told as (${outboxMail(mails.registerAgain, { registrationId: sql`id` }, sql`unclear`)}
        ), event as (${auditEvent('user.verification_resent', audit, { detail: asJson(detail), source: once })})
        select (select count(*)::int from live) as live, (select count(*)::int from own) as renewed`,
      )
      if (row === undefined || row.live === 0) return 'none'
      return row.renewed === 1 ? 'renewed' : 'register_again'
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

/** What makes an attempt the one to activate: it is of the address, and it is proven. */
interface Proof {
  ofAddress: SQL
  proven: SQL
  clientKey: ClientKey
  spendsTries: boolean
}

/**
 * Every attempt for the address is locked, always in the same order, so that concurrent activations line up: the first turns its
 * attempt into a user and deletes them all, the next finds none. `on conflict do nothing` covers an attempt that was recorded after
 * the address had got its account. A client that began one attempt and proves another has been sent a stranger's code or link.
 */
async function activate(
  database: Database,
  { ofAddress, proven, clientKey, spendsTries }: Proof,
  id: UserId,
  detail: Record<string, unknown>,
  audit: AuditContext,
): Promise<Activation> {
  const [row] = await rowsOf<{ verified: boolean }>(
    database,
    sql`with live as (
      select * from registrations where ${ofAddress} and expires_at > now() order by id for update
    ), hit as (
      select * from live where ${proven}
        and (client_key = ${clientKey} or not exists (select from live where client_key = ${clientKey})) limit 1
    ), person as (
      insert into users (id, email, email_canonical, password_hash, name, email_verified_at)
      select ${id}::uuid, email, email_canonical, password_hash, name, now() from hit
      on conflict (email_canonical) do nothing returning id
    ), granted as (
      insert into user_roles (user_id, role_id) select person.id, roles.id from person, roles where roles.name = 'user'
    ), ended as (
      delete from registrations where id in (select id from live) and exists (select from hit)
    ), missed as (
      update registrations r set code_tries = live.code_tries + 1
      from live where r.id = live.id and live.code_tries < ${codeTries} and ${spendsTries}::boolean and not exists (select from hit)
    ), welcome as (${auditEvent('user.registered', audit, { userId: sql`id`, source: sql`person` })}
    ), refusal as (${auditEvent('user.verification_failed', audit, {
      detail: asJson(detail),
      source: sql`${once} where not exists (select from person)`,
    })})
    select exists (select from person) as verified`,
  )
  return row?.verified ? 'verified' : 'unknown'
}

const once = sql`(values (1)) as once`

function asJson(detail: Record<string, unknown>): SQL {
  return sql`${JSON.stringify(detail)}::jsonb`
}

function inSeconds(seconds: number): SQL {
  return sql`now() + make_interval(secs => ${seconds}::int)`
}
