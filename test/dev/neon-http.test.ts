import { NeonDbError, neon, neonConfig } from '@neondatabase/serverless'
import { and, eq, isNull, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { bigint, boolean, customType, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startNeonHttp } from '../../dev/neon-http.ts'
import { toPostgresText } from '../../dev/neon-statements.ts'

// The real client against the front, over whatever stands behind it: the same assertions for PGlite and PostgreSQL.

const run = crypto.randomUUID().slice(0, 8)
const bytea = customType<{ data: Uint8Array; driverData: Buffer }>({ dataType: () => 'bytea' })
const people = pgTable(`front_people_${run}`, {
  id: uuid('id').primaryKey().defaultRandom(),
  email: text('email').unique(`front_people_email_${run}`).notNull(),
  visits: bigint('visits', { mode: 'bigint' }).notNull().default(0n),
  active: boolean('active').notNull().default(true),
  tags: text('tags').array().notNull().default([]),
  extra: jsonb('extra'),
  seenAt: timestamp('seen_at', { withTimezone: true, mode: 'date' }),
  blob: bytea('blob'),
})
const tokens = pgTable(`front_tokens_${run}`, { hash: text('hash').primaryKey(), usedAt: timestamp('used_at') })

const query = neon(inject('databaseUrl'))
const db = drizzle(query)

beforeAll(async () => {
  neonConfig.fetchEndpoint = inject('neonUrl')
  await query.transaction([
    query.query(`create table "front_people_${run}" (id uuid primary key default gen_random_uuid(), email text not null,
      visits bigint not null default 0, active boolean not null default true, tags text[] not null default '{}', extra jsonb,
      seen_at timestamptz, blob bytea, constraint "front_people_email_${run}" unique (email))`),
    query.query(`create table "front_tokens_${run}" (hash text primary key, used_at timestamp)`),
  ])
})
afterAll(async () => {
  await query.transaction([
    query.query(`drop table "front_people_${run}"`),
    query.query(`drop table "front_tokens_${run}"`),
  ])
})

/** The Postgres error behind a rejection, wherever drizzle put it. */
async function failure(promise: Promise<unknown>): Promise<NeonDbError> {
  const error: unknown = await promise.then(
    () => expect.fail('it should have been refused'),
    (reason: unknown) => reason,
  )
  const inner = error instanceof NeonDbError ? error : error instanceof Error ? error.cause : null
  if (!(inner instanceof NeonDbError)) throw error
  return inner
}

describe('drizzle over the front', () => {
  it('gives back every value as it was put in', async () => {
    const row = {
      email: `ünï"code\\${run}@example.test`,
      visits: 9_007_199_254_740_993n,
      active: false,
      tags: ['a', 'b,c', 'd"e', '{f}', 'g\\h', 'NULL', ''],
      extra: { nested: [1, null, 'x', { y: true }], text: "it's" },
      seenAt: new Date('2026-02-03T04:05:06.789Z'),
      blob: Buffer.from([0, 1, 254, 255]),
    }
    const [inserted] = await db.insert(people).values(row).returning()
    expect(inserted).toMatchObject({ ...row, blob: expect.anything() })
    expect(Buffer.from(inserted?.blob ?? [])).toEqual(row.blob)
    const [found] = await db.select().from(people).where(eq(people.email, row.email))
    expect(found).toEqual(inserted)
  })

  it('reads the types that the driver parses', async () => {
    const [row] =
      await query`select 1::int4 as i, 9007199254740993::int8 as big, 1.50::numeric as n, 0.1::float8 as f, true as b,
      null::text as nothing, '192.168.0.1/24'::inet as ip, date '2026-01-02' as d, '{1,2}'::int[] as ints, ${'x'}::text as t`
    const { d, ...rest } = row ?? {}
    expect(rest).toEqual({
      i: 1,
      big: '9007199254740993',
      n: '1.50',
      f: 0.1,
      b: true,
      nothing: null,
      ip: '192.168.0.1/24',
      ints: [1, 2],
      t: 'x',
    })
    // The driver's own parser is replaced by drizzle's for dates: text either way, never a shifted day.
    expect(String(d)).toContain('2026')
  })

  it('names the constraint that refused a row', async () => {
    const email = `twice-${run}@example.test`
    await db.insert(people).values({ email })
    const error = await failure(db.insert(people).values({ email }))
    expect(error).toMatchObject({
      code: '23505',
      constraint: `front_people_email_${run}`,
      table: `front_people_${run}`,
      schema: 'public',
      severity: 'ERROR',
    })
    expect(error.detail).toContain('already exists')
    const quiet = await query.query(
      `insert into "front_people_${run}" (email) values ($1) on conflict do nothing`,
      [email],
      {
        fullResults: true,
      },
    )
    expect(quiet).toMatchObject({ rowCount: 0, command: 'INSERT', rows: [] })
  })

  it('keeps nothing of a batch in which one statement fails', async () => {
    const email = `batch-${run}@example.test`
    const error = await failure(db.batch([db.insert(people).values({ email }), db.insert(people).values({ email })]))
    expect(error.code).toBe('23505')
    expect(await db.select().from(people).where(eq(people.email, email))).toEqual([])
  })

  it('answers a batch with each statement’s rows', async () => {
    const email = `order-${run}@example.test`
    const [inserted, updated, selected] = await db.batch([
      db.insert(people).values({ email }).returning({ email: people.email }),
      db.update(people).set({ visits: 7n }).where(eq(people.email, email)),
      db.select({ visits: people.visits }).from(people).where(eq(people.email, email)),
    ])
    expect(inserted).toEqual([{ email }])
    expect(updated.rowCount).toBe(1)
    expect(selected).toEqual([{ visits: 7n }])
  })

  it('lets one of many parallel rotations win', async () => {
    const old = `old-${run}`
    await db.insert(tokens).values({ hash: old })
    const rotate = async (next: string) => {
      const used = db.$with('used').as(
        db
          .update(tokens)
          .set({ usedAt: sql`now()` })
          .where(and(eq(tokens.hash, old), isNull(tokens.usedAt)))
          .returning({ hash: tokens.hash }),
      )
      return db
        .with(used)
        .insert(tokens)
        .select(db.select({ hash: sql`${next}`.as('hash'), usedAt: sql`null::timestamp`.as('used_at') }).from(used))
        .returning()
    }
    const results = await Promise.all(Array.from({ length: 30 }, (_, index) => rotate(`next-${run}-${index}`)))
    expect(results.filter((rows) => rows.length === 1)).toHaveLength(1)
    expect(results.filter((rows) => rows.length === 0)).toHaveLength(29)
  })

  it('loses no update of parallel transactions that wait for each other', async () => {
    const email = `counter-${run}@example.test`
    await db.insert(people).values({ email })
    const add = () =>
      db
        .update(people)
        .set({ visits: sql`${people.visits} + 1` })
        .where(eq(people.email, email))
    await Promise.all(
      Array.from({ length: 25 }, () => db.batch([db.execute(sql`select pg_advisory_xact_lock(815)`), add()])),
    )
    expect(await db.select({ visits: people.visits }).from(people).where(eq(people.email, email))).toEqual([
      { visits: 25n },
    ])
  })
})

describe('the driver’s transactions', () => {
  it.each([
    ['ReadUncommitted', 'read uncommitted'],
    ['ReadCommitted', 'read committed'],
    ['RepeatableRead', 'repeatable read'],
    ['Serializable', 'serializable'],
  ] as const)('run at %s', async (isolationLevel, name) => {
    const [rows] = await query.transaction([query`show transaction_isolation`], { isolationLevel })
    expect(rows).toEqual([{ transaction_isolation: name }])
  })

  it('refuse to write when they are read only', async () => {
    const write = query.query(`insert into "front_tokens_${run}" (hash) values ('never')`)
    const error = await failure(query.transaction([write], { readOnly: true }))
    expect(error.code).toBe('25006')
  })

  it('may be deferrable', async () => {
    const [rows] = await query.transaction([query`show transaction_deferrable`], {
      isolationLevel: 'Serializable',
      readOnly: true,
      deferrable: true,
    })
    expect(rows).toEqual([{ transaction_deferrable: 'on' }])
  })
})

describe('one request', () => {
  it('is one statement', async () => {
    const error = await failure(query.query('select 1; select 2'))
    expect(error.code).toBe('42601')
  })

  it('tells where the syntax is wrong', async () => {
    const error = await failure(query.query('select from where'))
    expect(error).toMatchObject({ code: '42601', position: '13', severity: 'ERROR' })
  })

  it('reaches only databases that exist', async () => {
    const other = new URL(inject('databaseUrl'))
    other.pathname = '/nobodys'
    const error = await failure(neon(other.href)`select 1`)
    expect(error).toMatchObject({ code: '3D000', message: expect.stringContaining('"nobodys" does not exist') })
  })

  it('needs the password, and never repeats it', async () => {
    const other = new URL(inject('databaseUrl'))
    other.password = 'wrong-password-of-mine'
    const error = await failure(neon(other.href)`select 1`)
    expect(error.code).toBe('28P01')
    expect(JSON.stringify(error)).not.toContain('wrong-password-of-mine')
  })

  it('that its caller gives up leaves its connection to others', async () => {
    const given = AbortSignal.timeout(100)
    const started = Array.from({ length: 30 }, () =>
      query.query('select pg_sleep(0.8)', [], { fetchOptions: { signal: given } }),
    )
    const outcomes = await Promise.allSettled(started)
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => query`select ${index}::int as n`))
    expect(answers.map(([row]) => row?.n)).toEqual(Array.from({ length: 30 }, (_, index) => index))
    const [row] =
      await query`select count(*)::int as n from pg_stat_activity where state = 'active' and query like 'select pg_sleep(0.8)%'`
    expect(row).toEqual({ n: 0 })
  })
})

