import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Crowd, Exchange } from './exchange.ts'

/**
 * Sends at a constant rate whatever comes back, and counts each latency from the moment the request was due, so that a server which
 * stalls cannot hide behind a generator that waits for it (coordinated omission).
 * @returns milliseconds, one for each request
 * @throws when any answer is not a 200
 */
export async function openLoop(url: URL, crowd: Crowd, { rate, seconds }: { rate: number; seconds: number }) {
  const agent = new Agent({ keepAlive: true })
  const total = Math.ceil(rate * seconds)
  const began = performance.now()
  const pending: Promise<number>[] = []
  try {
    for (let sent = 0; sent < total; sent++) {
      const due = began + (sent * 1_000) / rate
      while (performance.now() < due) await sleep(Math.max(0, due - performance.now()))
      const latency = exchange(url, agent, crowd).then(() => performance.now() - due)
      latency.catch(() => {}) // Told by `Promise.all` below; until then it is nobody's unhandled rejection.
      pending.push(latency)
    }
    return await Promise.all(pending)
  } finally {
    agent.destroy()
  }
}

async function exchange(url: URL, agent: Agent, crowd: Crowd): Promise<void> {
  const next = crowd.next()
  const { status, body } = await send(url, agent, next)
  if (status !== 200) throw new Error(`${next.method} ${next.path} answered ${status}`)
  crowd.answered(body)
}

function send(url: URL, agent: Agent, { method, path, headers, body }: Exchange) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const length = body === '' ? {} : { 'content-length': Buffer.byteLength(body) }
    const sending = request(
      new URL(path, url).href,
      { method, agent, headers: { ...headers, ...length } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        )
        response.on('error', reject)
      },
    )
    sending.on('error', reject)
    sending.end(body)
  })
}
