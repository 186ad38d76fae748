import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NeonDbError, neon, neonConfig } from '@neondatabase/serverless'

interface Migration {
  file: string
  /** The journal's time stamp, by which drizzle tells migrations apart. */
  when: number
  hash: string
  statements: string[]
}

/** A migration that Postgres refused; nothing of it was kept. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
  readonly file: string
  readonly sqlState: string

  constructor(file: string, { code = 'unknown', message }: NeonDbError, options: ErrorOptions) {
    // Class 42 speaks of the SQL; messages of other classes may repeat a row's values.
    super(`${file} failed with SQLSTATE ${code}${code.startsWith('42') ? `: ${message}` : ''}`, options)
    this.file = file
    this.sqlState = code
  }
}

const appliedByAnother = 'PM001'
/** Any fixed number: everybody who migrates waits for the same lock. */
const lock = 4711

/**
 * Applies what drizzle-kit generated into `folder` and the database does not have yet, each migration whole or not at all (drizzle's own runner
 * over Neon's HTTP is not transactional), one caller at a time, in drizzle's own journal table. A folder without a journal holds nothing.
 * For Node: the Worker has no files.
 * @param endpoint where SQL over HTTP is served, when not Neon's own
 * @returns what was applied now, and how many there are
 * @throws {MigrationError} naming file and SQLSTATE; `Error` when the database does not answer
 */
export async function migrate(
  databaseUrl: string,
  { endpoint, folder = 'migrations' }: { endpoint?: string | undefined; folder?: string } = {},
): Promise<{ applied: string[]; total: number }> {
  const migrations = await readMigrations(folder)
  if (migrations.length === 0) return { applied: [], total: 0 }

  // Neon's driver knows only one endpoint at a time. It is looked up when a query is sent.
  if (endpoint !== undefined) neonConfig.fetchEndpoint = endpoint
  const sql = neon(databaseUrl)
  // A migration, or the wait for another's, may take longer than any request may.
  const noTimeout = sql`set local statement_timeout = 0`
  await sql.transaction([
    noTimeout,
    sql`select pg_advisory_xact_lock(${lock})`,
    sql`create schema if not exists drizzle`,
    sql`create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`,
  ])
  const journal = await sql`select created_at from drizzle.__drizzle_migrations`
  const done = new Set(journal.map((row) => Number(row.created_at)))

  const applied: string[] = []
  for (const { file, when, hash, statements } of migrations.filter((migration) => !done.has(migration.when))) {
    try {
      await sql.transaction([
        noTimeout,
        sql`select pg_advisory_xact_lock(${lock})`,
        // Another caller may have applied it while we waited for the lock: stop before the first statement.
        sql.query(`do $$ begin if exists (select from drizzle.__drizzle_migrations where created_at = ${when})
          then raise exception using errcode = '${appliedByAnother}'; end if; end $$`),
        ...statements.map((statement) => sql.query(statement)),
        sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${when})`,
      ])
      applied.push(file)
    } catch (error) {
      if (!(error instanceof NeonDbError) || !error.code) throw error
      if (error.code !== appliedByAnother) throw new MigrationError(file, error, { cause: error })
    }
  }
  return { applied, total: migrations.length }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const journal = await readFile(join(folder, 'meta', '_journal.json'), 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  })
  if (journal === null) return []
  const { entries } = JSON.parse(journal) as { entries: { tag: string; when: number }[] }
  return Promise.all(
    entries.map(async ({ tag, when }) => {
      const file = join(folder, `${tag}.sql`)
      const text = await readFile(file, 'utf8')
      const statements = text.split('--> statement-breakpoint').filter((statement) => statement.trim() !== '')
      return { file, when, hash: createHash('sha256').update(text).digest('hex'), statements }
    }),
  )
}
