import type { Password } from '../../domain/password-policy.ts'
import type { BreachedPasswords } from '../../ports.ts'

const timeoutMs = 1_000
/** A padded answer is about 35 KB. */
const maximumBytes = 256 * 1_024
const line = /^([0-9A-F]{35}):(\d{1,10})$/

/**
 * Have I Been Pwned's range API (haveibeenpwned.com/API/v3#PwnedPasswords), or a mirror of it: `endpoint` ends where the prefix
 * begins. k-anonymity: the first 20 bits of the password's SHA-1 leave this machine, and padding hides from the network how many answers there were.
 */
export function hibpBreachedPasswords({
  endpoint,
  fetch = globalThis.fetch.bind(globalThis),
}: {
  endpoint: string
  fetch?: (url: string, init: RequestInit) => Promise<Response>
}): BreachedPasswords {
  async function ask(prefix: string): Promise<string | null> {
    try {
      const response = await fetch(endpoint + prefix, {
        headers: { 'Add-Padding': 'true', 'User-Agent': 'Postern' },
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      })
      return response.status === 200 ? await readCapped(response) : null
    } catch {
      // Time-out, refused connection, cut answer: all are «could not ask», which the port reports as null and the caller audits.
      return null
    }
  }

  return {
    async count(password) {
      const hash = await sha1(password)
      const answer = await ask(hash.slice(0, 5))
      return answer === null ? null : findCount(answer, hash.slice(5))
    },
  }
}

async function sha1(password: Password): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(password))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()
}

/** The body, or `null` when it is larger than any honest answer. The time-out of the request covers the reading too. */
async function readCapped(response: Response): Promise<string | null> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    // Leaving the loop cancels the stream.
    if (bytes > maximumBytes) return null
    text += decoder.decode(chunk, { stream: true })
  }
  return text
}

/** `null` when any line is not of the API's form, or there is none: the API has answers for every prefix. Padding has count 0. */
function findCount(answer: string, suffix: string): number | null {
  let count = 0
  for (const text of answer.trimEnd().split(/\r?\n/)) {
    const [, candidate, times] = line.exec(text) ?? []
    if (candidate === undefined) return null
    if (candidate === suffix) count = Number(times)
  }
  return count
}
