import { setImmediate } from 'node:timers/promises'
import { Client, type Pool, type PoolClient, type QueryArrayConfig } from 'pg'

export interface Statement {
  query: string
  params?: unknown[]
  arrayMode?: boolean
}

export interface Batch {
  queries: Statement[]
}

/** More than Neon's proxy would send back. */
export class ResponseTooLarge extends Error {
  override readonly name = 'ResponseTooLarge'
}

const maxResponseBytes = 10 * 1024 * 1024

interface Mode {
  /** The statement that opens a batch's transaction. */
  begin: string
  arrayMode: boolean
  /** Aborts when the caller has gone: what runs is cancelled, and a batch is rolled back. */
  signal: AbortSignal
}

/**
 * Runs one request of Neon's protocol on a connection of the pool and returns the answer's JSON. The connection goes back whatever happens.
 * @throws the Postgres error; `ResponseTooLarge`; `Error` when no connection can be had or the caller has gone
 */
export async function runRequest(pool: Pool, body: Statement | Batch, mode: Mode): Promise<string> {
  mode.signal.throwIfAborted()
  const client = await pool.connect()
  let cancelling: Promise<void> | null = null
  let broken = false
  const cancel = () => {
    cancelling = cancelStatement(pool, client)
  }
  mode.signal.addEventListener('abort', cancel, { once: true })
  try {
    // PGlite's statements block the loop: who has left meanwhile is known a turn later.
    await setImmediate()
    await setImmediate()
    mode.signal.throwIfAborted()
    if (!('queries' in body)) return encode(await runStatement(client, body, mode))
    await client.query(mode.begin)
    try {
      const results: unknown[] = []
      for (const statement of body.queries) {
        results.push(await runStatement(client, statement, mode))
        mode.signal.throwIfAborted()
      }
      const answer = encode({ results })
      await client.query('COMMIT')
      return answer
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {
        broken = true // The first error says what went wrong. A connection of unknown state is not used again.
      })
      throw error
    }
  } finally {
    mode.signal.removeEventListener('abort', cancel)
    await cancelling
    // A late cancellation could hit the connection's next user.
    client.release(broken || (cancelling !== null && backendPid(client) !== null))
  }
}

async function runStatement(client: PoolClient, { query, params = [], arrayMode }: Statement, mode: Mode) {
  const config: QueryArrayConfig & { queryMode: 'extended' } = {
    text: query,
    values: params.map(toPostgresText),
    rowMode: 'array',
    queryMode: 'extended', // One statement only, as Neon has it: `select 1; select 2` is a syntax error.
  }
  const result = await client.query<(string | null)[]>(config)
  const fields = result.fields.map((field) => ({
    name: field.name,
    dataTypeID: field.dataTypeID,
    tableID: field.tableID,
    columnID: field.columnID,
    dataTypeSize: field.dataTypeSize,
    dataTypeModifier: field.dataTypeModifier,
    format: 'text',
  }))
  const rowAsArray = arrayMode ?? mode.arrayMode
  const rows = rowAsArray
    ? result.rows
    : result.rows.map((row) => Object.fromEntries(row.map((value, index) => [fields[index]?.name ?? '', value])))
  return { fields, rows, command: result.command, rowCount: result.rowCount, rowAsArray }
}

function encode(answer: unknown): string {
  const json = JSON.stringify(answer)
  if (Buffer.byteLength(json) > maxResponseBytes) {
    throw new ResponseTooLarge(`response is too large (max is ${maxResponseBytes} bytes)`)
  }
  return json
}

/** JSON values as Postgres reads them: null, text as it is, arrays as array literals, everything else as its JSON. */
export function toPostgresText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  return Array.isArray(value) ? toArrayLiteral(value) : JSON.stringify(value)
}

function toArrayLiteral(values: readonly unknown[]): string {
  const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
  const element = (value: unknown): string => {
    if (value === null || value === undefined) return 'NULL'
    if (Array.isArray(value)) return toArrayLiteral(value)
    return typeof value === 'string'
      ? quote(value)
      : typeof value === 'object'
        ? quote(JSON.stringify(value))
        : String(value)
  }
  return `{${values.map(element).join(',')}}`
}

/** The server's process for this connection; none in PGlite, which runs one statement at a time to its end. */
function backendPid(client: PoolClient): number | null {
  return 'processID' in client && typeof client.processID === 'number' ? client.processID : null
}

/** Best effort: a statement that cannot be cancelled ends by the server's `statement_timeout`. */
async function cancelStatement(pool: Pool, client: PoolClient): Promise<void> {
  const pid = backendPid(client)
  if (pid === null) return
  const side = new Client(pool.options)
  side.on('error', () => {})
  try {
    await side.connect()
    await side.query('select pg_cancel_backend($1)', [pid])
  } catch {
    // See above.
  } finally {
    await side.end().catch(() => {})
  }
}