describe('a raw request', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(inject('neonUrl'), {
      method: 'POST',
      body,
      headers: { 'neon-connection-string': inject('databaseUrl'), 'neon-array-mode': 'true', ...headers },
    })
  const statement = JSON.stringify({ query: 'select 1', params: [] })

  it.each([
    ['is not JSON', '{', {}, 400, /could not parse the HTTP request body/],
    ['is no statement', '{"sql":"select 1"}', {}, 400, /could not parse the HTTP request body/],
    ['is null', 'null', {}, 400, /could not parse the HTTP request body/],
    ['has parameters that are no list', '{"query":"select 1","params":{}}', {}, 400, /could not parse/],
    [
      'names no database',
      statement,
      { 'neon-connection-string': 'postgres://me:pw@localhost/' },
      400,
      /missing database name/,
    ],
    ['names no user', statement, { 'neon-connection-string': 'postgres://localhost/x' }, 400, /missing username/],
    [
      'names another kind of server',
      statement,
      { 'neon-connection-string': 'mysql://me:pw@h/x' },
      400,
      /incorrect scheme/,
    ],
    [
      'has no URL for a connection string',
      statement,
      { 'neon-connection-string': 'nonsense' },
      400,
      /invalid connection string/,
    ],
    ['has no password', statement, { 'neon-connection-string': 'postgres://me@localhost/x' }, 400, /required password/],
    [
      'asks for an unknown isolation level',
      statement,
      { 'neon-batch-isolation-level': 'toString' },
      400,
      /invalid isolation level/,
    ],
    [
      'is too large',
      JSON.stringify({ query: 'x'.repeat(10 * 1024 * 1024) }),
      {},
      413,
      /request is too large \(max is 10485760 bytes\)/,
    ],
    [
      'asks for too much',
      '{"query":"select repeat(\'x\', 11000000)"}',
      {},
      507,
      /response is too large \(max is 10485760 bytes\)/,
    ],
  ])('that %s is refused as Neon does', async (_, body, headers, status, message) => {
    const response = await post(body, headers)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({
      message: expect.stringMatching(message),
      detail: null,
      constraint: null,
    })
  })

  it('without a connection string is refused', async () => {
    const response = await fetch(inject('neonUrl'), { method: 'POST', body: statement })
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { message: 'invalid header: neon-connection-string', code: '' },
    ])
  })

  it('to another path or method is refused', async () => {
    expect((await fetch(inject('neonUrl'))).status).toBe(400)
    expect((await fetch(new URL('/other', inject('neonUrl')), { method: 'POST' })).status).toBe(400)
  })

  it('may ask for rows by column name, and send JSON values', async () => {
    const body = {
      query: 'select $1::jsonb as j, $2::int[] as a, $3::bool as b',
      params: [{ a: 1 }, [1, null, 2], true],
      arrayMode: false,
    }
    const answer = await (await post(JSON.stringify(body))).json()
    expect(answer).toMatchObject({
      rows: [{ j: '{"a": 1}', a: '{1,NULL,2}', b: 't' }],
      rowAsArray: false,
      rowCount: 1,
      command: 'SELECT',
    })
  })

  it('under a foreign host name is refused: a web page could have that name point here', async () => {
    const { request } = await import('node:http')
    const status = await new Promise((resolve, reject) => {
      const outgoing = request(inject('neonUrl'), { method: 'POST', headers: { host: 'evil.example' } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      outgoing.once('error', reject)
      outgoing.end(statement)
    })
    expect(status).toBe(403)
  })
})

it('answers 500 without an SQLSTATE when no connection can be had', async () => {
  const front = await startNeonHttp({
    poolFor: () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })),
  })
  const response = await fetch(front.url, {
    method: 'POST',
    body: '{"query":"select 1"}',
    headers: { 'neon-connection-string': 'postgres://me:pw@localhost/x' },
  })
  expect([response.status, await response.json()]).toMatchObject([
    500,
    { message: 'connect ECONNREFUSED', code: '', severity: '' },
  ])
  await front.close()
})

it.each([
  [null, null],
  ['text', 'text'],
  [true, 'true'],
  [12.5, '12.5'],
  [{ a: [1] }, '{"a":[1]}'],
  [['a', 'b"c', 'd\\e', null, 1, true, { f: '"' }], '{"a","b\\"c","d\\\\e",NULL,1,true,"{\\"f\\":\\"\\\\\\"\\"}"}'],
  [[[1, 2], [3]], '{{1,2},{3}}'],
  [[], '{}'],
])('%j is sent to Postgres as %j', (value, expected) => {
  expect(toPostgresText(value)).toBe(expected)
})
