import { inject, onTestFinished, vi } from 'vitest'

/** Everything outside that the Worker speaks to. */
export type Service = 'postgres' | 'redis' | 'mail' | 'breach'

/** What stands between the Worker and a service: it may pass a request on, change the answer, or never answer. */
export type Disturbance = (
  forward: () => Promise<Response>,
  signal: AbortSignal | null,
  body: string,
) => Promise<Response>

export interface Network {
  /** Bodies of the requests that were made to a service so far. */
  sent(service: Service): readonly string[]
  /** Puts something in the way until `restore`, or for good until the test ends. */
  disturb(service: Service, disturbance: Disturbance): { restore(): void }
}

/** Watches every request that leaves the Worker, until the test ends. */
export function watchNetwork(): Network {
  const outside = globalThis.fetch.bind(globalThis)
  const places: Record<Service, string> = {
    postgres: inject('neonUrl'),
    redis: inject('upstashUrl'),
    mail: `${inject('mailboxUrl')}/emails`,
    breach: inject('breachUrl'),
  }
  const services = Object.keys(places) as Service[]
  const sent = new Map<Service, string[]>(services.map((service) => [service, []]))
  const disturbances = new Map<Service, Disturbance>()

  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const service = services.find((each) => url.startsWith(places[each]))
    if (service === undefined) return outside(input, init)
    const body = typeof init?.body === 'string' ? init.body : ''
    sent.get(service)?.push(body)
    const forward = () => outside(input, init)
    return disturbances.get(service)?.(forward, init?.signal ?? null, body) ?? forward()
  })
  onTestFinished(() => spy.mockRestore())

  return {
    sent: (service) => sent.get(service) ?? [],
    disturb(service, disturbance) {
      disturbances.set(service, disturbance)
      return { restore: () => disturbances.delete(service) }
    },
  }
}

export const refusingConnections: Disturbance = () => Promise.reject(new TypeError('connection refused'))

/** Never answers; the client's own patience ends it. */
export const hanging: Disturbance = (_forward, signal) =>
  new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason))
  })

export function answering(status: number, body: string): Disturbance {
  return async () => new Response(body, { status, headers: { 'content-type': 'application/json' } })
}

/** Does what was asked, and loses the answer. */
export const losingAnswers: Disturbance = async (forward) => {
  await (await forward()).arrayBuffer()
  throw new TypeError('connection reset')
}
