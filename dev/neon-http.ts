import type { IncomingMessage } from 'node:http'
import type { Pool } from 'pg'
import { BodyTooLarge, type HttpService, readBody, sendJson, serve } from './http-service.ts'
import { type Batch, ResponseTooLarge, runRequest, type Statement } from './neon-statements.ts'

const maxRequestBytes = 10 * 1024 * 1024

const isolationLevels: Readonly<Record<string, string>> = {
  ReadUncommitted: 'READ UNCOMMITTED',
  ReadCommitted: 'READ COMMITTED',
  RepeatableRead: 'REPEATABLE READ',
  Serializable: 'SERIALIZABLE',
}

/** Members of a Postgres error as Neon's proxy names them, beside `message`, `code` and `severity`. */
const errorMembers = [
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'table',
  'column',
  'schema',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

/** A refusal in the words of Neon's proxy. */
class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly code: string

  constructor(status: number, message: string, code = '') {
    super(message)
    this.status = status
    this.code = code
  }
}

/**
 * Neon's SQL over HTTP (`POST /sql`, as `@neondatabase/serverless` 1.2 speaks it) in front of any server that `pg` reaches. The database named
 * in `Neon-Connection-String` chooses the pool. Values always travel as Postgres text (the driver asks for that and parses them itself).
 * Limits, statuses and messages are those of Neon's own proxy (neondatabase/neon, proxy/src/serverless).
 */
export async function startNeonHttp({
  poolFor,
  password,
  port = 0,
}: {
  poolFor: (database: string) => Promise<Pool>
  /** Checked on every request when given. */
  password?: string | undefined
  port?: number
}): Promise<HttpService> {
  const service = await serve(
    async (request, response) => {
      const aborted = new AbortController()
      response.once('close', () => {
        if (!response.writableFinished) aborted.abort()
      })
      try {
        if (request.method !== 'POST' || request.url?.split('?')[0] !== '/sql') {
          throw new Refusal(400, 'query is not supported')
        }
        const database = readConnectionString(request, password)
        const begin = readBegin(request)
        const body = readStatements(await readBody(request, maxRequestBytes))
        const pool = await poolFor(database)
        const arrayMode = request.headers['neon-array-mode'] === 'true'
        const answer = await runRequest(pool, body, { begin, arrayMode, signal: aborted.signal })
        if (!response.destroyed) response.writeHead(200, { 'content-type': 'application/json' }).end(answer)
      } catch (error) {
        if (response.destroyed) return
        const { status, body } = describeError(error)
        sendJson(response, status, body)
      }
    },
    { port },
  )
  return { ...service, url: `${service.url}/sql` }
}

/** The database's name. Nothing of the connection string is repeated in an error: it holds the password. */
function readConnectionString(request: IncomingMessage, password: string | undefined): string {
  const header = request.headers['neon-connection-string']
  if (typeof header !== 'string') throw new Refusal(400, 'invalid header: neon-connection-string')
  if (!URL.canParse(header)) throw new Refusal(400, 'invalid connection string: relative URL without a base')
  const url = new URL(header)
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw new Refusal(400, 'incorrect scheme')
  const database = decode(url.pathname.slice(1))
  if (database === '') throw new Refusal(400, 'missing database name')
  const user = decode(url.username)
  if (user === '') throw new Refusal(400, 'missing username')
  if (password !== undefined) {
    if (url.password === '') throw new Refusal(400, 'missing authentication credentials: required password')
    if (decode(url.password) !== password) {
      throw new Refusal(400, `password authentication failed for user '${user}'`, '28P01')
    }
  }
  return database
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Refusal(400, 'invalid connection string: invalid percent-encoding')
  }
}

/** The statement that opens a batch's transaction. */
function readBegin({ headers }: IncomingMessage): string {
  const level = headers['neon-batch-isolation-level']
  const sql = ['BEGIN']
  if (level !== undefined) {
    const known =
      typeof level === 'string' && Object.hasOwn(isolationLevels, level) ? isolationLevels[level] : undefined
    if (known === undefined) throw new Refusal(400, 'invalid isolation level')
    sql.push(`ISOLATION LEVEL ${known}`)
  }
  if (headers['neon-batch-read-only'] === 'true') sql.push('READ ONLY')
  if (headers['neon-batch-deferrable'] === 'true') sql.push('DEFERRABLE')
  return sql.join(' ')
}

function readStatements(text: string): Statement | Batch {
  const refuse = (why: string) => new Refusal(400, `could not parse the HTTP request body: ${why}`)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw refuse('not JSON')
  }
  if (isStatement(body)) return body
  if (typeof body === 'object' && body !== null && 'queries' in body) {
    const { queries } = body
    if (Array.isArray(queries) && queries.every(isStatement)) return { queries }
  }
  throw refuse('data did not match any variant of untagged enum Payload')
}

function isStatement(value: unknown): value is Statement {
  if (typeof value !== 'object' || value === null || !('query' in value) || typeof value.query !== 'string')
    return false
  return !('params' in value) || Array.isArray(value.params)
}

function describeError(error: unknown): { status: number; body: Record<string, unknown> } {
  const fields: Readonly<Record<string, unknown>> = error instanceof Error ? { ...error } : {}
  const postgres = typeof fields.severity === 'string' && typeof fields.code === 'string'
  const message = error instanceof Error ? error.message : String(error)
  const status = statusOf(error, postgres)
  const code = error instanceof Refusal || postgres ? fields.code : ''
  const rest = Object.fromEntries(errorMembers.map((name) => [name, postgres ? (fields[name] ?? null) : null]))
  return { status, body: { message, code, severity: postgres ? fields.severity : '', ...rest } }
}

function statusOf(error: unknown, postgres: boolean): number {
  if (error instanceof Refusal) return error.status
  if (error instanceof BodyTooLarge) return 413
  if (error instanceof ResponseTooLarge) return 507
  return postgres ? 400 : 500
}
