import { createHash, timingSafeEqual } from 'node:crypto'
import { createClient, ErrorReply, RESP_TYPES } from '@redis/client'
import { BodyTooLarge, type HttpService, readBody, sendJson, serve } from './http-service.ts'
import { scriptRewriter } from './upstash-scripts.ts'

const maxRequestBytes = 10 * 1024 * 1024
/** A server that is there but silent must not hold requests for ever. */
const commandTimeoutMs = 5_000

/** Commands that need a connection of their own, or would change the one that everybody shares. */
const refused = new Set(
  `SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR SYNC PSYNC REPLICAOF
  BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF
  MULTI EXEC WATCH UNWATCH DISCARD SELECT AUTH HELLO RESET QUIT SHUTDOWN CLIENT`.split(/\s+/),
)

type Answer = { result: unknown } | { error: string }

class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Upstash's REST protocol, as `@upstash/redis` 1.39 speaks it, in front of any Redis: `POST /` one command, `/pipeline` many, `/multi-exec` many
 * in one transaction. Comes up when the server is there, answers 503 at once while it is away, and finds it again by itself.
 * @throws when the server cannot be reached at the start
 */
export async function startUpstashRest({
  redisUrl,
  token,
  port = 0,
}: {
  redisUrl: string
  token: string
  port?: number
}): Promise<HttpService> {
  const redis = await connect(redisUrl)
  const scripts = scriptRewriter()
  let syncToken = 0

  const send = (command: readonly string[], chainId?: symbol) =>
    redis.sendCommand(scripts.forServer(command), {
      // RESP 2 and bytes: Upstash's client takes neither maps nor anything that was decoded on the way.
      typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer },
      ...(chainId === undefined ? {} : { chainId }),
    })
  const run = async (command: readonly string[], encode: Encode): Promise<Answer> => {
    const reply = await answerInTime(send(command))
    return { result: encode(scripts.ownHash(command) ?? reply) }
  }
  const runTransaction = async (commands: readonly string[][], encode: Encode): Promise<Answer[]> => {
    const chain = Symbol('transaction') // Cut off by a lost connection, it is dropped whole instead of going on half.
    const steps = [['MULTI'], ...commands, ['EXEC']].map((command) => send(command, chain))
    // A command refused while queueing makes EXEC fail too, and EXEC's error is the answer.
    const outcomes = await answerInTime(Promise.allSettled(steps))
    const last = outcomes.at(-1)
    if (last?.status !== 'fulfilled' || !Array.isArray(last.value))
      throw last?.status === 'rejected' ? last.reason : new Error('EXEC')
    return last.value.map((reply: unknown, index) =>
      reply instanceof ErrorReply
        ? { error: reply.message }
        : { result: encode(scripts.ownHash(commands[index] ?? []) ?? reply) },
    )
  }
  const answer = async (path: string, body: unknown, encode: Encode): Promise<Answer | Answer[]> => {
    if (!redis.isReady) throw new Refusal(503, 'ERR the Redis server behind this front is away')
    switch (path) {
      case '/':
        return run(readCommand(body), encode)
      case '/pipeline':
        return Promise.all(readCommands(body).map((command) => runOrTell(() => run(readCommand(command), encode))))
      case '/multi-exec':
        return runTransaction(readCommands(body).map(readCommand), encode)
      default:
        throw new Refusal(404, 'ERR unknown path')
    }
  }

  const service = await serve(
    async (request, response) => {
      const encode = request.headers['upstash-encoding'] === 'base64' ? encodeBase64 : encodeText
      response.setHeader('upstash-sync-token', `dev=${++syncToken}`)
      try {
        if (!isBearer(request.headers.authorization, token)) {
          throw new Refusal(401, 'WRONGPASS invalid or missing auth token')
        }
        if (request.method !== 'POST') throw new Refusal(405, 'ERR only POST is served here')
        const path = request.url?.split('?')[0] ?? '/'
        const body = parseJson(await readBody(request, maxRequestBytes))
        sendJson(response, 200, await answer(path, body, encode))
      } catch (error) {
        sendJson(response, statusOf(error), { error: tell(error) })
      }
    },
    { port },
  ).catch((error: unknown) => {
    redis.destroy()
    throw error
  })
  return {
    ...service,
    async close() {
      await service.close()
      redis.destroy()
    },
  }
}

/** At the start an unreachable server is an error; afterwards the client looks for it every 200 ms. */
async function connect(url: string) {
  let started = false
  const redis = createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    socket: { connectTimeout: 5_000, reconnectStrategy: () => (started ? 200 : false) },
  })
  redis.on('error', () => {}) // Every request in the meantime says so.
  await redis.connect()
  started = true
  return redis
}

async function answerInTime<T>(reply: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Refusal(504, 'ERR the Redis server did not answer in time')), commandTimeoutMs)
  })
  try {
    return await Promise.race([reply, late])
  } finally {
    clearTimeout(timer)
  }
}

/** In a pipeline a command's own failure is an answer like any other; a lost server fails the request. */
async function runOrTell(run: () => Promise<Answer>): Promise<Answer> {
  try {
    return await run()
  } catch (error) {
    if (statusOf(error) >= 500) throw error
    return { error: tell(error) }
  }
}

function statusOf(error: unknown): number {
  if (error instanceof Refusal) return error.status
  if (error instanceof BodyTooLarge) return 413
  return error instanceof ErrorReply ? 400 : 503
}

function tell(error: unknown): string {
  if (error instanceof Refusal || error instanceof ErrorReply) return error.message
  return error instanceof BodyTooLarge ? `ERR ${error.message}` : 'ERR the connection to the Redis server was lost'
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal(400, 'ERR failed to parse command')
  }
}

function readCommands(body: unknown): unknown[] {
  if (!Array.isArray(body)) throw new Refusal(400, 'ERR failed to parse pipeline request')
  return body
}

function readCommand(body: unknown): string[] {
  if (!Array.isArray(body) || body.length === 0) throw new Refusal(400, 'ERR Command is not an array of string/number')
  const command = body.map((part: unknown) => {
    if (typeof part === 'string') return part
    if (part === null) return ''
    return typeof part === 'object' ? JSON.stringify(part) : String(part)
  })
  const name = command[0]?.toUpperCase() ?? ''
  if (refused.has(name)) throw new Refusal(400, `ERR Command is not available: '${name}'`)
  return command
}

type Encode = (reply: unknown) => unknown

/** Upstash's base64 leaves `OK`, numbers and null as they are, and reaches into arrays. */
const encodeBase64 = encoder((text) => (text.equals(ok) ? 'OK' : text.toString('base64')))
const encodeText = encoder((text) => text.toString('utf8'))
const ok = Buffer.from('OK')

function encoder(encodeBytes: (text: Buffer) => string): Encode {
  const encode: Encode = (reply) => {
    if (Array.isArray(reply)) return reply.map(encode)
    if (Buffer.isBuffer(reply)) return encodeBytes(reply)
    if (typeof reply === 'string') return encodeBytes(Buffer.from(reply))
    if (reply instanceof Error) return { error: reply.message }
    return typeof reply === 'bigint' ? Number(reply) : (reply ?? null)
  }
  return encode
}

function isBearer(header: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`))
}
