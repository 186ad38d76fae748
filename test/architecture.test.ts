import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findBreaches } from './support/import-rules.ts'

const source = join(import.meta.dirname, '..', 'src')

async function readSource(): Promise<Map<string, string>> {
  const names = (await readdir(source, { recursive: true })).map((name) => name.replaceAll('\\', '/'))
  const files = names.filter((name) => name.endsWith('.ts')).sort()
  const contents = await Promise.all(files.map((name) => readFile(join(source, name), 'utf8')))
  return new Map(files.map((name, index) => [`src/${name}`, contents[index] ?? '']))
}

const breachesOf = (file: string, content: string) => findBreaches(new Map([[file, content]]))

describe('the house', () => {
  it('keeps its rules', async () => {
    const files = await readSource()
    expect(files.size).toBeGreaterThan(50)
    expect(files.has('src/services/authentication/login.ts')).toBe(true)
    expect(findBreaches(files)).toEqual([])
  })
})

describe('an import against the direction is found', () => {
  it.each([
    ['src/domain/user.ts', '../ports.ts'],
    ['src/domain/user.ts', '../services/postern.ts'],
    ['src/domain/user.ts', '../adapters/neon/schema.ts'],
    ['src/domain/user.ts', '../http/problem.ts'],
    ['src/domain/user.ts', 'zod'],
    ['src/domain/user.ts', 'node:fs'],
    ['src/ports.ts', './services/postern.ts'],
    ['src/ports.ts', './adapters/neon/users.ts'],
    ['src/ports.ts', 'drizzle-orm'],
    ['src/services/authentication/login.ts', '../../http/problem.ts'],
    ['src/services/authentication/login.ts', '../../adapters/neon/users.ts'],
    ['src/services/authentication/login.ts', '../../config.ts'],
    ['src/services/authentication/login.ts', '../../index.ts'],
    ['src/services/authentication/login.ts', 'hono'],
    ['src/services/authentication/login.ts', 'jose'],
    ['src/services/authentication/login.ts', '@upstash/redis'],
    ['src/services/authentication/login.ts', 'node:fs/promises'],
    ['src/adapters/neon/users.ts', '../upstash/redis.ts'],
    ['src/adapters/neon/users.ts', '../../services/postern.ts'],
    ['src/adapters/neon/users.ts', '../../http/problem.ts'],
    ['src/adapters/neon/users.ts', '../../config.ts'],
    ['src/adapters/neon/users.ts', '@upstash/redis'],
    ['src/adapters/neon/users.ts', 'drizzle-orm-lookalike'],
    ['src/adapters/neon/users.ts', '../../../migrations/0000_tables.sql'],
    ['src/adapters/upstash/redis.ts', 'drizzle-orm'],
    ['src/adapters/upstash/redis.ts', 'node:fs/promises'],
    ['src/adapters/jose/token-codec.ts', '@noble/hashes/hmac.js'],
    ['src/adapters/mail/resend.ts', 'hono'],
    ['src/http/app.ts', '../adapters/neon/users.ts'],
    ['src/http/app.ts', '../config.ts'],
    ['src/http/app.ts', '../index.ts'],
    ['src/http/app.ts', 'jose'],
    ['src/config.ts', './services/postern.ts'],
    ['src/config.ts', 'zod'],
    ['src/index.ts', './admin.ts'],
    ['src/index.ts', 'hono'],
    ['src/admin.ts', './index.ts'],
    ['src/index.ts', '../dev/secrets.ts'],
    ['src/index.ts', '../test/support/race.ts'],
    ['src/adapters/neon/migrate.ts', '../../../dev/lock.ts'],
    ['src/domain/user.ts', '../../test/support/race.ts'],
    ['src/domain/user.ts', '../../bench/main.ts'],
  ])('%s → %s', (file, specifier) => {
    expect(breachesOf(file, `import { x } from '${specifier}'\n`)).toEqual([`${file}: must not import ${specifier}`])
  })

  it.each([
    ["import type { X } from 'hono'"],
    ["import 'hono'"],
    ["import hono, { type X } from 'hono'"],
    ["import * as everything from 'hono'"],
    ["import {\n  one,\n  another,\n} from 'hono'"],
    ['import { x } from "hono"'],
    ["export { x } from 'hono'"],
    ["export * from 'hono'"],
    ["const x = await import('hono')"],
    ["type X = import('hono').Context"],
    ["const x = require('hono')"],
    ["const x = import.meta.resolve('hono')"],
    ["import data from 'hono' with { type: 'json' }"],
    ["import { fine } from './user.ts'; import { x } from 'hono'".replace('; ', '\n')],
  ])('however it is written: %s', (content) => {
    expect(breachesOf('src/domain/user.ts', `${content}\n`)).toEqual(['src/domain/user.ts: must not import hono'])
  })

  it('and one whose name is made up at run time is refused as such', () => {
    const file = 'src/services/users/register.ts'
    expect(breachesOf(file, 'const x = await import(name)\n')).toEqual([
      `${file}: imports what only runs will tell: write the name out`,
    ])
  })
})

