import { sql } from 'drizzle-orm'
import journal from '../../../migrations/meta/_journal.json' with { type: 'json' }
import type { Probes } from '../../ports.ts'
import { type Database, rowsOf } from './database.ts'
import { milliseconds } from './statements.ts'

/** Asks Postgres for its clock and for the newest migration it has, and compares that with the newest that this build was made with. */
export function neonProbe(database: Database): Probes['postgres'] {
  const newest = Math.max(...journal.entries.map((entry) => entry.when))
  return async () => {
    const [row] = await rowsOf<{ applied: string | null; clock: number }>(
      database,
      sql`select max(created_at)::text as applied, ${milliseconds(sql`clock_timestamp()`)} as clock from drizzle.__drizzle_migrations`,
    )
    if (row === undefined) throw new Error('the migration journal gave no row')
    return { migrations: Number(row.applied ?? 0) >= newest ? 'current' : 'behind', clock: row.clock }
  }
}
