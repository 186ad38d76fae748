import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isRunning, projectFolder, startStack } from '../support/stack-process.ts'

// The stack as a process, in a folder of its own. Without the Worker, which takes long to start: with it, main.long.test.ts.

describe('a start that cannot succeed says why in one line', { timeout: 30_000 }, () => {
  /** The last line printed, with the exit code 1 and nothing left running or locked. */
  async function refusal(
    folder: string,
    args: readonly string[],
    environment?: Record<string, string>,
  ): Promise<string> {
    const stack = startStack(folder, args, environment)
    expect(await stack.ended).toBe(1)
    expect(stack.descendants().filter(isRunning)).toEqual([])
    expect(existsSync(join(folder, '.data', 'lock'))).toBe(false)
    const lines = stack
      .output()
      .trim()
      .split('\n')
      .filter((line) => !line.endsWith('…'))
    expect(lines).toHaveLength(1)
    return lines[0] ?? ''
  }

  it('a port that is taken, before anything else starts', async () => {
    const server = createServer()
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    const folder = await projectFolder()
    expect(await refusal(folder, ['--port', String(port)])).toBe(
      `postern: Port ${port} is taken. Choose another: npm run dev -- --port ${port + 1}`,
    )
    expect(existsSync(join(folder, '.data', 'secrets.json'))).toBe(false)
  })

  it('a database folder that cannot be opened', async () => {
    const folder = await projectFolder()
    await mkdir(join(folder, '.data', 'pg'), { recursive: true })
    await writeFile(join(folder, '.data', 'pg', 'PG_VERSION'), '9\n')
    expect(await refusal(folder, ['stack'])).toMatch(
      /^postern: The database in \.data\/pg cannot be opened \(.+\)\. Delete it to begin anew: rm -r \.data\/pg$/,
    )
  })

  it.each([
    [
      { DATABASE_URL: 'postgres://me:hush@127.0.0.1:9/x' },
      /^postern: PostgreSQL at 127\.0\.0\.1:9\/x refuses \(.+\)\. Start it, or mend DATABASE_URL\.$/,
    ],
    [
      { REDIS_URL: 'redis://:hush@127.0.0.1:9' },
      /^postern: Redis at 127\.0\.0\.1:9 does not answer \(.+\)\. Start it, or mend REDIS_URL\.$/,
    ],
    [{ DATABASE_URL: 'hush' }, /^postern: DATABASE_URL must be a URL/],
  ])('a server that is not there: %j', async (environment, expected) => {
    const line = await refusal(await projectFolder(), ['stack'], environment as Record<string, string>)
    expect(line).toMatch(expected)
    expect(line).not.toContain('hush')
  })

  it('a command line that nobody understands', async () => {
    expect(await refusal(await projectFolder(), ['--prot', '1'])).toMatch(/^postern: Usage: npm run dev/)
  })
})