it.each([
  ['src/domain/user.ts', './email.ts'],
  ['src/services/users/register.ts', '../../ports.ts'],
  ['src/services/users/register.ts', '../tokens/seal.ts'],
  ['src/services/tokens/seal.ts', 'node:crypto'],
  ['src/adapters/neon/users.ts', 'drizzle-orm/neon-http'],
  ['src/adapters/neon/probe.ts', '../../../migrations/meta/_journal.json'],
  ['src/http/routes/me.ts', '../../services/users/profile.ts'],
  ['src/http/routes/me.ts', '@hono/zod-openapi'],
  ['src/index.ts', './adapters/upstash/redis.ts'],
])('what the direction allows is no breach: %s → %s', (file, specifier) => {
  expect(breachesOf(file, `import { x } from '${specifier}'\n`)).toEqual([])
})

it('an import that only a comment speaks of is none', () => {
  const content =
    "/** Never write\n * import { Hono } from 'hono'\n */\n// import 'hono'\nexport const home = 'https://x.test'\n"
  expect(breachesOf('src/domain/user.ts', content)).toEqual([])
})

it('a folder without a rule is found', () => {
  expect(breachesOf('src/adapters/sqlite/users.ts', '')).toEqual([
    'src/adapters/sqlite/users.ts: has no place in the house: give its folder a rule',
  ])
})

describe('form', () => {
  const file = 'src/domain/user.ts'

  it('a file may have 250 lines and not one more, unless its data is generated', () => {
    expect(breachesOf(file, '\n'.repeat(249).concat('export {}\n'))).toEqual([])
    expect(breachesOf(file, '\n'.repeat(250).concat('export {}\n'))).toEqual([`${file}: has 251 lines, more than 250`])
    const data = 'src/domain/password-policy/common-passwords.ts'
    expect(breachesOf(data, '\n'.repeat(9_999).concat('export {}\n'))).toEqual([])
  })

  it.each([
    ['let x: any'],
    ['const x = y as any'],
    ['let x: any[]'],
    ['let x: Array<any>'],
    ['let x: Record<string, any>'],
    ['type X = string | any'],
    ['function f(x: any) {}'],
    ['type X<T extends any> = T'],
    ['type X = any'],
  ])('the type any is found: %s', (content) => {
    expect(breachesOf(file, `${content}\n`)).toEqual([`${file}: uses the type any`])
  })

  it.each([['sql`id = any(list)`'], ['// any of them'], ["const any = 'of them'"], ['const many: Company = company']])(
    'what only looks like it is not: %s',
    (content) => {
      expect(breachesOf(file, `${content}\n`)).toEqual([])
    },
  )

  it.each([
    ['src/domain/utils.ts'],
    ['src/services/utils/text.ts'],
    ['src/http/date-helpers.ts'],
    ['src/domain/key-manager.ts'],
  ])('a name that says nothing is found: %s', (name) => {
    expect(breachesOf(name, '')).toEqual([`${name}: has a name that says nothing`])
  })

  it('a name in another case is found', () => {
    expect(breachesOf('src/domain/OneTimeCode.ts', '')).toEqual([
      'src/domain/OneTimeCode.ts: is not named in kebab-case',
    ])
  })
})
