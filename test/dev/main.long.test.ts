import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freePort, isRunning, projectFolder, startStack } from '../support/stack-process.ts'

const ready = 'Ctrl-C stops everything'

describe('npm run dev', () => {
  it('runs the Worker with the stack’s settings and those of the environment, and none of .dev.vars', async () => {
    const folder = await projectFolder()
    await writeFile(join(folder, '.dev.vars'), 'ISSUER=mine\nSESSIONS_PER_USER=3\n')
    const port = await freePort()
    const limits = `{"*":"off","x":"it's $HOME"}`
    const stack = startStack(folder, ['--port', String(port)], { RATE_LIMITS: limits, PASSWORD_MIN_LENGTH: '8' })
    await stack.printed(ready)

    const told = JSON.parse(await readFile(join(folder, '.data', 'dev.json'), 'utf8'))
    expect(told.url).toBe(`http://localhost:${port}`)
    const given = (await (await fetch(told.url)).json()) as Record<string, string>
    expect(given).toMatchObject({
      ISSUER: told.url,
      RATE_LIMITS: limits,
      PASSWORD_MIN_LENGTH: '8',
      ENVIRONMENT: 'development',
      DATABASE_URL: told.database_url,
      NEON_FETCH_ENDPOINT: told.neon_http_url,
      METRICS_TOKEN: told.metrics_token,
      MAIL_ENDPOINT: `${told.mailbox_url}/emails`,
    })
    expect(given).not.toHaveProperty('SESSIONS_PER_USER')
    const commands = await Promise.all(
      stack.descendants().map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
    )
    expect(commands.join(' ')).toContain('wrangler')
    for (const name of [
      'TOKEN_SECRET',
      'KEY_ENCRYPTION_KEY',
      'MAIL_API_KEY',
      'UPSTASH_REDIS_REST_TOKEN',
      'DATABASE_URL',
    ]) {
      expect(commands.join(' '), name).not.toContain(given[name])
    }
    await expect
      .poll(async () => (await fetch(`${told.url}/fired`)).json(), { timeout: 75_000, interval: 1_000 })
      .toBeGreaterThan(0)

    expect(await stack.end('SIGINT')).toBe(0)
    expect(stack.descendants().length).toBeGreaterThan(2)
    expect(stack.descendants().filter(isRunning)).toEqual([])
    expect(stack.output()).not.toMatch(/error|warn/i)
    await expect(fetch(told.url)).rejects.toThrow()
  })

  it('killed without a chance to clean up leaves neither wrangler nor workerd nor the databases', async () => {
    const port = await freePort()
    const stack = startStack(await projectFolder(), ['--port', String(port)])
    await stack.printed(ready)
    expect(await stack.end('SIGKILL')).toBe('SIGKILL')
    expect(stack.descendants().length).toBeGreaterThan(2)
    await expect.poll(() => stack.descendants().filter(isRunning), { timeout: 20_000 }).toEqual([])
    await expect(fetch(`http://localhost:${port}`)).rejects.toThrow()
  })

  it('ends when one of its parts ends by itself', async () => {
    const folder = await projectFolder()
    const stack = startStack(folder, ['--port', String(await freePort())])
    await stack.printed(ready)
    const lock = JSON.parse(await readFile(join(folder, '.data', 'lock'), 'utf8'))
    stack.descendants()
    process.kill(lock.holders[1].pid, 'SIGKILL')
    expect(await stack.ended).toBe(1)
    expect(stack.output()).toContain('postern: The databases ended by themselves (exit code null).')
    expect(stack.descendants().filter(isRunning)).toEqual([])
  })
})
