import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBackends } from '../dev/start-backends.ts'
import { serveBuiltWorker } from './workerd.ts'

export interface Service {
  url: URL
  mailboxUrl: string
  stop(): Promise<void>
}

/** The real servers that the run is to use, like a test run. */
const databaseUrl = process.env.TEST_DATABASE_URL || undefined
const redisUrl = process.env.TEST_REDIS_URL || undefined

/** What stands behind the Worker, in words. */
export const backEnds = `${databaseUrl === undefined ? 'embedded' : 'real'} Postgres, ${redisUrl === undefined ? 'embedded' : 'real'} Redis`

/** The Worker as it is built for production, in workerd, over back ends in memory or the servers of TEST_DATABASE_URL and TEST_REDIS_URL. */
export async function startService(): Promise<Service> {
  const backends = await startBackends({ folder: null, scratch: true, databaseUrl, redisUrl })
  try {
    const worker = await serveBuiltWorker({
      ENVIRONMENT: 'development', // Back ends on this machine are reached by http.
      ISSUER: 'http://localhost',
      AUDIENCE: 'bench',
      APP_URL: 'http://localhost',
      RATE_LIMITS: '{"*":"off"}',
      DATABASE_URL: backends.databaseUrl,
      NEON_FETCH_ENDPOINT: backends.neonUrl,
      UPSTASH_REDIS_REST_URL: backends.upstashUrl,
      UPSTASH_REDIS_REST_TOKEN: backends.upstashToken,
      MAIL_FROM: 'Postern <no-reply@localhost>',
      MAIL_ENDPOINT: `${backends.mailboxUrl}/emails`,
      MAIL_API_KEY: backends.mailKey,
      BREACH_ENDPOINT: `${backends.breachUrl}/range/`,
      KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      TOKEN_SECRET: randomBytes(32).toString('base64'),
    })
    return {
      url: worker.url,
      mailboxUrl: backends.mailboxUrl,
      async stop() {
        await worker.stop()
        await backends.stop()
      },
    }
  } catch (error) {
    await backends.stop()
    throw error
  }
}

export interface Person {
  email: string
  password: string
}

/** Registers somebody and confirms the address with the mailed code, as people do. */
export async function signUp({ url, mailboxUrl }: Service): Promise<Person> {
  const person = { email: `${randomBytes(8).toString('hex')}@example.com`, password: 'seven green lanterns at noon' }
  await post(url, '/v1/register', person)
  const { email } = person
  await post(url, '/v1/email/verify', { email, code: await readCode(mailboxUrl, email) })
  return person
}

export async function signIn(url: URL, person: Person): Promise<{ access_token: string; refresh_token: string }> {
  return JSON.parse(await post(url, '/v1/login', person))
}

async function readCode(mailboxUrl: string, email: string): Promise<string> {
  const giveUpAt = performance.now() + 10_000
  while (performance.now() < giveUpAt) {
    const response = await fetch(`${mailboxUrl}/messages?to=${email}`)
    const mails = (await response.json()) as { code: string }[]
    if (mails[0] !== undefined) return mails[0].code
    await sleep(50)
  }
  throw new Error('no mail came')
}

async function post(url: URL, path: string, body: unknown): Promise<string> {
  const response = await fetch(new URL(path, url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return text
}
