import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { StartError } from './start-error.ts'

export interface BackendsOptions {
  /** Where the database and the mails are kept; `null` = in memory. The caller holds a lock on it. */
  folder: string | null
  /** A test run: databases of its own, made on demand (dev/scratch-databases.ts) and dropped at the end. */
  scratch?: boolean
  /** A real PostgreSQL to stand the Neon front before; without it an embedded one. */
  databaseUrl?: string | undefined
  /** A real Redis to stand the Upstash front before; without it an embedded one. */
  redisUrl?: string | undefined
  /** SQL over HTTP that is there already: no front is started, and `databaseUrl` goes to it as it is. */
  neonEndpoint?: string | undefined
  /** An Upstash REST server that is there already: no front is started. */
  upstash?: { url: string; token: string } | undefined
  /** Made up when missing: the password of the embedded database, the bearer tokens of the Upstash front and of the mailbox. */
  databasePassword?: string
  upstashToken?: string
  mailKey?: string
  /** Taken if free. */
  mailboxPort?: number
  migrationsFolder?: string
}

/** Where everything is. */
export interface BackendUrls {
  /** What goes with `neonUrl`: on a real server its own URL, else one of the embedded database. */
  databaseUrl: string
  neonUrl: string
  /** `null` when only Upstash's REST side is known. */
  redisUrl: string | null
  upstashUrl: string
  upstashToken: string
  mailboxUrl: string
  mailKey: string
  breachUrl: string
  /** Migration files applied now; the database was empty before when they are all there are. */
  migrated: { applied: string[]; total: number }
}

export interface Backends extends BackendUrls {
  readonly pid: number
  /** The child's exit code (`null` = killed). Nothing to catch: it never rejects. */
  readonly exited: Promise<number | null>
  /** Closes everything in order. */
  stop(): Promise<void>
}

export type ParentMessage = { type: 'start'; options: BackendsOptions }
export type ChildMessage =
  | { type: 'progress'; text: string }
  | ({ type: 'ready' } & BackendUrls)
  | { type: 'failed'; message: string }

/**
 * Starts databases, fronts, mailbox and breach stand-in in a child process (their bundlers' `browser` builds must not be picked up by a test
 * runner, and their work must not stand in anybody's way) and applies the migrations. The child ends when this process does, however it ends.
 * @param onProgress is told what is being done, `onSpawn` the child's pid before it opens anything; `signal` gives the start up
 * @throws {StartError} one line naming what is wrong and the mend; the signal's reason
 */
export async function startBackends(
  options: BackendsOptions,
  {
    onProgress,
    onSpawn,
    signal,
  }: {
    onProgress?: (text: string) => void
    onSpawn?: (pid: number) => void | Promise<void>
    signal?: AbortSignal
  } = {},
): Promise<Backends> {
  // A group of its own, so that Ctrl-C reaches only this process, which then ends things in order.
  const child = fork(join(import.meta.dirname, 'backends.ts'), {
    execArgv: [],
    detached: process.platform !== 'win32',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  await onSpawn?.(pid)
  const stop = (graceMs = 30_000) => stopChild(child, exited, graceMs)

  let doing = 'starting'
  const urls = await new Promise<BackendUrls>((resolve, reject) => {
    child.on('message', (message: ChildMessage) => {
      if (message.type === 'ready') resolve(message)
      else if (message.type === 'failed') reject(new StartError(message.message))
      else {
        doing = message.text
        onProgress?.(message.text)
      }
    })
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    if (signal?.aborted) reject(signal.reason)
    exited.then((code) => reject(new StartError(`The local stack ended (exit code ${code}) while ${doing}.`)))
    child.send({ type: 'start', options } satisfies ParentMessage)
  }).catch(async (error: unknown) => {
    // A half-made database is begun anew, and one that is open survives this; a test run's databases on a real server would stay there.
    await stop(options.scratch ? undefined : 2_000)
    throw error
  })
  return { ...urls, pid, exited, stop: () => stop() }
}

/** A child that makes a database hears nothing for seconds; after the grace it is not waited for any longer. */
async function stopChild(child: ChildProcess, exited: Promise<number | null>, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  if (child.connected) child.disconnect()
  const kill = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await exited
  clearTimeout(kill)
}
