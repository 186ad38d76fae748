import { Redis } from '@upstash/redis'
import { Outage } from '../../domain/outage.ts'

/** No user request waits longer for a failing Redis. */
const patienceMs = 150

/**
 * Redis over Upstash's REST interface, with the SDK's traps disarmed: a signal given as a value makes an aborted command *return*
 * instead of throw (a revocation check would pass), and its default retries make an outage cost seconds.
 */
export function connectRedis({ url, token }: { url: string; token: string }, timeoutMs = patienceMs): Redis {
  return new Redis({
    url,
    token,
    retry: false,
    signal: () => AbortSignal.timeout(timeoutMs),
    enableTelemetry: false,
    latencyLogging: false,
  })
}

/** Runs a command with an error that can be logged: the SDK's own message holds the whole command, keys and values. */
export async function withoutCommand<T>(command: () => Promise<T>): Promise<T> {
  try {
    return await command()
  } catch (error) {
    throw new Outage(`Redis could not be asked (${error instanceof Error ? error.name : typeof error})`)
  }
}
