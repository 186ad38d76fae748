import { createHash, randomBytes, randomInt } from 'node:crypto'
import { breachedPassphrases } from './breached-passphrases.ts'
import { type HttpService, sendText, serve } from './http-service.ts'

/** How often each passphrase is said to have been seen. */
const timesSeen = 4_711

/**
 * Have I Been Pwned's range API (`GET /range/<first 5 hex digits of the SHA-1>` → `SUFFIX:COUNT` lines), knowing `breachedPassphrases` only.
 * `Add-Padding: true` fills up to 800–1,000 lines with random suffixes of count 0, as the real one does.
 */
export function startBreachApi({ port = 0 }: { port?: number } = {}): Promise<HttpService> {
  const hashes = breachedPassphrases.map((text) => createHash('sha1').update(text).digest('hex').toUpperCase())
  return serve(
    async (request, response) => {
      const prefix = /^\/range\/([0-9a-f]{5})$/i.exec(request.url?.split('?')[0] ?? '')?.[1]?.toUpperCase()
      if (request.method !== 'GET' || prefix === undefined) {
        sendText(response, 400, 'text/plain', 'The hash prefix was not in a valid format')
        return
      }
      const lines = hashes.filter((hash) => hash.startsWith(prefix)).map((hash) => `${hash.slice(5)}:${timesSeen}`)
      if (request.headers['add-padding'] === 'true') {
        const length = randomInt(800, 1_001)
        while (lines.length < length) lines.push(`${randomBytes(18).toString('hex').slice(0, 35).toUpperCase()}:0`)
      }
      sendText(response, 200, 'text/plain', lines.sort().join('\r\n'))
    },
    { port },
  )
}
