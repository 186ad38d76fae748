import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { neon, neonConfig } from '@neondatabase/serverless'
import { describe, expect, it } from 'vitest'
import { isRunning, projectFolder, startStack } from '../support/stack-process.ts'

// The stack as a process, in a folder of its own. Without the Worker, which takes long to start: with it, main.long.test.ts.

const ready = 'Ctrl-C stops everything'
const readJson = async (file: string) => JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>

async function send(url: string, subject: string, key: string) {
  const body = JSON.stringify({ from: 'me@localhost', to: 'ada@example.test', subject, text: 'text' })
  const response = await fetch(`${url}/emails`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body })
  expect(response.status).toBe(200)
}

describe('npm run stack', { timeout: 90_000 }, () => {
  it('tells where everything is, keeps what was made, and leaves nothing behind, however it ends', async () => {
    const folder = await projectFolder()
    const file = (name: string) => join(folder, '.data', name)

    const first = startStack(folder, ['stack'])
    await first.printed(ready)
    const told = await readJson(file('dev.json'))
    expect(Object.keys(told)).toEqual([
      'url',
      'mailbox_url',
      'database_url',
      'neon_http_url',
      'redis_url',
      'upstash_url',
      'upstash_token',
      'metrics_token',
    ])
    expect(told.url).toBe('http://localhost:8787')
    for (const name of ['dev.json', 'secrets.json', 'lock', 'worker.env'])
      expect((await stat(file(name))).mode & 0o777).toBe(0o600)
    const devVars = await readFile(join(folder, '.dev.vars'), 'utf8')
    expect(devVars).toContain(`UPSTASH_REDIS_REST_TOKEN='${told.upstash_token}'`)
    const secrets = await readJson(file('secrets.json'))
    for (const secret of Object.values(secrets)) expect(first.output()).not.toContain(String(secret))

    neonConfig.fetchEndpoint = String(told.neon_http_url)
    await neon(String(told.database_url))`create table kept (n int)`
    await send(String(told.mailbox_url), 'kept', String(secrets.MAIL_API_KEY))

    const live = startStack(folder, ['stack'])
    expect(await live.ended).toBe(1)
    expect(live.output().trim()).toBe(
      `postern: Postern already runs in this folder: process ${first.pid}, http://localhost:8787. Stop it first: kill ${first.pid}`,
    )

    expect(await first.end('SIGINT')).toBe(0)
    expect(first.descendants().filter(isRunning)).toEqual([])
    for (const name of ['dev.json', 'lock', 'worker.env']) expect(existsSync(file(name)), name).toBe(false)
    expect(existsSync(join(folder, '.dev.vars'))).toBe(false)
    expect(first.output()).not.toMatch(/error|warn/i)

    const second = startStack(folder, ['stack'])
    await second.printed(ready)
    expect(await readJson(file('secrets.json'))).toEqual(secrets)
    const again = await readJson(file('dev.json'))
    expect(again.database_url).toBe(told.database_url)
    neonConfig.fetchEndpoint = String(again.neon_http_url)
    expect(await neon(String(again.database_url))`select count(*)::int as n from kept`).toEqual([{ n: 0 }])
    const mails = await (await fetch(`${again.mailbox_url}/messages?to=ada@example.test`)).json()
    expect(mails).toMatchObject([{ subject: 'kept' }])

    expect(await second.end('SIGKILL')).toBe('SIGKILL')
    await expect.poll(() => second.descendants().filter(isRunning), { timeout: 20_000 }).toEqual([])
    expect(existsSync(file('lock'))).toBe(true)

    await writeFile(join(folder, '.dev.vars'), 'ISSUER=mine\n')
    const third = startStack(folder, ['stack', '--port', '9999'])
    await third.printed(ready)
    expect(third.output()).toContain(`Taking over the lock of process ${second.pid}, which has ended.`)
    expect(third.output()).toContain(
      '.dev.vars is yours and stays as it is: npx wrangler dev --port 9999 --env-file .data/worker.env',
    )
    expect(await third.end('SIGTERM')).toBe(0)
    expect(third.descendants().filter(isRunning)).toEqual([])
    expect(await readFile(join(folder, '.dev.vars'), 'utf8')).toBe('ISSUER=mine\n')
  })

  it('ends at once when it is interrupted while starting', async () => {
    const folder = await projectFolder()
    const stack = startStack(folder, ['stack'])
    await stack.printed('opening the embedded Postgres')
    expect(await stack.end('SIGINT')).toBe(0)
    expect(stack.descendants().filter(isRunning)).toEqual([])
    expect(existsSync(join(folder, '.data', 'lock'))).toBe(false)
  })
})
