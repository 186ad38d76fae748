import { type SQL, sql } from 'drizzle-orm'
import type { ClaimedMail } from '../../domain/mail.ts'
import type { Outbox } from '../../ports.ts'
import { type Database, rowsOf } from './database.ts'

/** A mail that could not be sent in this time has nothing left to say: its code died long ago. */
const giveUpAfter = sql`interval '24 hours'`

export function neonOutbox(database: Database): Outbox {
  return {
    async claim(id) {
      const [mail] = await claim(database, sql`o.id = ${id}::uuid`, 1)
      return mail ?? null
    },
    claimDue: (limit) => claim(database, sql`true`, limit),

    async settle(id) {
      await rowsOf(database, sql`update outbox set sent_at = now(), sealed = '' where id = ${id}::uuid`)
    },

    async prune(limit) {
      const rows = await rowsOf(
        database,
        sql`delete from outbox where id in (
          select id from outbox where created_at < now() - interval '30 days' order by created_at limit ${limit}
        ) returning id`,
      )
      return rows.length
    },
  }
}

/** `skip locked` lets two cron runs share the work; the next attempt is set before this one is made, so a dead isolate loses nothing. */
function claim(database: Database, which: SQL, limit: number): Promise<ClaimedMail[]> {
  return rowsOf<ClaimedMail & Record<string, unknown>>(
    database,
    sql`with due as (
      select o.id from outbox o
      where ${which} and o.sent_at is null and o.next_attempt_at <= now() and o.created_at > now() - ${giveUpAfter}
      order by o.next_attempt_at limit ${limit} for update skip locked
    )
    update outbox o set attempts = o.attempts + 1,
      next_attempt_at = now() + least(interval '1 minute' * power(2, o.attempts), interval '2 hours')
    from due
    where o.id = due.id
    returning o.id, o.kind, o.sealed, o.attempts, coalesce(
      (select email from users where users.id = o.user_id),
      (select email from registrations where registrations.id = o.registration_id)) as "to"`,
  )
}
