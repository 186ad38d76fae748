import { neon, neonConfig } from '@neondatabase/serverless'
import type { SQL } from 'drizzle-orm'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { Outage } from '../../domain/outage.ts'

export type Database = NeonHttpDatabase

/** No user request waits longer for a failing Postgres. */
const timeoutMs = 1_000

/**
 * Postgres over Neon's HTTP endpoint: each query is one request and one transaction.
 * The driver knows its endpoint and fetch only per isolate, which has one database.
 */
export function connectDatabase(databaseUrl: string, fetchEndpoint: string | null): Database {
  if (fetchEndpoint !== null) neonConfig.fetchEndpoint = fetchEndpoint
  // A signal given to `neon()` would be fixed when the client is made; every query needs its own.
  neonConfig.fetchFunction = (input: RequestInfo, init: RequestInit) =>
    fetch(input, { ...init, signal: AbortSignal.timeout(timeoutMs) })
  return drizzle(neon(databaseUrl))
}

/**
 * Runs a statement and gives its rows. Drizzle's error message holds the SQL and every parameter (addresses, hashes), so what leaves
 * here carries the SQLSTATE and the server's own words for it, and nothing of the query.
 */
export async function rowsOf<Row extends Record<string, unknown>>(database: Database, statement: SQL): Promise<Row[]> {
  return withoutParameters(async () => (await database.execute<Row>(statement)).rows)
}

/** Runs any query of drizzle's with an error that can be logged. */
export async function withoutParameters<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query()
  } catch (error) {
    const state = sqlStateOf(error)
    if (state === null) throw new Outage('Postgres could not be asked')
    if (unavailable.test(state)) throw new Outage(`Postgres is not available (SQLSTATE ${state})`)
    throw new Error(`Postgres refused a statement (SQLSTATE ${state})`)
  }
}

/**
 * Connection trouble, a rollback that may be tried again, too few resources, an operator's intervention or a time-out; and a wrong
 * password, which is how an endpoint that is being replaced looks. https://www.postgresql.org/docs/15/errcodes-appendix.html
 */
const unavailable = /^(?:08|28|40|53|57|58|25006|55P03)/

function sqlStateOf(error: unknown): string | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && /^[0-9A-Z]{5}$/.test(cause.code)) return cause.code
  }
  return null
}
