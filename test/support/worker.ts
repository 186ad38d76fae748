import { createExecutionContext, createScheduledController, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import type { Env } from '../../src/config.ts'

/** What the Worker answered, read to its end. `body` is the parsed JSON, or `null` where there is none. */
export interface Answer<Body = Record<string, unknown>> {
  status: number
  headers: Headers
  text: string
  body: Body
}

/** A Worker of one test, spoken to as a client on the internet would. */
export interface TestWorker {
  /** Every request of this Worker comes from here unless it says otherwise. */
  readonly ip: string
  /** Sends any request and waits for the work that goes on after the answer, such as a mail. */
  send<Body = Record<string, unknown>>(path: string, init?: RequestInit): Promise<Answer<Body>>
  get<Body = Record<string, unknown>>(path: string, headers?: Record<string, string>): Promise<Answer<Body>>
  /** JSON in, JSON out. */
  post<Body = Record<string, unknown>>(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<Body>>
  /** Runs the cron trigger once. */
  runCron(): Promise<void>
}

let isolates = 0

/** Bindings of the Worker; `undefined` takes one away. */
type Settings = { readonly [Name in keyof Env]?: Env[Name] | undefined }

/**
 * The real Worker with an isolate's state of its own: nothing is cached from another test.
 * @param settings laid over the bindings of vitest.config.ts
 */
export async function startWorker(settings: Settings = {}): Promise<TestWorker> {
  // Another query is another copy of the entry point, and with it of the state that an isolate has; what it imports is shared.
  const entry = `../../src/index.ts?isolate=${++isolates}`
  const { default: worker } = (await import(/* @vite-ignore */ entry)) as typeof import('../../src/index.ts')
  const bindings = { ...(env as Env), ...settings } as Env
  const ip = randomIp()

  async function send<Body>(path: string, init: RequestInit = {}): Promise<Answer<Body>> {
    const headers = new Headers(init.headers)
    if (!headers.has('cf-connecting-ip')) headers.set('cf-connecting-ip', ip)
    const context = createExecutionContext()
    const request = new Request(new URL(path, 'https://auth.test'), { redirect: 'manual', ...init, headers })
    const response = await worker.fetch(request as Parameters<typeof worker.fetch>[0], bindings, context)
    const text = await response.text()
    await waitOnExecutionContext(context)
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== '' ? JSON.parse(text) : null,
    }
  }

  return {
    ip,
    send,
    get: (path, headers = {}) => send(path, { headers }),
    post: (path, body, headers = {}) =>
      send(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    async runCron() {
      await worker.scheduled(createScheduledController({ cron: '* * * * *' }), bindings)
    },
  }
}

/** An address of 10.0.0.0/8 that no other test has. */
export function randomIp(): string {
  return `10.${[...crypto.getRandomValues(new Uint8Array(3))].join('.')}`
}

/** What a stranger could compare two answers by: everything but what must differ between any two. */
export function publicFace({ status, headers, body }: Answer) {
  const { request_id: _, ...members } = body ?? {}
  const shown = [...headers].filter(([name]) => name !== 'x-request-id').sort()
  return { status, headers: shown, body: members }
}
