import pg from 'pg'

/** The databases behind the Neon front. */
export interface Databases {
  /** The pool of the database that clients know by this name. @throws a Postgres error 3D000 when there is none */
  poolFor(name: string): Promise<pg.Pool>
  /** Ends every connection, then the server itself where it is ours. */
  close(): Promise<void>
}

/** The one database of an embedded server. */
export const embeddedDatabase = 'postern'

/** Neon's driver wants Postgres text and parses it itself. */
export const rawText = { getTypeParser: () => (value: string | Buffer) => value }

/** The error Postgres gives for a database that does not exist. */
export function noSuchDatabase(name: string): Error {
  return Object.assign(new Error(`database "${name}" does not exist`), { code: '3D000', severity: 'FATAL' })
}

/** A pool on a real server. An idle connection that breaks is dropped; the next request opens another. */
export function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    types: rawText,
    max: 20,
    connectionTimeoutMillis: 15_000,
    statement_timeout: 5_000,
    application_name: 'postern-dev',
  })
  pool.on('error', () => {})
  return pool
}

/** Every database of a real server, by the name it has there. */
export function realDatabases(serverUrl: string): Databases {
  const pools = new Map<string, pg.Pool>()
  return {
    async poolFor(name) {
      const known = pools.get(name)
      if (known !== undefined) return known
      const pool = openPool(databaseUrlOf(serverUrl, name))
      pools.set(name, pool)
      return pool
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.end()))
    },
  }
}

/** The same server and user, another database. */
export function databaseUrlOf(serverUrl: string, name: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${encodeURIComponent(name)}`
  return url.href
}
