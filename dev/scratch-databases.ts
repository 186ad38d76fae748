import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { type Databases, databaseUrlOf, embeddedDatabase, noSuchDatabase, openPool } from './databases.ts'
import { type EmbeddedPostgres, openPglite } from './pglite.ts'

/** How one kind of server makes databases for a test run. Names are the clients'. */
interface Maker {
  make(name: string): Promise<pg.Pool>
  /** Closes the database and keeps its content for `copy`. */
  seal(name: string): Promise<void>
  copy(name: string): Promise<pg.Pool>
  close(): Promise<void>
}

const template = 'postern_test_template'
const limit = 16

/**
 * Databases that live as long as a test run: `postern`, and any `postern_test_*` that somebody asks for, made on demand, migrated, and empty of
 * rows other than what migrations put there; `postern_test_empty_*` come without tables. At most 16, since each embedded one takes some 100 MB.
 * @param serverUrl a real PostgreSQL to make them on; `null` = embedded, in memory
 * @param migrate brings the database of this name up to date through the front
 */
export async function scratchDatabases(
  serverUrl: string | null,
  migrate: (name: string) => Promise<unknown>,
): Promise<Databases> {
  const maker = serverUrl === null ? embeddedMaker() : realMaker(serverUrl)
  const pools = new Map<string, Promise<pg.Pool>>([[embeddedDatabase, maker.make(embeddedDatabase)]])
  let sealed: Promise<void> | null = null

  const sealTemplate = async () => {
    pools.set(template, maker.make(template))
    await migrate(template)
    pools.delete(template)
    await maker.seal(template)
  }
  const copyOfTemplate = async (name: string) => {
    sealed ??= sealTemplate()
    await sealed
    return maker.copy(name)
  }
  try {
    await pools.get(embeddedDatabase)
  } catch (error) {
    await maker.close()
    throw error
  }

  return {
    poolFor(name) {
      const known = pools.get(name)
      if (known !== undefined) return known
      if (!/^postern_test_[a-z0-9_]{1,30}$/.test(name) || name === template) return Promise.reject(noSuchDatabase(name))
      if (pools.size >= limit) return Promise.reject(new Error(`a test run has at most ${limit} databases`))
      const made = name.startsWith('postern_test_empty_') ? maker.make(name) : copyOfTemplate(name)
      pools.set(name, made)
      made.catch(() => pools.delete(name))
      return made
    },
    async close() {
      await Promise.allSettled(pools.values())
      await maker.close()
    },
  }
}

function embeddedMaker(): Maker {
  const servers = new Map<string, EmbeddedPostgres>()
  let content: Blob | undefined
  const open = async (name: string, from?: Blob) => {
    const server = await openPglite(null, from)
    servers.set(name, server)
    return server.pool
  }
  return {
    make: (name) => open(name),
    async seal(name) {
      const server = servers.get(name)
      content = await server?.dump()
      servers.delete(name)
      await server?.close()
    },
    copy: (name) => open(name, content),
    async close() {
      await Promise.all([...servers.values()].map((server) => server.close()))
    },
  }
}

/** Real names carry the run's own random part, so that two runs on one server never meet. */
function realMaker(serverUrl: string): Maker {
  const run = `postern_test_${randomBytes(4).toString('hex')}`
  const pools = new Map<string, pg.Pool>()
  const admin = new pg.Pool({ connectionString: serverUrl, max: 1, connectionTimeoutMillis: 15_000 })
  admin.on('error', () => {})

  const realName = (name: string) => (name === embeddedDatabase ? run : `${run}_${name.slice('postern_test_'.length)}`)
  const create = async (name: string, from: string) => {
    const real = realName(name)
    await admin.query(`create database ${real} template ${from}`)
    const pool = openPool(databaseUrlOf(serverUrl, real))
    pools.set(name, pool)
    return pool
  }
  return {
    make: (name) => create(name, 'template0'),
    async seal(name) {
      await pools.get(name)?.end()
    },
    copy: (name) => create(name, realName(template)),
    async close() {
      for (const [name, pool] of pools) {
        if (!pool.ended) await pool.end()
        await admin.query(`drop database if exists ${realName(name)} with (force)`)
      }
      await admin.end()
    },
  }
}
