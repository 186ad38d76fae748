import autocannon from 'autocannon'
import type { Crowd } from './exchange.ts'

/**
 * Sends as fast as the answers come, over so many connections: what the Worker can do at most, on a machine it shares with the generator.
 * @returns answers a second
 * @throws when any answer is not a 200
 */
export async function closedLoop(
  url: URL,
  crowd: Crowd,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<number> {
  const result = await autocannon({
    url: url.origin,
    connections,
    duration: seconds,
    requests: [
      {
        setupRequest: (request) => ({ ...request, ...crowd.next() }),
        onResponse: (status, body) => {
          if (status === 200) crowd.answered(body)
        },
      },
    ],
  })
  const bad = result.non2xx + result.errors
  if (bad > 0) throw new Error(`${bad} of ${result.requests.total} requests failed`)
  return result['2xx'] / result.duration
}
