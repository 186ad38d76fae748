import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A running HTTP server of the local stack. Always on the loopback interface. */
export interface HttpService {
  /** Without a final slash. */
  readonly url: string
  readonly port: number
  /** Ends open connections too. */
  close(): Promise<void>
}

export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'
}

const host = '127.0.0.1'
const ownNames = new Set([host, 'localhost', '[::1]'])

/**
 * Serves `handle` on the loopback interface. Port 0 takes any; with `orAny` a taken port gives way to any other.
 * @throws the system's error (`EADDRINUSE`) when the port is taken and `orAny` is not set
 */
export async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  { port = 0, orAny = false }: { port?: number; orAny?: boolean } = {},
): Promise<HttpService> {
  const server = createServer((request, response) => {
    // A page of another site can point its own name at 127.0.0.1 (DNS rebinding) and would read mails and data here.
    if (!ownNames.has((request.headers.host ?? '').replace(/:\d+$/, ''))) {
      sendText(response, 403, 'text/plain', 'This address answers only to localhost.')
      return
    }
    handle(request, response).catch((error: unknown) => {
      console.error(`dev server: ${request.method} ${request.url?.split('?')[0]} failed:`, error)
      if (response.headersSent) response.destroy()
      else sendJson(response, 500, { message: 'internal error of the local stack' })
    })
  })
  server.keepAliveTimeout = 65_000

  const listen = (wanted: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(wanted, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  try {
    await listen(port)
  } catch (error) {
    if (!orAny || !(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    await listen(0)
  }

  const address = server.address() as AddressInfo
  return {
    url: `http://${host}:${address.port}`,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The request's body. @throws {BodyTooLarge} after `limit` bytes */
export async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  // Leaving the loop early must not cut the connection: the refusal still has to go out.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > limit) throw new BodyTooLarge(`request is too large (max is ${limit} bytes)`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  sendText(response, status, 'application/json', JSON.stringify(body))
}

export function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  // An unread rest of the request would be taken for the connection's next request.
  if (!response.req.complete) response.setHeader('connection', 'close')
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  response.end(text)
}
