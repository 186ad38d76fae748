import { longestAccessTokenTtl } from './domain/access-token.ts'
import { defaultRateLimits, overrideRateLimits, type RateLimits } from './domain/rate-limits.ts'

/** What the platform hands over: every value may be missing. The static assets are the documentation page's script and style. */
export type Env = Readonly<Partial<Record<Variable, string>>> & {
  readonly ASSETS?: { fetch(request: Request): Promise<Response> }
}

/** Every setting by name: secrets first, then variables. */
export const variables = [
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'KEY_ENCRYPTION_KEY',
  'TOKEN_SECRET',
  'TOKEN_SECRET_PREVIOUS',
  'MAIL_API_KEY',
  'ISSUER',
  'AUDIENCE',
  'APP_URL',
  'ALLOWED_ORIGINS',
  'ACCESS_TOKEN_TTL_SECONDS',
  'REFRESH_TOKEN_TTL_SECONDS',
  'REFRESH_RETRY_WINDOW_SECONDS',
  'SESSION_TTL_SECONDS',
  'SESSIONS_PER_USER',
  'REVOCATION_LEASE_SECONDS',
  'POSTGRES_DOWN_CHECKS',
  'PASSWORD_MIN_LENGTH',
  'RATE_LIMITS',
  'MAIL_DRIVER',
  'MAIL_FROM',
  'MAIL_ENDPOINT',
  'BREACH_ENDPOINT',
  'NEON_FETCH_ENDPOINT',
  'CLIENT_IP_HEADER',
  'ENVIRONMENT',
] as const
type Variable = (typeof variables)[number]

/** Settings that are all there and all right. Durations are seconds unless the name says otherwise. */
export interface Config {
  environment: 'production' | 'staging' | 'development'
  databaseUrl: string
  neonFetchEndpoint: string | null
  redis: { url: string; token: string }
  /** 256 bits. */
  keyEncryptionKey: Uint8Array<ArrayBuffer>
  tokenSecret: string
  tokenSecretPrevious: string | null
  issuer: string
  audience: string
  appUrl: string
  allowedOrigins: ReadonlySet<string>
  accessTokenTtl: number
  refreshTokenTtl: number
  refreshRetryWindow: number
  sessionTtl: number
  sessionsPerUser: number
  revocationLeaseMs: number
  postgresDownChecks: 'redis' | 'refuse'
  passwordMinLength: number
  rateLimits: RateLimits
  mail: { driver: 'resend' | 'log'; from: string; endpoint: string; apiKey: string }
  breachEndpoint: string
  clientIpHeader: string
}

/** Names everything that is missing or wrong at once, each with its mend. Values never appear: they may be secrets. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`Postern cannot start. ${problems.join(' ')} See "Configuration" in README.md.`)
    this.problems = problems
  }
}

/** What the local stack's own secrets begin with, so that no other environment takes one by mistake. */
export const developmentSecretPrefix = 'dev-'
/** The same for keys in base64: `dev-` is their first four bytes. */
const developmentKeyPrefix = 'ZGV2L'

