import { beforeEach, describe, expect, it, vi } from 'vitest'
import { databaseUrl, rowsIn } from '../support/database.ts'
import { answering, losingAnswers, type Network, refusingConnections, watchNetwork } from '../support/network.ts'
import { newAddress, passphrase } from '../support/people.ts'
import { codeOf, linkTokenOf, mailsTo, newestMailTo } from '../support/received-mail.ts'
import { startWorker, type TestWorker } from '../support/worker.ts'

// A database of its own: the cron takes whatever is due, whoever put it there.
const url = databaseUrl('postern_test_outbox')
const rows = rowsIn(url)

interface Row {
  id: string
  kind: string
  sealed: string
  attempts: number
  waits: number
  sent: boolean
}

let worker: TestWorker
let network: Network
let log: ReturnType<typeof vi.spyOn>
beforeEach(async () => {
  log = vi.spyOn(console, 'error').mockImplementation(() => {})
  network = watchNetwork()
  await rows('delete from outbox returning id')
  worker = await startWorker({ DATABASE_URL: url, ISSUER: `https://${crypto.randomUUID()}.test` })
  return () => log.mockRestore()
})

const outbox = () =>
  rows<Row>(
    `select id, kind, sealed, attempts, sent_at is not null as sent,
       round(extract(epoch from next_attempt_at - now()))::int as waits from outbox order by created_at, id`,
  )
const makeDue = () => rows(`update outbox set next_attempt_at = now() where sent_at is null returning id`)

async function register(): Promise<string> {
  const email = newAddress()
  expect((await worker.post('/v1/register', { email, password: passphrase })).status).toBe(202)
  return email
}

describe('a mail', () => {
  it('goes out right after the answer, once, and its content is forgotten', async () => {
    const email = await register()
    expect(await mailsTo(email)).toHaveLength(1)
    expect(await outbox()).toMatchObject([{ kind: 'verify_email', attempts: 1, sent: true, sealed: '' }])
    await worker.runCron()
    expect(await mailsTo(email)).toHaveLength(1)
  })

  it('stands sealed in the outbox: no address, code or link in clear', async () => {
    const { restore } = network.disturb('mail', refusingConnections)
    const email = await register()
    const [row] = await rows<Row>('select * from outbox')
    restore()
    await makeDue()
    await worker.runCron()
    const mail = await newestMailTo(email)
    const bytes = Buffer.from(row?.sealed ?? '', 'base64url')
    expect(bytes.length).toBeGreaterThan(100)
    for (const secret of [email, codeOf(mail), linkTokenOf(mail), worker.ip]) {
      expect(JSON.stringify(row)).not.toContain(secret)
      expect(bytes.includes(Buffer.from(secret))).toBe(false)
    }
  })

  it('is tried again by the cron when the provider is back, later each time', async () => {
    const { restore } = network.disturb('mail', answering(500, '{}'))
    const email = await register()
    expect(await outbox()).toMatchObject([{ attempts: 1, sent: false }])
    for (const [attempts, minutes] of [
      [1, 1],
      [2, 2],
      [3, 4],
    ] as const) {
      const [row] = await outbox()
      expect(row?.attempts).toBe(attempts)
      expect(row?.waits).toBeGreaterThan(minutes * 60 - 20)
      expect(row?.waits).toBeLessThanOrEqual(minutes * 60)
      await worker.runCron() // not due yet
      expect((await outbox())[0]?.attempts).toBe(attempts)
      await makeDue()
      await worker.runCron()
    }
    restore()
    expect(await mailsTo(email)).toEqual([])
    await makeDue()
    await worker.runCron()
    expect(await mailsTo(email)).toHaveLength(1)
    expect(await outbox()).toMatchObject([{ attempts: 5, sent: true, sealed: '' }])
  })

  it('whose provider’s answer was lost goes out under the same id, so there is no second copy', async () => {
    const { restore } = network.disturb('mail', losingAnswers)
    const email = await register()
    expect(await outbox()).toMatchObject([{ sent: false }])
    restore()
    await makeDue()
    await worker.runCron()
    expect(network.sent('mail')).toHaveLength(2)
    expect(await mailsTo(email)).toHaveLength(1)
    expect(await outbox()).toMatchObject([{ sent: true }])
  })

  it('is taken by one of several crons', async () => {
    const { restore } = network.disturb('mail', refusingConnections)
    const emails = [await register(), await register(), await register()]
    restore()
    await makeDue()
    const before = network.sent('mail').length
    await Promise.all([worker.runCron(), worker.runCron(), worker.runCron()])
    expect(network.sent('mail').length - before).toBe(3)
    for (const email of emails) expect(await mailsTo(email)).toHaveLength(1)
  })

  it('that fails does not hold up the others, and is told to the log without address or content', async () => {
    const { restore } = network.disturb('mail', refusingConnections)
    const [first, second] = [await register(), await register()]
    restore()
    await rows(
      `update outbox set sealed = 'broken' where id = (select id from outbox order by created_at limit 1) returning id`,
    )
    await makeDue()
    log.mockClear()
    await worker.runCron()
    expect(await mailsTo(first)).toEqual([])
    expect(await mailsTo(second)).toHaveLength(1)
    const lines = log.mock.calls.flat().join('\n')
    expect(lines).toContain('a sealed value does not open')
    expect(lines).not.toContain(first)
  })

  it('sealed under the previous secret still goes out, and under a forgotten one does not', async () => {
    const { restore } = network.disturb('mail', refusingConnections)
    const email = await register()
    restore()
    await makeDue()
    const TOKEN_SECRET = 'another token secret of 32 bytes or more'
    await (await startWorker({ DATABASE_URL: url, TOKEN_SECRET })).runCron()
    expect(await mailsTo(email)).toEqual([])
    await makeDue()
    const TOKEN_SECRET_PREVIOUS = 'test-token-secret-of-more-than-32-bytes'
    await (await startWorker({ DATABASE_URL: url, TOKEN_SECRET, TOKEN_SECRET_PREVIOUS })).runCron()
    expect(await mailsTo(email)).toHaveLength(1)
  })

  it('is given up after a day', async () => {
    const { restore } = network.disturb('mail', refusingConnections)
    const email = await register()
    restore()
    await rows(`update outbox set created_at = now() - interval '25 hours', next_attempt_at = now() returning id`)
    await worker.runCron()
    expect(await mailsTo(email)).toEqual([])
  })
})

