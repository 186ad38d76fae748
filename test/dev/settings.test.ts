import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { removeDevVars, writeDevVars } from '../../dev/dev-vars.ts'
import { openSecrets } from '../../dev/secrets.ts'
import { settingNames } from '../../dev/setting-names.ts'
import { readArguments, readServers } from '../../dev/stack-options.ts'
import { formatSettings, workerSettings } from '../../dev/worker-settings.ts'
import { readConfig, variables } from '../../src/config.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const backends = {
  databaseUrl: 'postgres://postern:pw@localhost/postern',
  neonUrl: 'http://127.0.0.1:1/sql',
  redisUrl: 'redis://127.0.0.1:2',
  upstashUrl: 'http://127.0.0.1:3',
  upstashToken: 'upstash-token',
  mailboxUrl: 'http://127.0.0.1:4',
  mailKey: 'mail-key',
  breachUrl: 'http://127.0.0.1:5',
  migrated: { applied: [], total: 0 },
}

describe('secrets', () => {
  it('are made once, for the owner’s eyes only', async () => {
    const file = join(await temporaryFolder(), 'secrets.json')
    const { secrets } = await openSecrets(file)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(Buffer.from(secrets.KEY_ENCRYPTION_KEY, 'base64')).toHaveLength(32)
    expect(new Set(Object.values(secrets)).size).toBe(7)
    expect((await openSecrets(file)).secrets).toEqual(secrets)
  })

  it('that are missing are added to those that are there', async () => {
    const file = join(await temporaryFolder(), 'secrets.json')
    await writeFile(file, '{"TOKEN_SECRET":"kept"}')
    const { secrets } = await openSecrets(file)
    expect(secrets.TOKEN_SECRET).toBe('kept')
    expect(secrets.METRICS_TOKEN).toMatch(/^dev-[\w-]{43}$/)
    expect((await openSecrets(file)).secrets).toEqual(secrets)
  })

  it('remember the demo administrator', async () => {
    const file = join(await temporaryFolder(), 'secrets.json')
    const store = await openSecrets(file)
    expect(store.admin).toBeNull()
    const admin = { email: 'a@example.test', password: 'p', database: 'd' }
    await store.rememberAdmin(admin)
    expect(store.admin).toEqual(admin)
    expect((await openSecrets(file)).admin).toEqual(admin)
  })

  it.each(['{"TOKEN_SECRET":"hush"', '[]', 'null'])(
    'in a damaged file (%j) are not replaced, nor quoted',
    async (text) => {
      const file = join(await temporaryFolder(), 'secrets.json')
      await writeFile(file, text)
      await expect(openSecrets(file)).rejects.toThrow(/secrets\.json is damaged\. Restore it, or delete it[^"]*$/)
      expect(await readFile(file, 'utf8')).toBe(text)
    },
  )
})

describe('the Worker’s settings', () => {
  it('are ones that its own config accepts', async () => {
    const { secrets } = await openSecrets(join(await temporaryFolder(), 's.json'))
    const settings = workerSettings({ port: 8787, secrets, backends, environment: {} })
    const config = readConfig(settings)
    expect(config).toMatchObject({
      environment: 'development',
      issuer: 'http://localhost:8787',
      mail: { driver: 'resend' },
    })
    expect([...config.allowedOrigins]).toEqual(['http://localhost:8787', 'http://localhost:3000'])
    expect(() => readConfig({ ...settings, ENVIRONMENT: 'production' })).toThrow(/development secret/)
  })

  it('are known by every name that the config reads', () => {
    expect(variables.filter((name) => !settingNames.includes(name))).toEqual([])
  })

  it('take from the environment every name of theirs and nothing else', async () => {
    const { secrets } = await openSecrets(join(await temporaryFolder(), 's.json'))
    const names = settingNames.filter((name) => !/^(DATABASE_URL|NEON_FETCH_ENDPOINT|UPSTASH_)/.test(name))
    const environment = {
      ...Object.fromEntries(names.map((name) => [name, `${name} of mine`])),
      PATH: '/bin',
      EMPTY: '',
    }
    const settings = workerSettings({ port: 1, secrets, backends, environment })
    for (const name of names) expect(settings[name]).toBe(`${name} of mine`)
    expect(settings).not.toHaveProperty('PATH')
    expect(settings).toMatchObject({ DATABASE_URL: backends.databaseUrl, UPSTASH_REDIS_REST_TOKEN: 'upstash-token' })
    expect(workerSettings({ port: 1, secrets, backends, environment: { ISSUER: '' } }).ISSUER).toBe(
      'http://localhost:1',
    )
  })

  it('are written so that wrangler reads back the same', () => {
    const values = { A: '{"*":"off"}', B: `it's`, C: 'p$x$HOME', D: 'a b#c' }
    expect(formatSettings(values, '.dev.vars')).toBe("A='{\"*\":\"off\"}'\nB=`it's`\nC='p$x$HOME'\nD='a b#c'\n")
    expect(formatSettings({ C: 'p$x' }, '--env-file')).toBe("C='p\\$x'\n")
    expect(() => formatSettings({ SECRET_ONE: `both ' and \`` }, '--env-file')).toThrow(
      /^SECRET_ONE cannot be handed to wrangler: it holds both ' and `/,
    )
  })
})

describe('.dev.vars', () => {
  it('of a person stays as it is', async () => {
    const file = join(await temporaryFolder(), '.dev.vars')
    await writeFile(file, 'ISSUER=mine\n')
    expect(await writeDevVars(file, 'A=1\n')).toBe(false)
    await removeDevVars(file)
    expect(await readFile(file, 'utf8')).toBe('ISSUER=mine\n')
  })

  it('of ours is written, replaced and removed', async () => {
    const file = join(await temporaryFolder(), '.dev.vars')
    expect(await writeDevVars(file, 'A=1\n')).toBe(true)
    expect(await writeDevVars(file, 'A=2\n')).toBe(true)
    const [marker, ...rest] = (await readFile(file, 'utf8')).split('\n')
    expect(marker).toMatch(/^# Written by `npm run stack`/)
    expect(rest).toEqual(['A=2', ''])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await removeDevVars(file)
    expect(existsSync(file)).toBe(false)
    await removeDevVars(file)
  })
})

describe('the command line', () => {
  it.each([
    [[], { worker: true, port: 8787 }],
    [['--port', '9000'], { worker: true, port: 9000 }],
    [['stack'], { worker: false, port: 8787 }],
    [['stack', '--port=1'], { worker: false, port: 1 }],
  ])('%j is understood', (args, expected) => {
    expect(readArguments(args)).toEqual(expected)
  })

  it.each([
    [['--prot', '1']],
    [['--port', 'x']],
    [['--port', '0']],
    [['--port', '70000']],
    [['other']],
    [['stack', 'stack']],
  ])('%j is answered with the usage', (args) => {
    expect(() => readArguments(args)).toThrow(/^Usage: npm run dev/)
  })
})

describe('the environment', () => {
  it('names no server by default', () => {
    expect(readServers({ DATABASE_URL: '', REDIS_URL: ' ' })).toEqual({})
  })

  it('names servers to front, completed as psql would', () => {
    expect(
      readServers({ DATABASE_URL: 'postgres://db.test:6000', PGUSER: 'ada', REDIS_URL: 'rediss://r.test' }),
    ).toEqual({
      databaseUrl: 'postgres://ada@db.test:6000/ada',
      redisUrl: 'rediss://r.test',
    })
    expect(readServers({ DATABASE_URL: 'postgresql://me:p%40@h/x' })).toMatchObject({
      databaseUrl: 'postgresql://me:p%40@h/x',
    })
  })

  it('names HTTP endpoints to use as they are', () => {
    const environment = {
      DATABASE_URL: 'postgres://me:pw@h/x',
      NEON_FETCH_ENDPOINT: 'http://127.0.0.1:1/sql',
      UPSTASH_REDIS_REST_URL: 'https://u.test',
      UPSTASH_REDIS_REST_TOKEN: 't',
    }
    expect(readServers(environment)).toMatchObject({
      neonEndpoint: 'http://127.0.0.1:1/sql',
      upstash: { url: 'https://u.test', token: 't' },
    })
  })

  it.each([
    [{ DATABASE_URL: 'mysql://me:hush@h/x' }, 'DATABASE_URL must be a URL beginning with postgres:// or postgresql://'],
    [{ DATABASE_URL: 'hush' }, 'DATABASE_URL must be a URL'],
    [{ DATABASE_URL: 'postgres:///x' }, 'DATABASE_URL must name a host'],
    [{ REDIS_URL: 'http://h' }, 'REDIS_URL must be a URL beginning with redis:// or rediss://'],
    [{ NEON_FETCH_ENDPOINT: 'http://h/sql' }, 'NEON_FETCH_ENDPOINT needs DATABASE_URL'],
    [{ UPSTASH_REDIS_REST_URL: 'https://h' }, 'UPSTASH_REDIS_REST_URL needs UPSTASH_REDIS_REST_TOKEN'],
  ])('that says %j is refused in one line without the value', (environment, message) => {
    const problem = (() => {
      try {
        readServers(environment)
        return ''
      } catch (error) {
        return String(error)
      }
    })()
    expect(problem).toContain(message)
    expect(problem).not.toContain('hush')
  })
})
