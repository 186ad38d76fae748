import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'

const root = join(import.meta.dirname, '..', '..')

/** A Worker that tells what the stack gave it, so that the stack is tested without the service. */
const worker = `let fired = 0
export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url)
    if (pathname === '/healthz') return new Response('ok')
    return Response.json(pathname === '/fired' ? fired : env)
  },
  scheduled() { fired += 1 },
}`

const wranglerToml = `name = "postern-test"
main = "src/index.js"
compatibility_date = "2026-10-23"
[triggers]
crons = ["* * * * *"]
[vars]
ISSUER = "http://wrangler.toml.test"
`

/** A project folder of the running test's own, with a Worker that only mirrors its settings. */
export async function projectFolder(): Promise<string> {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'src'))
  await writeFile(join(folder, 'wrangler.toml'), wranglerToml)
  await writeFile(join(folder, 'src', 'index.js'), worker)
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
  return folder
}

export interface StackProcess {
  readonly pid: number
  /** Everything it has printed so far, on both streams. */
  output(): string
  /** Resolves when it has printed the text; rejects, with what it did print, when it ends before that. */
  printed(text: string): Promise<void>
  /** The exit code, or the signal that killed it. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>
  /** Every process that it has started, and theirs. */
  descendants(): number[]
}

/** Runs dev/main.ts as npm would. Whatever the test leaves running is killed when it ends, by process id. */
export function startStack(
  folder: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): StackProcess {
  const child: ChildProcess = spawn(process.execPath, [join(root, 'dev', 'main.ts'), ...args], {
    cwd: folder,
    env: { ...cleanEnvironment(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      for (const look of waiting) look()
    })
  }
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'))
  })
  const pid = child.pid ?? 0
  const seen = new Set<number>()
  const descendants = () => {
    for (const each of descendantsOf(pid)) seen.add(each)
    return [...seen]
  }
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      await ended
    }
    for (const each of seen) if (isRunning(each)) process.kill(each, 'SIGKILL')
  })
  return {
    pid,
    output: () => output,
    ended,
    descendants,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!output.includes(text)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
        ended.then((how) =>
          reject(new Error(`the stack ended (${how}) without printing ${JSON.stringify(text)}:\n${output}`)),
        )
      }),
    end(signal) {
      descendants()
      child.kill(signal)
      return ended
    },
  }
}

/** Without the settings of whoever runs the tests. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LANG } = process.env
  return { PATH, HOME, TMPDIR, LANG, NO_COLOR: '1' }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const stat = `/proc/${pid}/stat`
  // Ended, but not yet fetched by its parent.
  return !existsSync(stat) || !/^\d+ \(.*\) Z /s.test(readFileSync(stat, 'utf8'))
}

/** Linux only: elsewhere there is no /proc, and the tests look at ports and at the lock file alone. */
function descendantsOf(pid: number): number[] {
  if (!existsSync('/proc')) return []
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        return [{ pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) }]
      } catch {
        return [] // It ended while we were reading.
      }
    })
  const below = (parent: number): number[] =>
    parents.filter((each) => each.parent === parent).flatMap((each) => [each.pid, ...below(each.pid)])
  return below(pid)
}

/** A port that nothing listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
