import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeAtomically } from './atomic-file.ts'
import { StartError } from './start-error.ts'

/** A process, told from a later one with the same number by when it started. */
interface Holder {
  pid: number
  started: string | null
}

interface Content {
  url: string
  holders: Holder[]
}

export interface Lock {
  /** Another process that must have ended before anybody takes the lock over: the one that has the database open. */
  addHolder(pid: number): Promise<void>
  release(): Promise<void>
}

/**
 * Takes the data folder for this process: PGlite has no lock of its own, and two processes on one folder destroy it. The lock of processes that
 * have all ended is taken over.
 * @param url told to whoever comes second
 * @param onNotice is told, in one line, of a stale lock and of waiting for a database to be closed
 * @throws {StartError} naming the process that has it
 */
export async function takeLock(file: string, url: string, onNotice: (line: string) => void): Promise<Lock> {
  const content: Content = { url, holders: [identify(process.pid)] }
  while (!(await create(file, content))) await clearStale(file, onNotice)

  return {
    async addHolder(pid) {
      content.holders.push(identify(pid))
      await writeAtomically(file, JSON.stringify(content))
    },
    release: () => rm(file, { force: true }),
  }
}

/** A link appears whole or not at all, and never over another. */
async function create(file: string, content: Content): Promise<boolean> {
  const fresh = `${file}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  await writeFile(fresh, JSON.stringify(content), { mode: 0o600, flush: true })
  try {
    await link(fresh, file)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await rm(fresh, { force: true })
  }
}

async function clearStale(file: string, onNotice: (line: string) => void): Promise<void> {
  const found = await readLock(file)
  if (found === null) return
  const [main, ...others] = found.content?.holders ?? []
  if (main !== undefined && isAlive(main)) {
    throw new StartError(
      `Postern already runs in this folder: process ${main.pid}, ${found.content?.url}. Stop it first: kill ${main.pid}`,
    )
  }
  for (const holder of others) await waitForEnd(holder, onNotice)

  // Moved aside instead of deleted: should somebody else have taken it over in the meantime, it goes back.
  const aside = `${file}.${process.pid}.stale`
  try {
    await rename(file, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  if ((await readFile(aside, 'utf8')) === found.text) {
    onNotice(`Taking over the lock of process ${main?.pid ?? '?'}, which has ended.`)
    await rm(aside)
  } else {
    await rename(aside, file)
  }
}

async function waitForEnd(holder: Holder, onNotice: (line: string) => void): Promise<void> {
  if (!isAlive(holder)) return
  onNotice(`Waiting for process ${holder.pid} to close the database.`)
  const deadline = performance.now() + 20_000
  while (isAlive(holder)) {
    if (performance.now() > deadline) {
      throw new StartError(`Process ${holder.pid} still has the database open. End it first: kill ${holder.pid}`)
    }
    await sleep(100)
  }
}

async function readLock(file: string): Promise<{ text: string; content: Content | null } | null> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
  try {
    const content: Content = JSON.parse(text)
    return { text, content: Array.isArray(content.holders) ? content : null }
  } catch {
    return { text, content: null } // Nobody can be found by it, so nobody has it.
  }
}

function identify(pid: number): Holder {
  return { pid, started: startOf(pid) }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!hasCode(error, 'EPERM')) return false
  }
  const now = startOf(pid)
  return now !== 'ended' && (started === null || now === null || now === started)
}

/** When the process started, in the system's own words; `null` where the system does not tell. */
function startOf(pid: number): string | null {
  try {
    // Linux: the 22nd field. The second, the program's name in brackets, may hold blanks and brackets itself.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? null)
  } catch {
    try {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim()
    } catch {
      return null
    }
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
