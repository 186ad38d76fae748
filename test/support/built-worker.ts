import { join } from 'node:path'
import { neon, neonConfig } from '@neondatabase/serverless'
import { inject } from 'vitest'
import { createTestHarness } from 'wrangler'
import { settingNames } from '../../dev/setting-names.ts'

/** An answer whose body is JSON, or nothing. */
export interface Answer {
  status: number
  headers: Headers
  body: Readonly<Record<string, unknown>>
}

export interface BuiltWorker {
  /** Where it listens, without a final slash. */
  readonly url: string
  /** Asks for a path: `body` goes as JSON and makes it a POST, `bearer` is the access token. */
  ask(
    path: string,
    request?: { method?: string; body?: unknown; bearer?: string; headers?: Record<string, string> },
  ): Promise<Answer>
  /** Fires the cron trigger and tells its outcome. */
  runCron(): Promise<string>
  /** What the Worker has logged so far. */
  logs(): string[]
  close(): Promise<void>
}

/** SQL on a database of the run's server: `postern_test_…` is one of its own (test/global-setup.ts). */
export function openDatabase(name: string) {
  neonConfig.fetchEndpoint = inject('neonUrl')
  return neon(databaseUrlOf(name))
}

export const issuer = 'https://auth.e2e.test'
export const audience = 'postern-e2e'

/** The Worker as it is deployed: bundled by wrangler from wrangler.toml and served by workerd over HTTP. */
export async function startBuiltWorker({
  database,
  settings = {},
}: {
  database: string
  settings?: Record<string, string>
}): Promise<BuiltWorker> {
  // The database is made when it is first asked for, which takes longer than the Worker waits.
  await openDatabase(database)`select 1`
  const harness = createTestHarness({
    root: join(import.meta.dirname, '..', '..'),
    workers: [
      {
        configPath: 'wrangler.toml',
        // All of them as secrets, which win over the variables of wrangler.toml and over a developer's .dev.vars.
        secrets: {
          ...Object.fromEntries(settingNames.map((name) => [name, ''])),
          ENVIRONMENT: 'development',
          ISSUER: issuer,
          AUDIENCE: audience,
          APP_URL: 'https://app.e2e.test',
          DATABASE_URL: databaseUrlOf(database),
          NEON_FETCH_ENDPOINT: inject('neonUrl'),
          UPSTASH_REDIS_REST_URL: inject('upstashUrl'),
          UPSTASH_REDIS_REST_TOKEN: inject('upstashToken'),
          KEY_ENCRYPTION_KEY: 'ZTJlLWtlay1vZi0zMi1ieXRlcy1mb3ItcG9zdGVybi4=',
          TOKEN_SECRET: 'e2e-token-secret-of-more-than-32-bytes',
          MAIL_DRIVER: 'resend',
          MAIL_FROM: 'Postern <no-reply@auth.e2e.test>',
          MAIL_ENDPOINT: `${inject('mailboxUrl')}/emails`,
          MAIL_API_KEY: inject('mailKey'),
          BREACH_ENDPOINT: `${inject('breachUrl')}/range/`,
          RATE_LIMITS: '{"*":"off"}',
          ...settings,
        },
      },
    ],
  })
  const { url } = await harness.listen()
  const base = url.href.replace(/\/$/, '')
  return {
    url: base,
    async ask(path, { method, body, bearer, headers = {} } = {}) {
      const response = await fetch(`${base}${path}`, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          ...headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      })
      const text = await response.text()
      const { status, headers: answered } = response
      if (text === '') return { status, headers: answered, body: {} }
      if (!answered.get('content-type')?.includes('json')) throw new Error(`${path} answered ${status} without JSON`)
      return { status, headers: answered, body: JSON.parse(text) }
    },
    runCron: async () => (await harness.getWorker().scheduled({ cron: '* * * * *' })).outcome,
    logs: () => harness.getLogs().map(({ message }) => message),
    close: () => harness.close(),
  }
}

function databaseUrlOf(name: string): string {
  const url = new URL(inject('databaseUrl'))
  url.pathname = `/${name}`
  return url.href
}
