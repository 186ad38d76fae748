import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { neon } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { migrate as drizzleMigrate } from 'drizzle-orm/neon-http/migrator'
import { describe, expect, inject, it } from 'vitest'
import { MigrationError, migrate } from '../../../src/adapters/neon/migrate.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

// One database without tables for the file: each embedded one takes seconds to make. The tests follow each other.
const url = new URL(inject('databaseUrl'))
url.pathname = '/postern_test_empty_migrate'
const databaseUrl = url.href
const endpoint = inject('neonUrl')
const query = neon(databaseUrl)

async function migrationsFolder(files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'meta'))
  const entries = Object.keys(files).map((tag, idx) => ({
    idx,
    version: '7',
    when: 1_000 + idx,
    tag,
    breakpoints: true,
  }))
  await writeFile(
    join(folder, 'meta', '_journal.json'),
    JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
  )
  for (const [tag, text] of Object.entries(files)) await writeFile(join(folder, `${tag}.sql`), text)
  return folder
}

const one = 'create table migrated_a (n int);--> statement-breakpoint\ninsert into migrated_a values (1);'
const two = 'create table migrated_b (n int);'
const journal = () => query`select hash, created_at from drizzle.__drizzle_migrations order by created_at`

describe('migrate', { timeout: 60_000 }, () => {
  it('does nothing for a folder without a journal', async () => {
    expect(await migrate(databaseUrl, { endpoint, folder: await temporaryFolder() })).toEqual({ applied: [], total: 0 })
  })

  it('applies what is new, once, however many callers there are', async () => {
    const folder = await migrationsFolder({ '0000_one': one })
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => migrate(databaseUrl, { endpoint, folder })))
    expect(outcomes.flatMap(({ applied }) => applied)).toEqual([join(folder, '0000_one.sql')])
    expect(await query`select n from migrated_a`).toEqual([{ n: 1 }])
    expect(await journal()).toHaveLength(1)
  })

  it('keeps nothing of a migration that fails, and names file and SQLSTATE', async () => {
    const folder = await migrationsFolder({
      '0000_one': one,
      '0001_two': `${two}--> statement-breakpoint\ncreate table migrated_a (n int);`,
    })
    const error: unknown = await migrate(databaseUrl, { endpoint, folder }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(MigrationError)
    expect(error).toMatchObject({
      file: join(folder, '0001_two.sql'),
      sqlState: '42P07',
      message: `${join(folder, '0001_two.sql')} failed with SQLSTATE 42P07: relation "migrated_a" already exists`,
    })
    expect(await query`select to_regclass('migrated_b') as b`).toEqual([{ b: null }])
    expect(await journal()).toHaveLength(1)
  })

  it('does not repeat a row’s values in its error', async () => {
    const folder = await migrationsFolder({ '0000_one': one, '0001_two': `select 'hush@example.test'::int` })
    await expect(migrate(databaseUrl, { endpoint, folder })).rejects.toThrow(
      /0001_two\.sql failed with SQLSTATE 22P02$/,
    )
  })

  it('keeps the journal that drizzle’s own migrator keeps', async () => {
    const folder = await migrationsFolder({ '0000_one': one, '0001_two': two })
    expect((await migrate(databaseUrl, { endpoint, folder })).applied).toHaveLength(1)
    const ours = await journal()
    await drizzleMigrate(drizzle(query), { migrationsFolder: folder })
    expect(await journal()).toEqual(ours)

    const more = await migrationsFolder({
      '0000_one': one,
      '0001_two': two,
      '0002_three': 'create table migrated_c (n int);',
    })
    await drizzleMigrate(drizzle(query), { migrationsFolder: more })
    expect(await migrate(databaseUrl, { endpoint, folder: more })).toEqual({ applied: [], total: 3 })
  })

  it('says so when the database does not answer', async () => {
    const folder = await migrationsFolder({ '0000_one': one })
    await expect(migrate(databaseUrl, { endpoint: 'http://127.0.0.1:9/sql', folder })).rejects.not.toBeInstanceOf(
      MigrationError,
    )
    expect(await migrate(databaseUrl, { endpoint, folder })).toEqual({ applied: [], total: 1 })
  })
})
