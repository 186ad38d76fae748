import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { parseEmail } from '../src/domain/email.ts'
import { writeAtomically } from './atomic-file.ts'

/** A mail as it was handed in. */
export interface Mail {
  from: string
  to: string[]
  subject: string
  text: string
  html: string
}

export interface StoredMail extends Mail {
  id: string
  /** RFC 3339. */
  at: string
}

export interface MailStore {
  /** Newest first; with an address, only what went to it, whatever the case of its letters. */
  list(to?: string): StoredMail[]
  add(mail: Mail, idempotencyKey: string | undefined): { id: string; fresh: boolean } | 'key used for another mail'
  /** Writes what is not written yet. */
  close(): Promise<void>
}

const capacity = 1_000
const keyLifetimeMs = 24 * 3_600 * 1_000
/** Many mails at once are one write; a crash loses at most this much. */
const writeDelayMs = 200

/**
 * The newest 1,000 mails, kept in `file` when one is given. The same idempotency key within 24 hours stands for the mail it came with first.
 * @throws when the file is there and cannot be read
 */
export async function openMailStore(file: string | null, now: () => number = Date.now): Promise<MailStore> {
  let mails: StoredMail[] = file === null ? [] : await readMails(file)
  const keys = new Map<string, { id: string; content: string; at: number }>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const write = () => {
    clearTimeout(timer)
    timer = undefined
    if (file === null) return
    writing = writing.then(() => writeAtomically(file, JSON.stringify(mails)))
    writing = writing.catch((error: unknown) => console.error(`mailbox: cannot write ${file}:`, error))
  }
  return {
    list(to) {
      const wanted = to === undefined ? undefined : addressOf(to)
      return wanted === undefined ? mails : mails.filter((mail) => mail.to.some((each) => addressOf(each) === wanted))
    },
    add(mail, idempotencyKey) {
      const content = JSON.stringify(mail)
      const known = idempotencyKey === undefined ? undefined : keys.get(idempotencyKey)
      if (known !== undefined && now() - known.at < keyLifetimeMs) {
        return known.content === content ? { id: known.id, fresh: false } : 'key used for another mail'
      }
      const id = randomUUID()
      mails = [{ id, at: new Date(now()).toISOString(), ...mail }, ...mails].slice(0, capacity)
      if (idempotencyKey !== undefined) {
        keys.delete(idempotencyKey)
        keys.set(idempotencyKey, { id, content, at: now() })
        const oldest = keys.keys().next().value
        if (keys.size > 10 * capacity && oldest !== undefined) keys.delete(oldest)
      }
      timer ??= setTimeout(write, writeDelayMs)
      return { id, fresh: true }
    },
    async close() {
      if (timer !== undefined) write()
      await writing
    },
  }
}

/** The address of `Name <address>`, so that two spellings of one mailbox are the same. */
function addressOf(recipient: string): string {
  const address = (/<([^<>]+)>\s*$/.exec(recipient)?.[1] ?? recipient).trim()
  return parseEmail(address)?.canonical ?? address.toLowerCase()
}

async function readMails(file: string): Promise<StoredMail[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  try {
    const mails: unknown = JSON.parse(text)
    if (Array.isArray(mails)) return mails
  } catch {
    // Told below.
  }
  throw new Error(`the mailbox file ${file} is damaged: delete it`)
}
