import { createHash } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeAtomically } from './atomic-file.ts'
import { banner } from './banner.ts'
import { startCron } from './cron.ts'
import { ensureDemoAdmin } from './demo-admin.ts'
import { removeDevVars, writeDevVars } from './dev-vars.ts'
import { takeLock } from './lock.ts'
import { openSecrets, type RememberedAdmin, type SecretStore } from './secrets.ts'
import { readArguments, readServers } from './stack-options.ts'
import { type Backends, startBackends } from './start-backends.ts'
import { StartError } from './start-error.ts'
import { formatSettings, workerSettings } from './worker-settings.ts'
import { checkPort, startWrangler, type Wrangler } from './wrangler.ts'

// `npm run dev` (everything) and `npm run stack` (everything but the Worker), in the folder that holds wrangler.toml. Data and secrets: `.data/`.

const data = '.data'
const healthTimeoutMs = 90_000

type Close = () => unknown

const say = (line: string) => console.log(line)

/**
 * Brings everything up, in order, telling `onClose` how to bring each part down, and stays.
 * @throws {StartError} when something cannot start, or ends by itself; the signal's reason when that aborts
 */
async function run(args: readonly string[], onClose: (close: Close) => void, signal: AbortSignal): Promise<never> {
  const { worker, port } = readArguments(args)
  const url = `http://localhost:${port}`
  const servers = readServers(process.env)
  await mkdir(data, { recursive: true, mode: 0o700 })
  const lock = await takeLock(`${data}/lock`, url, say)
  onClose(() => lock.release())
  if (worker) await checkPort(port)

  const store = await openSecrets(`${data}/secrets.json`)
  const { secrets } = store
  const backends = await startBackends(
    {
      ...servers,
      folder: data,
      databasePassword: secrets.DATABASE_PASSWORD,
      upstashToken: secrets.UPSTASH_REDIS_REST_TOKEN,
      mailKey: process.env.MAIL_API_KEY || secrets.MAIL_API_KEY,
      mailboxPort: 8790,
    },
    { onProgress: (text) => say(`  ${text} …`), onSpawn: (pid) => lock.addHolder(pid), signal },
  )
  onClose(() => backends.stop())
  const settings = workerSettings({ port, secrets, backends, environment: process.env })
  const envFile = `${data}/worker.env`
  await writeAtomically(envFile, formatSettings(settings, '--env-file'))
  onClose(() => rm(envFile, { force: true }))

  signal.throwIfAborted()
  let wrangler: Wrangler | null = null
  if (worker) {
    say('  starting the Worker …')
    wrangler = startWrangler({ port, envFile })
    onClose(wrangler.stop)
  }
  const [admin] = await Promise.all([
    makeAdmin(store, backends, settings, signal),
    wrangler && waitForWorker(url, wrangler, signal),
  ])
  await writeAtomically(`${data}/dev.json`, describe(url, backends, settings))
  onClose(() => rm(`${data}/dev.json`, { force: true }))
  const devVars = worker ? null : await provideDevVars(settings, envFile, port, onClose)
  onClose(startCron(url, { optional: !worker }))
  say(banner({ url, mailboxUrl: backends.mailboxUrl, admin, devVars }))

  const endings = [backends.exited.then((code) => `The databases ended by themselves (exit code ${code}).`)]
  if (wrangler) endings.push(wrangler.exited.then((code) => `wrangler ended by itself (exit code ${code}).`))
  throw new StartError(await Promise.race([...endings, aborted(signal)]))
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** Scripts wait for this file: it is there exactly while everything runs. */
function describe(url: string, backends: Backends, settings: Readonly<Record<string, string>>): string {
  const content = {
    url,
    mailbox_url: backends.mailboxUrl,
    database_url: backends.databaseUrl,
    neon_http_url: backends.neonUrl,
    redis_url: backends.redisUrl,
    upstash_url: backends.upstashUrl,
    upstash_token: backends.upstashToken,
    metrics_token: settings.METRICS_TOKEN,
  }
  return `${JSON.stringify(content, null, 2)}\n`
}

/** Made once for each database, and remembered so that it can be printed again. Without one the stack is still of use. */
async function makeAdmin(
  store: SecretStore,
  { databaseUrl, migrated }: Backends,
  settings: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<RememberedAdmin | null> {
  const database = createHash('sha256').update(databaseUrl).digest('base64url')
  const fresh = migrated.applied.length === migrated.total
  if (store.admin?.database === database && !fresh) return store.admin
  try {
    const made = await ensureDemoAdmin(settings, signal)
    if (made === null) return null
    const admin = { ...made, database }
    await store.rememberAdmin(admin)
    return admin
  } catch (error) {
    signal.throwIfAborted()
    console.error(`  No demo administrator could be made: ${error instanceof Error ? error.message : error}`)
    return null
  }
}

async function waitForWorker(url: string, { exited }: Wrangler, signal: AbortSignal): Promise<void> {
  let over: number | null | 'running' = 'running'
  exited.then((code) => {
    over = code
  })
  const started = performance.now()
  let told = started
  while (over === 'running') {
    signal.throwIfAborted()
    const status = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(5_000) }).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status
      },
      () => 'nothing', // Not listening yet.
    )
    if (status === 200) return
    const now = performance.now()
    if (now - started > healthTimeoutMs) break
    if (now - told > 10_000) {
      told = now
      say(`  waiting for the Worker: /healthz answers ${status} …`)
    }
    await sleep(200)
  }
  throw new StartError('The Worker does not start; what wrangler said above tells why.')
}

async function provideDevVars(
  settings: Readonly<Record<string, string>>,
  envFile: string,
  port: number,
  onClose: (close: Close) => void,
): Promise<string> {
  const command = `npx wrangler dev${port === 8787 ? '' : ` --port ${port}`}`
  const ours = await writeDevVars('.dev.vars', formatSettings(settings, '.dev.vars'))
  if (!ours) return `.dev.vars is yours and stays as it is: ${command} --env-file ${envFile}`
  onClose(() => removeDevVars('.dev.vars'))
  return command
}

const closers: Close[] = []
const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    if (stopping.signal.aborted) process.exit(1) // Asked twice: the children end by themselves once we are gone.
    stopping.abort()
  })
}
try {
  await run(process.argv.slice(2), (close) => closers.push(close), stopping.signal)
} catch (error) {
  if (!stopping.signal.aborted) {
    console.error(error instanceof StartError ? `postern: ${error.message}` : error)
    process.exitCode = 1
  }
}
for (const close of closers.reverse()) await close()
process.exit()
