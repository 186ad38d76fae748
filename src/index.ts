import { createHash } from 'node:crypto'
import { argon2Module } from './adapters/argon2/module.ts'
import { passwordHasher } from './adapters/argon2/password-hasher.ts'
import { hibpBreachedPasswords } from './adapters/breach/hibp.ts'
import { joseTokenCodec } from './adapters/jose/token-codec.ts'
import { logMailer } from './adapters/mail/log.ts'
import { resendMailer } from './adapters/mail/resend.ts'
import { neonAuditTrail } from './adapters/neon/audit-trail.ts'
import { connectDatabase, withPatience } from './adapters/neon/database.ts'
import { neonOutbox } from './adapters/neon/outbox.ts'
import { neonProbe } from './adapters/neon/probe.ts'
import { neonRegistrations } from './adapters/neon/registrations.ts'
import { neonRevocationRecord } from './adapters/neon/revocation-record.ts'
import { neonSessions } from './adapters/neon/sessions.ts'
import { neonSigningKeys } from './adapters/neon/signing-keys.ts'
import { neonUsers } from './adapters/neon/users.ts'
import { nobleDeriveTag } from './adapters/noble/derive-tag.ts'
import { upstashProbe } from './adapters/upstash/probe.ts'
import { upstashRateLimiter } from './adapters/upstash/rate-limiter.ts'
import { connectRedis } from './adapters/upstash/redis.ts'
import { upstashRevocationSet } from './adapters/upstash/revocation-set.ts'
import { type Config, ConfigError, type Env, readConfig } from './config.ts'
import { createApp } from './http/app.ts'
import { logError } from './http/log.ts'
import { commonHeaders } from './http/middleware/security-headers.ts'
import { problemResponse } from './http/problem.ts'
import type { Ports } from './ports.ts'
import { keepHouse } from './services/housekeeping.ts'
import type { Postern } from './services/postern.ts'
import { RevocationGuard } from './services/tokens/revocation-guard.ts'
import { SigningKeyring } from './services/tokens/signing-keyring.ts'
import { deriveTokenKeys } from './services/tokens/token-keys.ts'

interface Isolate {
  postern: Postern
  app: ReturnType<typeof createApp>
}

/** Built by the first event and kept for the isolate's life. Plain values only: nothing here belongs to a request. */
let isolate: Isolate | null = null

export default {
  async fetch(request, env, context) {
    try {
      isolate ??= start(env)
    } catch (error) {
      return refuseToStart(error)
    }
    const { app } = isolate
    return withPatience(() => app.fetch(request, env, context))
  },

  async scheduled(_controller, env) {
    isolate ??= start(env)
    for (const failure of await keepHouse(isolate.postern)) logError('housekeeping', 'cron', failure)
  },
} satisfies ExportedHandler<Env>

function start(env: Env): Isolate {
  const config = readConfig(env)
  const postern = wire(config)
  return { postern, app: createApp(postern, { ...config, assets: env.ASSETS ?? null, background: withPatience }) }
}

/** Connects every port to its adapter. No I/O happens here. */
function wire(config: Config): Postern {
  const database = connectDatabase(config.databaseUrl, config.neonFetchEndpoint)
  const redis = connectRedis(config.redis)
  const deployment = deploymentOf(config)
  const clock: Ports['clock'] = {
    now: () => Date.now(),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  }
  const ports: Ports = {
    users: neonUsers(database),
    registrations: neonRegistrations(database),
    sessions: neonSessions(database),
    revocationRecord: neonRevocationRecord(database),
    revocationSet: upstashRevocationSet(redis, deployment),
    signingKeys: neonSigningKeys(database),
    audit: neonAuditTrail(database),
    outbox: neonOutbox(database),
    mailer: config.mail.driver === 'log' ? logMailer(console.log) : resendMailer(config.mail),
    rateLimiter: upstashRateLimiter(redis, deployment, config.rateLimits, clock.now, (error) =>
      logError('limits count in this isolate alone', 'none', error),
    ),
    passwords: passwordHasher({ wasm: argon2Module, reference: nobleDeriveTag, log: console.warn }),
    breaches: hibpBreachedPasswords({ endpoint: config.breachEndpoint }),
    tokenCodec: joseTokenCodec(config),
    probes: { postgres: neonProbe(database), redis: upstashProbe(redis) },
    clock,
  }
  return {
    ...ports,
    signing: new SigningKeyring(ports, config.keyEncryptionKey),
    revocations: new RevocationGuard(ports, {
      leaseMs: config.revocationLeaseMs,
      postgresDown: config.postgresDownChecks,
      accessTokenTtl: config.accessTokenTtl,
    }),
    tokenKeys: {
      current: deriveTokenKeys(config.tokenSecret),
      previous: config.tokenSecretPrevious === null ? null : deriveTokenKeys(config.tokenSecretPrevious),
    },
    settings: config,
  }
}

/** Redis holds copies of one database's truth: another database behind the same Redis gets other keys. */
function deploymentOf({ databaseUrl, issuer }: Config): string {
  const { host, pathname } = new URL(databaseUrl)
  return createHash('sha256').update(`${issuer} ${host}${pathname}`).digest('hex').slice(0, 16)
}

function refuseToStart(error: unknown): Response {
  if (!(error instanceof ConfigError)) throw error
  console.error(error.message)
  const requestId = crypto.randomUUID()
  return problemResponse('unavailable', {
    requestId,
    headers: { ...commonHeaders, 'retry-after': '60', 'x-request-id': requestId },
  })
}
