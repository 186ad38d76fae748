import { neon, neonConfig } from '@neondatabase/serverless'
import { Redis } from '@upstash/redis'
import { afterEach, inject } from 'vitest'
import { argon2Engine } from '../../src/adapters/argon2/engine.ts'
import { loadArgon2Module } from '../../src/adapters/argon2/load-module.ts'
import { passwordHasher } from '../../src/adapters/argon2/password-hasher.ts'
import { hibpBreachedPasswords } from '../../src/adapters/breach/hibp.ts'
import { joseTokenCodec } from '../../src/adapters/jose/token-codec.ts'
import { resendMailer } from '../../src/adapters/mail/resend.ts'
import { neonAuditTrail } from '../../src/adapters/neon/audit-trail.ts'
import { connectDatabase } from '../../src/adapters/neon/database.ts'
import { neonOutbox } from '../../src/adapters/neon/outbox.ts'
import { neonProbe } from '../../src/adapters/neon/probe.ts'
import { neonRegistrations } from '../../src/adapters/neon/registrations.ts'
import { neonRevocationRecord } from '../../src/adapters/neon/revocation-record.ts'
import { neonSessions } from '../../src/adapters/neon/sessions.ts'
import { neonSigningKeys } from '../../src/adapters/neon/signing-keys.ts'
import { neonUsers } from '../../src/adapters/neon/users.ts'
import { nobleDeriveTag } from '../../src/adapters/noble/derive-tag.ts'
import { upstashProbe } from '../../src/adapters/upstash/probe.ts'
import { upstashRateLimiter } from '../../src/adapters/upstash/rate-limiter.ts'
import { upstashRevocationSet } from '../../src/adapters/upstash/revocation-set.ts'
import { formatPhc } from '../../src/domain/phc.ts'
import type { Mailer, PasswordHasher, Ports } from '../../src/ports.ts'
import type { Postern, RequestContext, Settings } from '../../src/services/postern.ts'
import { RevocationGuard } from '../../src/services/tokens/revocation-guard.ts'
import { SigningKeyring } from '../../src/services/tokens/signing-keyring.ts'
import { deriveTokenKeys } from '../../src/services/tokens/token-keys.ts'

// The service's parts wired for races, in Node: real adapters and real servers, and as many isolates in one process as a race needs.

/** Longer than any queue that a race builds up: how long a caller may wait is not what races are about. */
const patienceMs = 120_000
const secret = 'races-token-secret-of-more-than-32-bytes'
const keyEncryptionKey = Uint8Array.from(Buffer.from('races-kek-of-exactly-32-bytes-ok'))
const wasm = await loadArgon2Module()

/** How often each outcome of a rotation came up in this test file. */
export const rotations: Record<string, number> = {}

/** How many queries this test file has sent to Postgres. */
export const queries = { count: 0 }

export interface IsolateOptions {
  /** `postern_test_…` (test/global-setup.ts); without it one that all races share and nobody else uses. */
  database?: string
  /** Isolates with the same name share their Redis keys. */
  deployment: string
  settings?: Partial<Settings>
  mailer?: Mailer
}

const sharedDatabase = 'postern_test_races'

/** The isolate's database, for what a test prepares or looks up by SQL. */
export function openSql(database = sharedDatabase) {
  neonConfig.fetchEndpoint = inject('neonUrl')
  return neon(databaseUrlOf(database))
}

