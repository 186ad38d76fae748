import { beforeAll, describe, expect, inject, it } from 'vitest'
import { type BuiltWorker, openDatabase, startBuiltWorker } from '../support/built-worker.ts'
import { mailsTo } from '../support/mailbox.ts'
import { openTcpGate, type TcpGate } from '../support/tcp-gate.ts'

// The built Worker with a gate before Redis and one before the mail provider, which the tests shut.

const database = 'postern_test_outages'
const password = 'seven green lanterns at noon'
let redis: TcpGate
let mail: TcpGate
let worker: BuiltWorker

beforeAll(async () => {
  redis = await openTcpGate(new URL(inject('upstashUrl')))
  mail = await openTcpGate(new URL(inject('mailboxUrl')))
  worker = await startBuiltWorker({
    database,
    settings: {
      ISSUER: 'https://outages.e2e.test',
      REVOCATION_LEASE_SECONDS: '1', // A logout that cannot tell Redis waits this and a second: DESIGN part 7.
      UPSTASH_REDIS_REST_URL: `http://127.0.0.1:${redis.port}`,
      MAIL_ENDPOINT: `http://127.0.0.1:${mail.port}/emails`,
    },
  })
  return async () => {
    await worker.close()
    await redis.close()
    await mail.close()
  }
})

async function newAccount(): Promise<string> {
  const email = `grace-${crypto.randomUUID()}@example.test`
  expect((await worker.ask('/v1/register', { body: { email, password } })).status).toBe(202)
  const [received] = await mailsTo(email)
  expect((await worker.ask('/v1/email/verify', { body: { email, code: received?.code } })).status).toBe(200)
  return email
}

async function signIn(email: string): Promise<{ access: string; refresh: string }> {
  const { status, body } = await worker.ask('/v1/login', { body: { email, password } })
  expect(status).toBe(200)
  return { access: String(body.access_token), refresh: String(body.refresh_token) }
}

const check = async (access: string) => (await worker.ask('/v1/verify', { bearer: access })).status
const refresh = (token: string) => worker.ask('/v1/refresh', { body: { refresh_token: token } })

describe('with Redis stopped', () => {
  it('everything goes on, and a logged-out token is refused on the very next request', async () => {
    const email = await newAccount()
    const before = await signIn(email)
    expect(await check(before.access)).toBe(200)

    await redis.close()
    expect(await check(before.access)).toBe(200)
    expect((await worker.ask('/readyz')).status).toBe(503)
    const during = await signIn(email)
    const renewed = await refresh(during.refresh)
    expect(renewed.status).toBe(200)
    expect(await check(String(renewed.body.access_token))).toBe(200)

    // A session from before the outage and one from within it.
    const ending = [before, during].map(async ({ access, refresh: token }) => {
      expect((await worker.ask('/v1/logout', { method: 'POST', bearer: access })).status).toBe(204)
      expect(await check(access)).toBe(401)
      expect((await refresh(token)).status).toBe(401)
    })
    await Promise.all(ending)
    expect(await check(String(renewed.body.access_token))).toBe(401)
  })

  it('and back again, without the revocations that it missed, they still hold', async () => {
    const email = await newAccount()
    await redis.open()
    const [ended, kept] = [await signIn(email), await signIn(email)]
    expect(await check(ended.access)).toBe(200)
    await redis.close()
    expect((await worker.ask('/v1/logout', { method: 'POST', bearer: ended.access })).status).toBe(204)
    await redis.open()
    for (let tries = 0; tries < 20; tries++) {
      expect(await check(ended.access)).toBe(401)
      expect(await check(kept.access)).toBe(200)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect((await worker.ask('/readyz')).status).toBe(200)
  })
})

describe('the cron trigger', () => {
  it('sends the mail that could not be sent', async () => {
    const email = `hedy-${crypto.randomUUID()}@example.test`
    await mail.close()
    expect((await worker.ask('/v1/register', { body: { email, password } })).status).toBe(202)
    const sql = openDatabase(database)
    // The first try has been made, and failed, once its successor is planned. Let a minute pass.
    await expect
      .poll(() => sql`select id from outbox where sent_at is null and attempts = 1`, { timeout: 10_000 })
      .toHaveLength(1)
    expect(await worker.runCron()).toBe('ok')
    await mail.open()
    await sql`update outbox set next_attempt_at = now() where sent_at is null`

    expect(await worker.runCron()).toBe('ok')
    const [received] = await mailsTo(email)
    expect((await worker.ask('/v1/email/verify', { body: { email, code: received?.code } })).status).toBe(200)
    expect(await sql`select id from outbox where sent_at is null or sealed <> ''`).toEqual([])

    await worker.runCron()
    expect(await mailsTo(email)).toHaveLength(1)
  })
})