describe('the cron', () => {
  it('forgets what has expired, and leaves what lives', async () => {
    const [old, young] = [await register(), await register()]
    await rows(
      `update registrations set expires_at = now() - interval '1 second' where email_canonical = $1 returning id`,
      old,
    )
    await rows(
      `update outbox set created_at = now() - interval '31 days' where id = (select id from outbox order by created_at limit 1) returning id`,
    )
    await rows(
      `insert into revocations (member, expires_at) values ('jti:dead', now() - interval '2 minutes'), ('jti:live', now() + interval '1 minute') on conflict do nothing returning member`,
    )
    await worker.runCron()
    const left = await rows<{ email_canonical: string }>('select email_canonical from registrations')
    expect(left.map(({ email_canonical }) => email_canonical)).toContain(young)
    expect(left.map(({ email_canonical }) => email_canonical)).not.toContain(old)
    expect(await outbox()).toHaveLength(1)
    expect(await rows('select member from revocations')).toEqual([{ member: 'jti:live' }])
  })

  it('keeps the revocation lease warm: the next check asks Redis alone', async () => {
    await worker.runCron()
    const commands = network.sent('redis').join()
    expect(commands).toContain('sync:')
    expect(commands).toContain('jti:live')
  })

  it('does each part for itself: without Redis the mail still goes out, and the failure is logged', async () => {
    const { restore } = network.disturb('mail', refusingConnections)
    const email = await register()
    restore()
    await makeDue()
    network.disturb('redis', refusingConnections)
    log.mockClear()
    await worker.runCron()
    expect(await mailsTo(email)).toHaveLength(1)
    expect(JSON.parse(String(log.mock.calls[0]?.[0]))).toMatchObject({
      level: 'error',
      event: 'housekeeping',
      request_id: 'cron',
    })
  })

  it('survives Postgres being away', async () => {
    network.disturb('postgres', refusingConnections)
    await worker.runCron()
    expect(log.mock.calls.length).toBeGreaterThan(2)
  })
})
