import { neon, neonConfig } from '@neondatabase/serverless'
import type { TestProject } from 'vitest/node'
import { startBackends } from '../dev/start-backends.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /**
     * The migrated database `postern` of this run. Another of the same server is had by another name in the path: `postern_test_<name>` is made on
     * demand, migrated and empty of rows, `postern_test_empty_<name>` has no tables; `<name>` is up to 30 of `a-z 0-9 _`.
     */
    databaseUrl: string
    /** SQL over HTTP in front of it, for `neonConfig.fetchEndpoint`. */
    neonUrl: string
    /** Upstash REST in front of an embedded Redis, or of the one of TEST_REDIS_URL, which others may use too: take random keys. */
    upstashUrl: string
    upstashToken: string
    /** `POST /emails`, `GET /messages?to=…` (dev/mailbox.ts). */
    mailboxUrl: string
    mailKey: string
    /** `GET /range/<5 hex>` (dev/breach.ts), without the path. */
    breachUrl: string
  }
}

/** To make one takes the embedded server longer than the Worker waits, whoever asks at the time. So those of the fast suite come first. */
async function makeDatabases({ databaseUrl, neonUrl }: { databaseUrl: string; neonUrl: string }): Promise<void> {
  neonConfig.fetchEndpoint = neonUrl
  for (const name of ['quiet', 'keys', 'outbox', 'e2e']) {
    const url = new URL(databaseUrl)
    url.pathname = `/postern_test_${name}`
    await neon(url.href)`select 1`
  }
}

/** One local stack for the whole run: embedded and in memory, or on the servers of TEST_DATABASE_URL and TEST_REDIS_URL. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const { stop, ...urls } = await startBackends({
    folder: null,
    scratch: true,
    databaseUrl: process.env.TEST_DATABASE_URL || undefined,
    redisUrl: process.env.TEST_REDIS_URL || undefined,
  })
  await makeDatabases(urls)
  project.provide('databaseUrl', urls.databaseUrl)
  project.provide('neonUrl', urls.neonUrl)
  project.provide('upstashUrl', urls.upstashUrl)
  project.provide('upstashToken', urls.upstashToken)
  project.provide('mailboxUrl', urls.mailboxUrl)
  project.provide('mailKey', urls.mailKey)
  project.provide('breachUrl', urls.breachUrl)
  return stop
}
