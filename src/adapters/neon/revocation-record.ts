import { sql } from 'drizzle-orm'
import type { RevocationRecord } from '../../ports.ts'
import { type Database, rowsOf } from './database.ts'
import { type RevocationRow, score } from './statements.ts'

export function neonRevocationRecord(database: Database): RevocationRecord {
  return {
    async isRevoked({ claims }, members) {
      const [row] = await rowsOf<{ revoked: boolean }>(
        database,
        sql`select exists (
            select from revocations where member = any(${sql.param([...members])}::text[]) and expires_at > now()
          ) or not exists (
            select from sessions s join users u on u.id = s.user_id and u.session_epoch = s.epoch and u.status = 'active'
            where s.id = ${claims.sid}::uuid and s.user_id = ${claims.sub}::uuid and s.revoked_at is null
          ) as revoked`,
      )
      if (row === undefined) throw new Error('the revocation query gave no row')
      return row.revoked
    },

    since(instant, { after, limit }) {
      const newer = instant === null ? sql`true` : sql`revoked_at > ${new Date(instant).toISOString()}::timestamptz`
      return rowsOf<RevocationRow>(
        database,
        sql`select member, ${score} as score from revocations
        where ${newer} and expires_at > now() and member > ${after ?? ''} order by member limit ${limit}`,
      )
    },

    async prune(limit) {
      const rows = await rowsOf(
        database,
        sql`delete from revocations where member in (
          select member from revocations where expires_at < now() - interval '1 minute' limit ${limit}
        ) returning member`,
      )
      return rows.length
    },
  }
}
