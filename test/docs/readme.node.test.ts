import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Config, ConfigError, type Env, readConfig, variables } from '../../src/config.ts'
import { defaultRateLimits } from '../../src/domain/rate-limits.ts'
import { tableUnder } from './markdown.ts'

const readme = await readFile('README.md', 'utf8')
const settings = new Map(tableUnder(readme, '## Configuration').map(([name = '', value = '']) => [name, value]))
const example = await readFile('.dev.vars.example', 'utf8')

/** The settings that have no default, as the code sees it. */
function requiredNames(): string[] {
  try {
    readConfig({})
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems.flatMap((problem) => /^(\w+) is missing/.exec(problem)?.[1] ?? []).sort()
    }
    throw error
  }
  return []
}

const complete: Env = {
  DATABASE_URL: 'postgres://u:p@host/d',
  UPSTASH_REDIS_REST_URL: 'https://redis.example.com',
  UPSTASH_REDIS_REST_TOKEN: 'token',
  KEY_ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64'),
  TOKEN_SECRET: 'x'.repeat(32),
  MAIL_API_KEY: 'key',
  ISSUER: 'https://auth.example.com',
  AUDIENCE: 'api',
  APP_URL: 'https://app.example.com',
  MAIL_FROM: 'Postern <no-reply@example.com>',
}

describe("the README's settings", () => {
  it('are those of the code, each once', () => {
    expect([...settings.keys()].sort()).toEqual([...variables].sort())
    expect(tableUnder(readme, '## Configuration')).toHaveLength(variables.length)
  })

  it('say which are required', () => {
    const required = [...settings].filter(([, value]) => value.startsWith('required')).map(([name]) => name)
    expect(required.sort()).toEqual(requiredNames())
  })

  it.each<[string, (config: Config) => unknown]>([
    ['ACCESS_TOKEN_TTL_SECONDS', (config) => config.accessTokenTtl],
    ['REFRESH_TOKEN_TTL_SECONDS', (config) => config.refreshTokenTtl],
    ['SESSION_TTL_SECONDS', (config) => config.sessionTtl],
    ['REFRESH_RETRY_WINDOW_SECONDS', (config) => config.refreshRetryWindow],
    ['SESSIONS_PER_USER', (config) => config.sessionsPerUser],
    ['REVOCATION_LEASE_SECONDS', (config) => config.revocationLeaseMs / 1_000],
    ['POSTGRES_DOWN_CHECKS', (config) => config.postgresDownChecks],
    ['PASSWORD_MIN_LENGTH', (config) => config.passwordMinLength],
    ['MAIL_DRIVER', (config) => config.mail.driver],
    ['MAIL_ENDPOINT', (config) => config.mail.endpoint],
    ['BREACH_ENDPOINT', (config) => config.breachEndpoint],
    ['CLIENT_IP_HEADER', (config) => config.clientIpHeader],
    ['ENVIRONMENT', (config) => config.environment],
  ])('state the default of %s', (name, read) => {
    expect(settings.get(name)?.replaceAll('`', '')).toBe(String(read(readConfig(complete))))
  })

  it('state the default limits, all of them', () => {
    const stated = [...readme.matchAll(/`([a-z]+\.[a-z_]+)` (\d+)\/(\d+)/g)].map(([, name, limit, seconds]) => [
      name,
      { limit: Number(limit), seconds: Number(seconds) },
    ])
    expect(Object.fromEntries(stated)).toEqual(defaultRateLimits)
  })

  it('are what .dev.vars.example names, with all that a Worker of one’s own needs', () => {
    const given = Object.fromEntries(
      [...example.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value]) => [name, value]),
    )
    expect(Object.keys(given).filter((name) => !settings.has(name))).toEqual([])
    // wrangler.toml holds what is no secret and may be the same for everybody.
    const fixed = { ISSUER: 'http://localhost:8787', AUDIENCE: 'postern', APP_URL: 'http://localhost:3000' }
    const empty = Object.entries(complete).filter(([name]) => given[name] === '')
    const filledIn = { ...fixed, ...given, ...Object.fromEntries(empty) }
    expect(readConfig(filledIn).mail.driver).toBe('log')
  })
})

describe("the README's commands", () => {
  it('name scripts that exist', async () => {
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8'))
    const texts = await Promise.all(['CONTRIBUTING.md', 'docs/performance.md'].map((file) => readFile(file, 'utf8')))
    const named = [readme, ...texts].flatMap((text) => [...text.matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name))
    expect(named).toContain('dev')
    expect(named.filter((name) => !Object.hasOwn(scripts, name ?? ''))).toEqual([])
  })

  it('show the verifier as it is', async () => {
    const [, shown] = /```js\n([\s\S]*?)```/.exec(readme) ?? []
    expect(shown).toBe(await readFile('docs/verify-elsewhere.mjs', 'utf8'))
  })

  it('serve the browser example', async () => {
    const [, command = ''] = /```sh\n(node -e .*)\n```/.exec(readme) ?? []
    expect(command).toContain('3000')
    const port = await freePort()
    const server = spawn('bash', ['-c', `exec ${command.replace('3000', String(port))}`], { stdio: 'inherit' })
    try {
      const response = await firstAnswer(`http://localhost:${port}`)
      expect(response.headers.get('content-type')).toBe('text/html')
      expect(await response.text()).toBe(await readFile('docs/browser-example.html', 'utf8'))
    } finally {
      server.kill()
    }
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function firstAnswer(url: string): Promise<Response> {
  for (let tries = 0; tries < 100; tries++) {
    const response = await fetch(url).catch(() => null)
    if (response !== null) return response
    await sleep(50)
  }
  throw new Error('nothing serves the example')
}
