import { inject } from 'vitest'

/** Taken before any test puts something between the Worker and the network. */
const outside = globalThis.fetch.bind(globalThis)

/** Runs a statement with `returning`, or a query, beside the Worker, past every disturbance; rows come as JSON. */
export type Rows = <Row = Record<string, unknown>>(
  statement: string,
  ...parameters: readonly (string | number | null)[]
) => Promise<Row[]>

/** The run's own database, or another of the same server (see test/global-setup.ts). */
export function databaseUrl(name?: string): string {
  const url = new URL(inject('databaseUrl'))
  if (name !== undefined) url.pathname = `/${name}`
  return url.href
}

export function rowsIn(url: string): Rows {
  return async <Row>(statement: string, ...parameters: readonly (string | number | null)[]) => {
    const response = await outside(inject('neonUrl'), {
      method: 'POST',
      headers: { 'Neon-Connection-String': url },
      body: JSON.stringify({
        query: `with t as (${statement}) select coalesce(json_agg(t), '[]')::text as rows from t`,
        params: parameters.map((value) => (value === null ? null : String(value))),
      }),
    })
    const answer = (await response.json()) as { message?: string; rows: { rows: string }[] }
    if (!response.ok) throw new Error(`the test's own SQL failed: ${answer.message}`)
    return JSON.parse(answer.rows[0]?.rows ?? '[]') as Row[]
  }
}

/** A database of the run in which no other test revokes, adds keys or sends mail. */
export const quietDatabase = 'postern_test_quiet'

export const rows: Rows = (statement, ...parameters) => rowsIn(databaseUrl())(statement, ...parameters)
