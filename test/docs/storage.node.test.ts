import { readFile } from 'node:fs/promises'
import { Redis } from '@upstash/redis'
import { getTableName, is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import { describe, expect, inject, it } from 'vitest'
import * as schema from '../../src/adapters/neon/schema.ts'
import { upstashRateLimiter } from '../../src/adapters/upstash/rate-limiter.ts'
import { upstashRevocationSet } from '../../src/adapters/upstash/revocation-set.ts'
import { commonPasswords } from '../../src/domain/password-policy/common-passwords.ts'
import { defaultRateLimits, limitedRoutes } from '../../src/domain/rate-limits.ts'
import { revokedToken } from '../../src/domain/revocation.ts'
import { tableUnder } from './markdown.ts'

const page = await readFile('docs/storage.md', 'utf8')

describe('docs/storage.md', () => {
  it('lists the tables of the schema, each once', () => {
    const listed = tableUnder(page, '## Postgres').map(([name]) => name)
    const tables = Object.values(schema)
      .filter((each) => is(each, PgTable))
      .map((table) => getTableName(table))
    expect(listed.sort()).toEqual(tables.sort())
  })

  it('lists the Redis keys that the adapters use, each once', async () => {
    const deployment = crypto.randomUUID()
    // Not the service's own connection: its time-out is for users, and a busy machine may be slower.
    const redis = new Redis({ url: inject('upstashUrl'), token: inject('upstashToken') })
    const set = upstashRevocationSet(redis, deployment)
    const now = Math.floor(Date.now() / 1_000)
    await set.claimSync()
    await set.add([{ member: revokedToken('x'), score: now + 60 }])
    await set.plant('sync:x', now + 60)
    expect(await set.commit('sync:x', [], Date.now() + 3_000, now)).toBe(true)
    const fallbacks: unknown[] = []
    const limiter = upstashRateLimiter(redis, deployment, defaultRateLimits, Date.now, (error) => fallbacks.push(error))
    for (const route of limitedRoutes) await limiter.spend(route, { ip: 'network', account: 'account' })
    expect(fallbacks).toEqual([])

    const [, keys] = await redis.scan(0, { match: `postern:${deployment}:*`, count: 100_000 })
    const patterns = keys.map((key) =>
      key.replace(deployment, '<deployment>').replace(/:limit:[^:]+:.+:\d+$/, ':limit:<level>:<subject>:<window>'),
    )
    const listed = tableUnder(page, '## Redis').map(([key]) => key)
    expect(listed.sort()).toEqual([...new Set(patterns)].sort())
  })

  it('states the source and size of the common passwords', async () => {
    const file = await readFile('src/domain/password-policy/common-passwords.ts', 'utf8')
    const [, version] = /language-common (\d+\.\d+\.\d+)/.exec(file) ?? []
    const [, hash] = /SHA-256 ([0-9a-f]{64})/.exec(file) ?? []
    expect(page).toContain(`\`@zxcvbn-ts/language-common\` ${version} `)
    expect(page).toContain(String(hash))
    expect(page).toContain(`${file.length.toLocaleString('en')} bytes`)
    expect(commonPasswords.match(/[A-Z]/g)).toHaveLength(10_000)
  })
})
