import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { rowsOf } from '../../../src/adapters/neon/database.ts'
import { neonProbe } from '../../../src/adapters/neon/probe.ts'
import { Outage } from '../../../src/domain/outage.ts'
import { openDatabase } from '../../support/adapters.ts'
import { databaseUrl, quietDatabase, rowsIn } from '../../support/database.ts'
import { answering, type Disturbance, hanging, refusingConnections, watchNetwork } from '../../support/network.ts'

const database = openDatabase()
const secret = 'ada@example.com'
const ask = () => rowsOf(database, sql`select ${secret}::text as secret`)
const failing = (code: string) => answering(400, JSON.stringify({ message: `about ${secret}`, detail: secret, code }))

async function errorOf(ask: () => Promise<unknown>): Promise<Error> {
  const thrown: unknown = await ask().catch((error: unknown) => error)
  if (!(thrown instanceof Error)) throw new Error('nothing was thrown')
  // An error may end in a log with everything that hangs on it.
  expect(JSON.stringify([thrown.message, thrown.stack, thrown.cause, Object.values(thrown)])).not.toContain(secret)
  return thrown
}

describe('an error of Postgres', () => {
  it.each<[string, Disturbance]>([
    ['refuses connections', refusingConnections],
    ['hangs', hanging],
    ['answers a page', answering(502, '<html>bad gateway</html>')],
    ['ends the connection', failing('57P01')],
    ['cancels the statement', failing('57014')],
    ['has no connection left', failing('53300')],
    ['loses its connection', failing('08006')],
    ['cannot serialize', failing('40001')],
    ['refuses the password', failing('28P01')],
    ['is read-only', failing('25006')],
    ['cannot lock', failing('55P03')],
    ['loses a file', failing('58030')],
  ])('is an outage, without parameters, when it %s', async (_, disturbance) => {
    watchNetwork().disturb('postgres', disturbance)
    expect(await errorOf(ask)).toBeInstanceOf(Outage)
  })

  it.each(['23505', '42703', '22P02', 'XX000'])(
    'is a fault of ours when the statement itself is refused: %s',
    async (code) => {
      watchNetwork().disturb('postgres', failing(code))
      const error = await errorOf(ask)
      expect(error).not.toBeInstanceOf(Outage)
      expect(error.message).toBe(`Postgres refused a statement (SQLSTATE ${code})`)
    },
  )

  it('of the real server tells no parameter either', async () => {
    const error = await errorOf(() => rowsOf(database, sql`select ${secret}::uuid`))
    expect(error.message).toBe('Postgres refused a statement (SQLSTATE 22P02)')
  })
})

describe('the readiness probe', () => {
  it('sees whether every migration that this build knows is there', async () => {
    expect(await neonProbe(database)()).toMatchObject({ migrations: 'current' })
    await rowsIn(databaseUrl(quietDatabase))('delete from drizzle.__drizzle_migrations returning id')
    expect(await neonProbe(openDatabase(quietDatabase))()).toMatchObject({ migrations: 'behind' })
  })
})
