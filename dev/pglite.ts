import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import type { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { type Databases, embeddedDatabase, noSuchDatabase, rawText } from './databases.ts'

/** An embedded Postgres and the pool that reaches it. */
export interface EmbeddedPostgres {
  readonly pool: pg.Pool
  /** Everything in it, to start others from. */
  dump(): Promise<Blob>
  close(): Promise<void>
}

/**
 * Opens PGlite on a folder, or in memory, there optionally with a dump's content. PGlite takes no lock: two processes on one folder would
 * destroy it, so the caller holds one.
 */
export async function openPglite(folder: string | null, content?: Blob): Promise<EmbeddedPostgres> {
  const [{ PGlite }, { createPgConfig }] = await Promise.all([
    import('@electric-sql/pglite'),
    import('@electric-sql/pglite/node-postgres'),
  ])
  const database: PGlite = await PGlite.create({
    dataDir: folder ?? 'memory://',
    ...(content === undefined ? {} : { loadDataDir: content }),
  })
  // PGlite is one session, so one connection, which is never given up.
  const pool = new pg.Pool({ ...createPgConfig(database), max: 1, idleTimeoutMillis: 0, types: rawText })
  pool.on('error', () => {})
  return {
    pool,
    dump: async () => database.dumpDataDir('none'),
    async close() {
      await pool.end()
      await database.close()
    },
  }
}

/** An embedded server on a folder, or in memory, seen as one database. */
export async function embeddedDatabases(folder: string | null): Promise<Databases> {
  if (folder !== null && !existsSync(folder)) await makeFolder(folder)
  const server = await openPglite(folder)
  return {
    async poolFor(name) {
      if (name !== embeddedDatabase) throw noSuchDatabase(name)
      return server.pool
    },
    close: () => server.close(),
  }
}

/** A new database appears whole or not at all: making it takes seconds, in which people press Ctrl-C. */
async function makeFolder(folder: string): Promise<void> {
  const unfinished = `${folder}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  const server = await openPglite(unfinished)
  await server.close()
  await rename(unfinished, folder)
}