/** One isolate: nothing in its memory is shared with another one's. */
export function startIsolate({ database = sharedDatabase, deployment, settings, mailer }: IsolateOptions): Postern {
  const neonDatabase = connectDatabase(databaseUrlOf(database), inject('neonUrl'))
  neonConfig.fetchFunction = (input: RequestInfo, init: RequestInit) => {
    queries.count += 1
    return fetch(input, { ...init, signal: AbortSignal.timeout(patienceMs) })
  }
  const redis = new Redis({
    url: inject('upstashUrl'),
    token: inject('upstashToken'),
    retry: false,
    signal: () => AbortSignal.timeout(patienceMs),
    enableTelemetry: false,
    latencyLogging: false,
  })
  const decided: Settings = {
    issuer: 'https://auth.test',
    audience: 'postern-test',
    appUrl: 'https://app.test',
    accessTokenTtl: 900,
    refreshTokenTtl: 604_800,
    refreshRetryWindow: 60,
    sessionTtl: 2_592_000,
    sessionsPerUser: 1_000,
    passwordMinLength: 15,
    ...settings,
  }
  const clock: Ports['clock'] = {
    now: () => Date.now(),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  }
  const ports: Ports = {
    users: neonUsers(neonDatabase),
    registrations: neonRegistrations(neonDatabase),
    sessions: withoutDeadline(neonSessions(neonDatabase)),
    revocationRecord: neonRevocationRecord(neonDatabase),
    revocationSet: upstashRevocationSet(redis, deployment),
    signingKeys: neonSigningKeys(neonDatabase),
    audit: neonAuditTrail(neonDatabase),
    outbox: neonOutbox(neonDatabase),
    mailer:
      mailer ??
      resendMailer({
        endpoint: `${inject('mailboxUrl')}/emails`,
        apiKey: inject('mailKey'),
        from: 'no-reply@auth.test',
      }),
    rateLimiter: upstashRateLimiter(redis, deployment, {}, clock.now, (error) => {
      throw error
    }),
    passwords: quickHasher(),
    breaches: hibpBreachedPasswords({ endpoint: `${inject('breachUrl')}/range/` }),
    tokenCodec: joseTokenCodec(decided),
    probes: { postgres: neonProbe(neonDatabase), redis: upstashProbe(redis) },
    clock,
  }
  return {
    ...ports,
    signing: new SigningKeyring(ports, keyEncryptionKey),
    revocations: new RevocationGuard(ports, {
      leaseMs: 3_000,
      postgresDown: 'refuse',
      accessTokenTtl: decided.accessTokenTtl,
    }),
    tokenKeys: { current: deriveTokenKeys(secret), previous: null },
    settings: decided,
  }
}

/** The deadline stands in the statement, where a queue of hundreds on a slow machine would meet it. */
function withoutDeadline(sessions: Ports['sessions']): Ports['sessions'] {
  return {
    ...sessions,
    async rotate(use, mail, audit) {
      const rotation = await sessions.rotate({ ...use, deadline: new Date(Date.now() + patienceMs) }, mail, audit)
      rotations[rotation.outcome] = (rotations[rotation.outcome] ?? 0) + 1
      return rotation
    },
  }
}

/** Argon2id at the least cost there is: where a race is about rows, a hash only has to tell passwords apart. */
function quickHasher(): PasswordHasher {
  const real = passwordHasher({ wasm, reference: nobleDeriveTag, log: console.error })
  const derive = argon2Engine(wasm)
  const recipe = { algorithm: 'argon2id', m: 8, t: 1, p: 1 } as const
  return {
    decoy: real.decoy,
    async hash(password) {
      const salt = crypto.getRandomValues(new Uint8Array(16))
      return formatPhc({ recipe, salt, tag: await derive(new TextEncoder().encode(password), recipe, salt, 32) })
    },
    verify: async (password, hash) => ({ ...(await real.verify(password, hash)), outdated: false }),
  }
}

const deferred: Promise<unknown>[] = []

/** A request of its own. What it defers has to succeed, and is awaited at the end of the test. */
export function request(ip = '192.0.2.1'): RequestContext {
  return {
    audit: { requestId: crypto.randomUUID(), ip, userAgent: null, country: null, city: null },
    defer(task) {
      deferred.push(
        task().then(
          () => null,
          (error: unknown) => error,
        ),
      )
    },
  }
}

/** Waits until the mails and syncs that requests put off are done. */
export async function settleDeferred(): Promise<void> {
  const outcomes = await Promise.all(deferred.splice(0))
  const failure = outcomes.find((outcome) => outcome !== null)
  if (failure !== undefined) throw failure
}
afterEach(settleDeferred)

function databaseUrlOf(database: string): string {
  const url = new URL(inject('databaseUrl'))
  url.pathname = `/${database}`
  return url.href
}
