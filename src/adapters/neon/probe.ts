import { sql } from 'drizzle-orm'
import journal from '../../../migrations/meta/_journal.json' with { type: 'json' }
import type { Probes } from '../../ports.ts'
import { type Database, rowsOf } from './database.ts'

/** Asks Postgres for the newest migration it has and compares it with the newest that this build was made with. */
export function neonProbe(database: Database): Probes['postgres'] {
  const newest = Math.max(...journal.entries.map((entry) => entry.when))
  return async () => {
    const [row] = await rowsOf<{ applied: string | null }>(
      database,
      sql`select max(created_at)::text as applied from drizzle.__drizzle_migrations`,
    )
    return { migrations: Number(row?.applied ?? 0) >= newest ? 'current' : 'behind' }
  }
}
