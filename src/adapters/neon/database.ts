import { AsyncLocalStorage } from 'node:async_hooks'
import { neon, neonConfig } from '@neondatabase/serverless'
import type { SQL } from 'drizzle-orm'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { Outage } from '../../domain/outage.ts'

export type Database = NeonHttpDatabase

/** No request waits longer for a failing Postgres, all its queries together. */
const patienceMs = 1_000

/** What is left of that for the request that is being served. Queries that wait together wait once. */
interface Patience {
  leftMs: number
  waiting: number
  waitingSince: number
}

const patience = new AsyncLocalStorage<Patience>()

const newPatience = (): Patience => ({ leftMs: patienceMs, waiting: 0, waitingSince: 0 })

/** Serves a request with a patience of its own. */
export function withPatience<T>(serve: () => T): T {
  return patience.run(newPatience(), serve)
}

/**
 * Postgres over Neon's HTTP endpoint: each query is one request and one transaction.
 * The driver knows its endpoint and fetch only per isolate, which has one database.
 */
export function connectDatabase(databaseUrl: string, fetchEndpoint: string | null): Database {
  if (fetchEndpoint !== null) neonConfig.fetchEndpoint = fetchEndpoint
  // A signal given to `neon()` would be fixed when the client is made; every query needs its own.
  neonConfig.fetchFunction = async (input: RequestInfo, init: RequestInit) => {
    const request = patience.getStore() ?? newPatience()
    if (request.waiting === 0) request.waitingSince = Date.now()
    request.waiting += 1
    const leftMs = request.leftMs - (Date.now() - request.waitingSince)
    try {
      return await fetch(input, { ...init, signal: AbortSignal.timeout(Math.max(0, leftMs)) })
    } finally {
      request.waiting -= 1
      if (request.waiting === 0) request.leftMs -= Date.now() - request.waitingSince
    }
  }
  return drizzle(neon(databaseUrl))
}

/**
 * Runs a statement and gives its rows. Drizzle's error message holds the SQL and every parameter (addresses, hashes), so what leaves
 * here carries the SQLSTATE, or the kind of error where there is none, and nothing of the query.
 */
export async function rowsOf<Row extends Record<string, unknown>>(database: Database, statement: SQL): Promise<Row[]> {
  return withoutParameters(async () => (await database.execute<Row>(statement)).rows)
}

/** Runs `lock`, then the statement in the same transaction and round trip, but with a snapshot of its own that is taken after the wait. */
export async function rowsAfterLock<Row extends Record<string, unknown>>(
  database: Database,
  lock: SQL,
  statement: SQL,
): Promise<Row[]> {
  const [, result] = await withoutParameters(() =>
    database.batch([database.execute(lock), database.execute<Row>(statement)]),
  )
  return result.rows
}

/** Runs any query of drizzle's with an error that can be logged. */
export async function withoutParameters<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query()
  } catch (error) {
    const state = sqlStateOf(error)
    if (state === null) throw new Outage(`Postgres could not be asked (${kindOf(error)})`)
    if (unavailable.test(state)) throw new Outage(`Postgres is not available (SQLSTATE ${state})`)
    throw new Error(`Postgres refused a statement (SQLSTATE ${state})`)
  }
}

/**
 * Connection trouble, a rollback that may be tried again, too few resources, an operator's intervention or a time-out; and a wrong
 * password, which is how an endpoint that is being replaced looks. https://www.postgresql.org/docs/15/errcodes-appendix.html
 */
const unavailable = /^(?:08|28|40|53|57|58|25006|55P03)/

/** The innermost error's name: what tells a time-out from a refused connection or a fault of ours. */
function kindOf(error: unknown): string {
  let kind = typeof error as string
  for (let cause = error; cause instanceof Error; cause = 'sourceError' in cause ? cause.sourceError : cause.cause)
    kind = cause.name
  return kind
}

function sqlStateOf(error: unknown): string | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && /^[0-9A-Z]{5}$/.test(cause.code)) return cause.code
  }
  return null
}
