import { randomBytes } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import { mkdir } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MigrationError, migrate } from '../src/adapters/neon/migrate.ts'
import { startBreachApi } from './breach.ts'
import { type Databases, embeddedDatabase, realDatabases } from './databases.ts'
import { startMailbox } from './mailbox.ts'
import { startNeonHttp } from './neon-http.ts'
import { embeddedDatabases } from './pglite.ts'
import { scratchDatabases } from './scratch-databases.ts'
import type { BackendsOptions, BackendUrls, ChildMessage, ParentMessage } from './start-backends.ts'
import { startUpstashRest } from './upstash-rest.ts'

// The child process of `startBackends`. What was opened last is closed first.
const open: { close(): Promise<void> }[] = []
const tell = (message: ChildMessage) => {
  // A parent that goes away just now is told nothing: `disconnect` says the rest.
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}
const progress = (text: string) => {
  if (stopping !== null) throw new Error('stopping')
  tell({ type: 'progress', text })
}
const secret = () => randomBytes(24).toString('base64url')

let starting: Promise<void> = Promise.resolve()
let stopping: Promise<void> | null = null
process.once('message', ({ options }: ParentMessage) => {
  starting = start(options).then(
    (urls) => tell({ type: 'ready', ...urls }),
    (error: unknown) => {
      tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
      void stop(1)
    },
  )
})
for (const event of ['disconnect', 'SIGTERM', 'SIGINT', 'SIGHUP']) process.on(event, () => stop(0))

async function start(options: BackendsOptions): Promise<BackendUrls> {
  const { folder, migrationsFolder = join(import.meta.dirname, '..', 'migrations') } = options
  const { mailKey = secret(), upstash } = options
  if (folder !== null) await mkdir(folder, { recursive: true, mode: 0o700 })

  const { redisUrl, upstashUrl, upstashToken } =
    upstash === undefined
      ? await startRedis(options)
      : { redisUrl: options.redisUrl ?? null, upstashUrl: upstash.url, upstashToken: upstash.token }
  const { databaseUrl, neonUrl } = await startPostgres(options, migrationsFolder)
  const mailbox = await startMailbox({
    key: mailKey,
    file: folder === null ? null : join(folder, 'mailbox.json'),
    port: options.mailboxPort ?? 0,
    orAny: true,
  })
  open.push(mailbox)
  const breach = await startBreachApi()
  open.push(breach)

  progress('applying migrations')
  const migrated = await migrate(databaseUrl, { endpoint: neonUrl, folder: migrationsFolder }).catch(
    (error: unknown) => {
      if (error instanceof MigrationError) throw error
      throw new Error(`The migrations cannot be applied: ${reason(error)}.`, { cause: error })
    },
  )
  return {
    databaseUrl,
    neonUrl,
    redisUrl,
    upstashUrl,
    upstashToken,
    mailboxUrl: mailbox.url,
    mailKey,
    breachUrl: breach.url,
    migrated,
  }
}

async function startRedis({ redisUrl, upstashToken = secret() }: BackendsOptions) {
  const url = redisUrl ?? (await startEmbeddedRedis())
  if (redisUrl !== undefined) progress(`connecting to the Redis of REDIS_URL`)
  const front = await startUpstashRest({ redisUrl: url, token: upstashToken }).catch((error: unknown) => {
    throw new Error(`Redis at ${placeOf(url)} does not answer (${reason(error)}). Start it, or mend REDIS_URL.`)
  })
  open.push(front)
  return { redisUrl: url, upstashUrl: front.url, upstashToken }
}

async function startEmbeddedRedis(): Promise<string> {
  progress('starting the embedded Redis')
  const { createRedisServer } = await import('js-redis-server')
  // It leaves Nagle's algorithm on: a second small reply would wait up to 40 ms for the client to acknowledge the first.
  subscribe('net.server.socket', (message) => (message as { socket: Socket }).socket.setNoDelay())
  const server = await createRedisServer({ port: 0 })
  open.push(server)
  return `redis://127.0.0.1:${server.port}`
}

async function startPostgres(options: BackendsOptions, migrationsFolder: string) {
  const { databaseUrl, neonEndpoint, scratch = false, databasePassword = secret() } = options
  if (neonEndpoint !== undefined) return { databaseUrl: databaseUrl ?? '', neonUrl: neonEndpoint }

  const ownUrl = (name: string) => `postgres://postern:${encodeURIComponent(databasePassword)}@localhost/${name}`
  let neonUrl = ''
  const migrateScratch = (name: string) => migrate(ownUrl(name), { endpoint: neonUrl, folder: migrationsFolder })
  const databases = scratch
    ? await openDatabases(options, () => scratchDatabases(databaseUrl ?? null, migrateScratch))
    : await openDatabases(options, () =>
        databaseUrl === undefined ? embeddedDatabases(pgliteFolder(options.folder)) : checkedDatabases(databaseUrl),
      )
  open.push(databases)
  const real = scratch ? undefined : databaseUrl
  // On a real server the front asks for the password that the server asks for.
  const password = real === undefined ? databasePassword : decodeURIComponent(new URL(real).password) || undefined
  const front = await startNeonHttp({ poolFor: databases.poolFor, password })
  open.push(front)
  neonUrl = front.url
  return { databaseUrl: real ?? ownUrl(embeddedDatabase), neonUrl }
}

const pgliteFolder = (folder: string | null) => (folder === null ? null : join(folder, 'pg'))

async function openDatabases({ databaseUrl, folder }: BackendsOptions, openThem: () => Promise<Databases>) {
  progress(databaseUrl === undefined ? 'opening the embedded Postgres' : 'connecting to the PostgreSQL of DATABASE_URL')
  try {
    return await openThem()
  } catch (error) {
    if (databaseUrl !== undefined) {
      throw new Error(
        `PostgreSQL at ${placeOf(databaseUrl)} refuses (${reason(error)}). Start it, or mend DATABASE_URL.`,
      )
    }
    if (folder === null) throw error
    const pg = pgliteFolder(folder)
    const why = reason(error).split('\n')[0]
    throw new Error(`The database in ${pg} cannot be opened (${why}). Delete it to begin anew: rm -r ${pg}`)
  }
}

/** Fails now rather than at the first request. */
async function checkedDatabases(serverUrl: string): Promise<Databases> {
  const databases = realDatabases(serverUrl)
  const pool = await databases.poolFor(decodeURIComponent(new URL(serverUrl).pathname.slice(1)))
  await pool.query('select 1')
  return databases
}

/** Host, port and path of a URL: never its password. */
function placeOf(url: string): string {
  const { host, pathname } = new URL(url)
  return host + pathname
}

/** What went wrong, in few words. Refused connections come as an `AggregateError` with an empty message. */
function reason(error: unknown): string {
  if (error instanceof AggregateError) return reason(error.errors[0])
  if (!(error instanceof Error)) return String(error)
  return error.message || ('code' in error ? String(error.code) : error.name)
}

/** Closes what is open, after the step under way: a database must not be left half made. */
function stop(code: number): Promise<void> {
  stopping ??= (async () => {
    await Promise.race([starting, sleep(10_000)])
    for (const each of open.reverse()) {
      await each.close().catch((error: unknown) => {
        console.error('The local stack did not close cleanly:', error)
        process.exitCode = 1
      })
    }
    process.exit(process.exitCode ?? code)
  })()
  return stopping
}
