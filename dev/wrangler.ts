import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StartError } from './start-error.ts'

export interface Wrangler {
  /** The exit code (`null` = killed). Never rejects. */
  readonly exited: Promise<number | null>
  stop(): Promise<void>
}

const here = import.meta.dirname

/** @throws {StartError} when something listens on the port already */
export async function checkPort(port: number): Promise<void> {
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer()
    server.listen(port, host)
    try {
      await once(server, 'listening')
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : ''
      if (code === 'EADDRINUSE')
        throw new StartError(`Port ${port} is taken. Choose another: npm run dev -- --port ${port + 1}`)
      if (code === 'EACCES')
        throw new StartError(`Port ${port} is not allowed. Choose another: npm run dev -- --port 8787`)
      if (host === '127.0.0.1') throw error // A machine may be without IPv6.
    }
    server.close()
  }
}

/** Runs `wrangler dev` in the current folder with the settings of `envFile`, in whose presence it does not read `.dev.vars`. */
export function startWrangler({ port, envFile }: { port: number; envFile: string }): Wrangler {
  const child = fork(
    // Not its bin: that is one more process between, which does not pass a disconnected parent on.
    join(here, '..', 'node_modules', 'wrangler', 'wrangler-dist', 'cli.js'),
    [
      'dev',
      ...['--port', String(port), '--env-file', envFile],
      ...['--log-level', process.env.WRANGLER_LOG || 'warn', '--show-interactive-dev-session=false'],
      '--test-scheduled', // Else it warns that nobody fires the cron: the stack does.
    ],
    {
      execArgv: ['--no-warnings', '--import', pathToFileURL(join(here, 'exit-with-parent.ts')).href],
      detached: process.platform !== 'win32', // Ctrl-C is for the stack, which ends things in order.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: {
        ...process.env,
        CLOUDFLARE_CF_FETCH_ENABLED: 'false',
        CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: 'true',
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_HIDE_BANNER: 'true',
        WRANGLER_WRITE_LOGS: 'false',
      },
    },
  )
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  return {
    exited,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const kill = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await exited
      clearTimeout(kill)
    },
  }
}
