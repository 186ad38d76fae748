import { describe, expect, it, vi } from 'vitest'
import { ConfigError, type Env, readConfig } from '../src/config.ts'
import { defaultRateLimits } from '../src/domain/rate-limits.ts'
import { startWorker } from './support/worker.ts'

const production = {
  DATABASE_URL: 'postgres://user:a-database-password@db.example.com/main',
  UPSTASH_REDIS_REST_URL: 'https://redis.example.com',
  UPSTASH_REDIS_REST_TOKEN: 'an-upstash-token',
  KEY_ENCRYPTION_KEY: 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=',
  TOKEN_SECRET: 'a token secret of at least 32 bytes',
  MAIL_API_KEY: 'a-mail-key',
  MAIL_FROM: 'Postern <no-reply@example.com>',
  ISSUER: 'https://auth.example.com',
  AUDIENCE: 'https://api.example.com',
  APP_URL: 'https://app.example.com',
} as const satisfies Env

function problemsOf(env: Env): string[] {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return [...error.problems]
    throw error
  }
  return []
}

describe('the configuration', () => {
  it('needs the secrets and the names of the deployment, and has defaults for the rest', () => {
    expect(readConfig(production)).toMatchObject({
      environment: 'production',
      neonFetchEndpoint: null,
      tokenSecretPrevious: null,
      allowedOrigins: new Set(),
      accessTokenTtl: 900,
      refreshTokenTtl: 604_800,
      refreshRetryWindow: 30,
      sessionTtl: 2_592_000,
      sessionsPerUser: 50,
      revocationLeaseMs: 3_000,
      postgresDownChecks: 'redis',
      passwordMinLength: 15,
      rateLimits: defaultRateLimits,
      mail: { driver: 'resend', endpoint: 'https://api.resend.com/emails' },
      breachEndpoint: 'https://api.pwnedpasswords.com/range/',
      clientIpHeader: 'CF-Connecting-IP',
      keyEncryptionKey: new TextEncoder().encode('01234567890123456789012345678901'),
    })
  })

  it('that is empty is told by one error that names every missing setting', () => {
    const problems = problemsOf({})
    for (const name of Object.keys(production)) {
      expect(problems.filter((problem) => problem.startsWith(`${name} is missing`))).toHaveLength(1)
    }
    expect(problems).toHaveLength(Object.keys(production).length)
    expect(() => readConfig({})).toThrow(/^Postern cannot start\. DATABASE_URL is missing\..*README\.md\.$/)
  })

  it('that is wrong in several places names them all at once', () => {
    const problems = problemsOf({ ...production, ISSUER: 'nonsense', SESSIONS_PER_USER: 'many', RATE_LIMITS: '{' })
    expect(problems.map((problem) => problem.split(' ')[0]).sort()).toEqual([
      'ISSUER',
      'RATE_LIMITS',
      'SESSIONS_PER_USER',
    ])
  })

  it.each<[keyof typeof production | string, string]>([
    ['DATABASE_URL', 'mysql://user:s3cr3t-value@host/db'],
    ['DATABASE_URL', 's3cr3t-value'],
    ['UPSTASH_REDIS_REST_URL', 'http://s3cr3t-value.example.com'],
    ['UPSTASH_REDIS_REST_URL', 'redis://s3cr3t-value'],
    ['KEY_ENCRYPTION_KEY', 's3cr3t-value'],
    ['KEY_ENCRYPTION_KEY', 'ZGV2LXMzY3IzdC12YWx1ZS1zM2NyM3QtdmFsdWUtczM='],
    ['TOKEN_SECRET', 's3cr3t-value'],
    ['TOKEN_SECRET', 'dev-s3cr3t-value-s3cr3t-value-s3cr3t-value'],
    ['TOKEN_SECRET_PREVIOUS', 's3cr3t-value'],
    ['TOKEN_SECRET_PREVIOUS', 'dev-s3cr3t-value-s3cr3t-value-s3cr3t-value'],
    ['ISSUER', 'http://s3cr3t-value.example.com'],
    ['ISSUER', 'https://s3cr3t-value.example.com/'],
    ['APP_URL', 'javascript:s3cr3t-value'],
    ['ALLOWED_ORIGINS', 'https://s3cr3t-value.example.com/'],
    ['ALLOWED_ORIGINS', 'https://s3cr3t-value.example.com/path'],
    ['ALLOWED_ORIGINS', 'http://s3cr3t-value.example.com'],
    ['ALLOWED_ORIGINS', '*'],
    ['ALLOWED_ORIGINS', 'https://ok.example.com s3cr3t-value'],
    ['ACCESS_TOKEN_TTL_SECONDS', '59'],
    ['ACCESS_TOKEN_TTL_SECONDS', '3601'],
    ['ACCESS_TOKEN_TTL_SECONDS', '900.5'],
    ['REFRESH_TOKEN_TTL_SECONDS', '1'],
    ['REFRESH_RETRY_WINDOW_SECONDS', '61'],
    ['REFRESH_RETRY_WINDOW_SECONDS', '0'],
    ['SESSION_TTL_SECONDS', '-1'],
    ['SESSIONS_PER_USER', '0'],
    ['SESSIONS_PER_USER', 'Infinity'],
    ['REVOCATION_LEASE_SECONDS', '11'],
    ['POSTGRES_DOWN_CHECKS', 's3cr3t-value'],
    ['PASSWORD_MIN_LENGTH', '7'],
    ['RATE_LIMITS', 's3cr3t-value'],
    ['RATE_LIMITS', '{"*":"off"}'],
    ['RATE_LIMITS', '{"login.ip":"s3cr3t-value"}'],
    ['UPSTASH_REDIS_REST_TOKEN', 'dev-s3cr3t-value'],
    ['MAIL_API_KEY', 'dev-s3cr3t-value'],
    ['MAIL_DRIVER', 'log'],
    ['MAIL_DRIVER', 's3cr3t-value'],
    ['MAIL_ENDPOINT', 'http://s3cr3t-value.example.com'],
    ['BREACH_ENDPOINT', 'http://s3cr3t-value.example.com'],
    ['NEON_FETCH_ENDPOINT', 'https://s3cr3t-value.example.com/sql'],
    ['NEON_FETCH_ENDPOINT', 'http://127.0.0.1.s3cr3t-value.com/sql'],
    ['ENVIRONMENT', 's3cr3t-value'],
  ])('refuses in production, by name and without the value: %s=%s', (name, value) => {
    const problems = problemsOf({ ...production, [name]: value })
    expect(problems.length).toBeGreaterThan(0)
    for (const problem of problems) expect(problem).toMatch(new RegExp(`^${name} `))
    expect(problems.join()).not.toContain('s3cr3t')
  })

  it('takes in development what production refuses', () => {
    const local = {
      ...production,
      ENVIRONMENT: 'development',
      TOKEN_SECRET: 'dev-a token secret of at least 32 bytes',
      ISSUER: 'http://localhost:8787',
      APP_URL: 'http://localhost:3000',
      ALLOWED_ORIGINS: 'http://localhost:3000, http://localhost:8787',
      UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:8079',
      NEON_FETCH_ENDPOINT: 'http://127.0.0.1:4444/sql',
      RATE_LIMITS: '{"*":"off"}',
      MAIL_DRIVER: 'log',
    }
    expect(readConfig(local)).toMatchObject({
      environment: 'development',
      neonFetchEndpoint: 'http://127.0.0.1:4444/sql',
      rateLimits: {},
      allowedOrigins: new Set(['http://localhost:3000', 'http://localhost:8787']),
      mail: { driver: 'log' },
    })
  })

  it('takes blank settings for missing ones, and trims the others', () => {
    expect(problemsOf({ ...production, AUDIENCE: '  ' })).toEqual(['AUDIENCE is missing.'])
    expect(readConfig({ ...production, AUDIENCE: ' api \n' }).audience).toBe('api')
  })
})

describe('a Worker that is not configured', () => {
  it('answers 503 to everything, and tells the operator in one line what is wrong', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const worker = await startWorker({ TOKEN_SECRET: 'too short: s3cr3t', ISSUER: undefined })
    for (const path of ['/healthz', '/v1/login']) {
      const answer = await worker.get(path)
      expect(answer.status).toBe(503)
      expect(answer.body).toMatchObject({ code: 'unavailable', request_id: answer.headers.get('x-request-id') })
      expect(answer.headers.get('retry-after')).toBe('60')
      expect(answer.headers.get('strict-transport-security')).toBeTruthy()
      expect(answer.text).not.toMatch(/TOKEN_SECRET|ISSUER/)
    }
    const [[line] = []] = log.mock.calls
    expect(line).toMatch(/TOKEN_SECRET must hold at least 32 bytes.*ISSUER is missing/)
    expect(line).not.toContain('s3cr3t')
    expect(line).not.toContain('\n')
    log.mockRestore()
  })

  it('lets the cron trigger fail loudly', async () => {
    const worker = await startWorker({ DATABASE_URL: undefined })
    await expect(worker.runCron()).rejects.toThrow('DATABASE_URL is missing')
  })
})
