import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..')

export interface BuiltWorker {
  url: URL
  stop(): Promise<void>
}

/**
 * Builds the Worker as `npm run deploy` does and serves it by workerd alone. `wrangler dev` and its test harness put a proxy before it that
 * costs more than most of our requests, and would be what is measured.
 */
export async function serveBuiltWorker(bindings: Readonly<Record<string, string>>): Promise<BuiltWorker> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-bench-'))
  try {
    await build(folder)
    const port = await freePort()
    const config = join(folder, 'config.capnp')
    await writeFile(config, await describeWorker(folder, port, bindings), { mode: 0o600 })
    const workerd = spawn(workerdBinary(), ['serve', config], { stdio: ['ignore', 'ignore', 'inherit'] })
    const exited = once(workerd, 'exit')
    const stop = async () => {
      workerd.kill()
      await exited
      await rm(folder, { recursive: true })
    }
    const url = new URL(`http://127.0.0.1:${port}`)
    if (await answers(url)) return { url, stop }
    await stop()
    throw new Error('workerd does not serve the Worker; what it said above tells why')
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function build(folder: string): Promise<void> {
  const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js')
  const options = ['deploy', '--dry-run', '--minify', '--env', 'production', '--outdir', folder]
  await promisify(execFile)(process.execPath, [wrangler, ...options], { cwd: root })
}

/** The one that wrangler brings along. */
function workerdBinary(): string {
  const fromWrangler = createRequire(import.meta.resolve('wrangler'))
  return fromWrangler('workerd').default
}

async function describeWorker(folder: string, port: number, bindings: Readonly<Record<string, string>>) {
  const date = /^compatibility_date = "([\d-]+)"$/m.exec(await readFile(join(root, 'wrangler.toml'), 'utf8'))?.[1]
  if (date === undefined) throw new Error('wrangler.toml has no compatibility_date')
  const wasm = (await readdir(folder)).filter((file) => file.endsWith('.wasm'))
  const modules = [
    '(name = "index.js", esModule = embed "index.js")',
    ...wasm.map((file) => `(name = "./${file}", wasm = embed "${file}")`),
  ]
  const texts = Object.entries(bindings).map(([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`)
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "postern", worker = .postern),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "postern")],
);
# nodejs_compat is the default since 2026-08-04.
const postern :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  compatibilityDate = "${date}",
  bindings = [${texts.join(', ')}],
);
`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Whether the Worker is well once it answers at all. */
async function answers(url: URL): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    const ok = await fetch(new URL('/healthz', url)).then(
      (response) => response.ok,
      () => null, // Not listening yet.
    )
    if (ok !== null) return ok
    await sleep(100)
  }
  return false
}