/** Parses the environment. @throws {ConfigError} */
export function readConfig(env: Env): Config {
  const problems: string[] = []
  const refuse = (name: Variable, mend: string) => {
    problems.push(`${name} ${mend}.`)
  }

  const text = (name: Variable, fallback: string | null): string => {
    const value = env[name]?.trim() || fallback
    if (value === null) refuse(name, 'is missing')
    return value ?? ''
  }
  const choice = <T extends string>(name: Variable, fallback: T, others: readonly T[]): T => {
    const value = text(name, fallback)
    const found = [fallback, ...others].find((known) => known === value)
    if (found === undefined) refuse(name, `must be one of ${[fallback, ...others].join(', ')}`)
    return found ?? fallback
  }
  const whole = (name: Variable, fallback: number, least: number, most: number): number => {
    const value = Number(text(name, String(fallback)))
    if (!Number.isInteger(value) || value < least || value > most)
      refuse(name, `must be a whole number from ${least} to ${most}`)
    return value
  }
  const url = (name: Variable, fallback: string | null, protocols: readonly string[]): string => {
    const value = text(name, fallback)
    if (value !== '' && !(URL.canParse(value) && protocols.includes(new URL(value).protocol))) {
      refuse(name, `must be a URL starting with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`)
    }
    return value
  }

  const environment = choice('ENVIRONMENT', 'production', ['staging', 'development'])
  const local = environment === 'development'
  const web = local ? ['https:', 'http:'] : ['https:']

  const token = (name: Variable, fallback: string | null): string => {
    const value = text(name, fallback)
    if (!local && value.startsWith(developmentSecretPrefix)) refuse(name, 'is a development secret: set the real one')
    return value
  }
  const secret = (name: Variable, required: boolean): string => {
    const value = text(name, required ? null : '')
    if (value !== '' && new TextEncoder().encode(value).length < 32) {
      refuse(name, 'must hold at least 32 bytes: openssl rand -base64 32')
    }
    if (!local && value.startsWith(developmentSecretPrefix))
      refuse(name, 'is a development secret: make one of your own with openssl rand -base64 32')
    return value
  }

  const config: Config = {
    environment,
    databaseUrl: url('DATABASE_URL', null, ['postgres:', 'postgresql:']),
    neonFetchEndpoint: readNeonEndpoint(),
    redis: { url: url('UPSTASH_REDIS_REST_URL', null, web), token: token('UPSTASH_REDIS_REST_TOKEN', null) },
    keyEncryptionKey: readKeyEncryptionKey(),
    tokenSecret: secret('TOKEN_SECRET', true),
    tokenSecretPrevious: secret('TOKEN_SECRET_PREVIOUS', false) || null,
    issuer: url('ISSUER', null, web),
    audience: text('AUDIENCE', null),
    appUrl: url('APP_URL', null, web),
    allowedOrigins: readOrigins(),
    accessTokenTtl: whole('ACCESS_TOKEN_TTL_SECONDS', 900, 60, longestAccessTokenTtl),
    refreshTokenTtl: whole('REFRESH_TOKEN_TTL_SECONDS', 604_800, 300, 7_776_000),
    refreshRetryWindow: whole('REFRESH_RETRY_WINDOW_SECONDS', 30, 1, 60),
    sessionTtl: whole('SESSION_TTL_SECONDS', 2_592_000, 300, 31_536_000),
    sessionsPerUser: whole('SESSIONS_PER_USER', 50, 1, 1_000),
    revocationLeaseMs: whole('REVOCATION_LEASE_SECONDS', 3, 1, 10) * 1_000,
    postgresDownChecks: choice('POSTGRES_DOWN_CHECKS', 'redis', ['refuse']),
    passwordMinLength: whole('PASSWORD_MIN_LENGTH', 15, 8, 64),
    rateLimits: readRateLimits(),
    mail: readMail(),
    breachEndpoint: url('BREACH_ENDPOINT', 'https://api.pwnedpasswords.com/range/', web),
    clientIpHeader: readClientIpHeader(),
  }
  if (URL.canParse(config.issuer) && new URL(config.issuer).origin !== config.issuer) {
    refuse(
      'ISSUER',
      'must be an origin such as https://auth.example.com and nothing more: it is compared to the letter',
    )
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return config

  function readNeonEndpoint(): string | null {
    const value = text('NEON_FETCH_ENDPOINT', '')
    if (value !== '' && !mayCarryPassword(value)) refuse('NEON_FETCH_ENDPOINT', neonEndpointRule)
    return value || null
  }

  /** Anybody can send `X-Forwarded-For`: a proxy adds to it and leaves the lie in front. */
  function readClientIpHeader(): string {
    const name = text('CLIENT_IP_HEADER', 'CF-Connecting-IP')
    if (!/^[A-Za-z0-9-]+$/.test(name) || name.toLowerCase() === 'x-forwarded-for') {
      refuse('CLIENT_IP_HEADER', 'must name a header that your proxy overwrites, such as X-Real-IP')
    }
    return name
  }

  function readKeyEncryptionKey(): Uint8Array<ArrayBuffer> {
    const value = text('KEY_ENCRYPTION_KEY', null)
    if (!/^[A-Za-z0-9+/]{43}=$/.test(value)) {
      if (value !== '') refuse('KEY_ENCRYPTION_KEY', 'must be 32 bytes in base64: openssl rand -base64 32')
      return new Uint8Array()
    }
    if (!local && value.startsWith(developmentKeyPrefix)) {
      refuse('KEY_ENCRYPTION_KEY', 'is a development secret: make one of your own with openssl rand -base64 32')
    }
    return Uint8Array.from(atob(value), (letter) => letter.charCodeAt(0))
  }

  function readOrigins(): ReadonlySet<string> {
    const origins = text('ALLOWED_ORIGINS', '')
      .split(/[\s,]+/)
      .filter((origin) => origin !== '')
    for (const origin of origins) {
      const exact = URL.canParse(origin) && new URL(origin).origin === origin
      if (!exact)
        refuse(
          'ALLOWED_ORIGINS',
          'must list origins such as https://app.example.com, with neither path nor final slash',
        )
      else if (!local && !origin.startsWith('https:')) refuse('ALLOWED_ORIGINS', 'must list https origins only')
    }
    return new Set(origins)
  }

  function readRateLimits(): RateLimits {
    const value = text('RATE_LIMITS', '')
    if (value === '') return defaultRateLimits
    try {
      const override: unknown = JSON.parse(value)
      const limits = overrideRateLimits(override)
      if (environment === 'production' && Object.hasOwn(Object(override), '*')) {
        refuse('RATE_LIMITS', 'has "*", which is for load tests: production refuses it')
      }
      return limits
    } catch (error) {
      refuse('RATE_LIMITS', error instanceof RangeError ? error.message : 'must be JSON')
      return defaultRateLimits
    }
  }

  function readMail(): Config['mail'] {
    const driver = choice('MAIL_DRIVER', 'resend', ['log'])
    if (driver === 'log' && !local) refuse('MAIL_DRIVER', '"log" prints codes: it is for development only')
    return {
      driver,
      from: text('MAIL_FROM', driver === 'log' ? 'postern@localhost' : null),
      endpoint: url('MAIL_ENDPOINT', 'https://api.resend.com/emails', web),
      apiKey: token('MAIL_API_KEY', driver === 'log' ? 'none' : null),
    }
  }
}

/** What `mayCarryPassword` asks, in words for its operator. */
export const neonEndpointRule = 'must be on this machine: its requests carry the database password'

/** Whether SQL over HTTP may go there. Neon's own endpoint needs no setting; any other but loopback would be sent the database password. */
export function mayCarryPassword(endpoint: string): boolean {
  return URL.canParse(endpoint) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(endpoint).hostname)
}
