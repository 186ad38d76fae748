import { Ratelimit } from '@upstash/ratelimit'
import { Redis } from '@upstash/redis'
import { createRedisServer } from 'js-redis-server'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startUpstashRest } from '../../dev/upstash-rest.ts'
import { scriptRewriter } from '../../dev/upstash-scripts.ts'
import { openTcpGate } from '../support/tcp-gate.ts'

// The real clients against the front, over whatever stands behind it: the same assertions for the embedded server and Redis.

const connection = {
  url: inject('upstashUrl'),
  token: inject('upstashToken'),
  enableTelemetry: false,
  retry: false as const,
}
const redis = new Redis(connection)
/** Keys outlive the run on a real Redis: what a test names is deleted at the end. */
const named: string[] = []
const key = (name: string) => {
  const made = `front:${name}:${crypto.randomUUID()}`
  named.push(made)
  return made
}
afterAll(async () => {
  await redis.del(...named, ...named.map((name) => `${name}:z`))
})

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(inject('upstashUrl') + path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { authorization: `Bearer ${inject('upstashToken')}`, ...headers },
  })

describe('commands', () => {
  it('give back what was put in, whatever the letters', async () => {
    const name = key('text')
    for (const value of ['', 'OK', 'ok', 'žluťoučký 🐎', 'null', 'a\r\nb\0c', '=?base64']) {
      const plain = new Redis({ ...connection, automaticDeserialization: false })
      await plain.set(name, value)
      expect(await plain.get(name)).toBe(value)
    }
    await redis.set(name, { n: 1, list: ['é'] })
    expect(await redis.get(name)).toEqual({ n: 1, list: ['é'] })
    expect(await redis.get(key('none'))).toBeNull()
  })

  it('set under conditions and for a time', async () => {
    const name = key('nx')
    expect(await redis.set(name, 'first', { nx: true, px: 60_000 })).toBe('OK')
    expect(await redis.set(name, 'second', { nx: true })).toBeNull()
    const left = await redis.pttl(name)
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(60_000)
    expect(await redis.getdel(name)).toBe('first')
    expect(await redis.ttl(name)).toBe(-2)
  })

  it('forget what has expired', async () => {
    const name = key('expiry')
    await redis.set(name, 'x', { px: 20 })
    await expect.poll(() => redis.get(name)).toBeNull()
  })

  it('work on hashes, sets, sorted sets and counters', async () => {
    const [hash, set, sorted, counter] = [key('hash'), key('set'), key('zset'), key('counter')]
    await redis.hset(hash, { a: 1, b: 'two' })
    expect(await redis.hgetall(hash)).toEqual({ a: 1, b: 'two' })
    await redis.sadd(set, 'x', 'y')
    expect(await redis.smismember(set, ['x', 'z'])).toEqual([1, 0])
    await redis.zadd(sorted, { score: 1, member: 'm1' }, { score: 1_700_000_000_123, member: 'm2' })
    expect(await redis.zmscore(sorted, ['m2', 'missing', 'm1'])).toEqual([1_700_000_000_123, null, 1])
    expect(await redis.zrange(sorted, 0, 5, { byScore: true })).toEqual(['m1'])
    expect(await redis.incrby(counter, 41)).toBe(41)
    expect(await redis.incr(counter)).toBe(42)
  })

  it('that fail carry the server’s words', async () => {
    const name = key('wrong')
    await redis.set(name, 'text')
    await expect(redis.lpush(name, 'x')).rejects.toThrow(/WRONGTYPE/)
  })

  it.each([['subscribe', 'c'], ['blpop', 'k', 0], ['multi'], ['select', 1], ['auth', 'x'], ['monitor'], ['shutdown']])(
    'such as %s are not for a shared connection',
    async (...command) => {
      const response = await post('/', command)
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: `ERR Command is not available: '${String(command[0]).toUpperCase()}'` },
      ])
    },
  )
})

describe('many commands at once', () => {
  it('go as one pipeline without being asked', async () => {
    const names = Array.from({ length: 20 }, (_, index) => key(`auto${index}`))
    await Promise.all(names.map((name, index) => redis.set(name, index)))
    expect(await Promise.all(names.map((name) => redis.get<number>(name)))).toEqual(names.map((_, index) => index))
  })

  it('run in order, and one that fails does not stop the others', async () => {
    const name = key('pipe')
    const results = await redis
      .pipeline()
      .set(name, 'a')
      .lpush(name, 'x')
      .append(name, 'b')
      .get(name)
      .exec({ keepErrors: true })
    expect(results[0]).toEqual({ result: 'OK', error: undefined })
    expect(results[1]?.error).toContain('WRONGTYPE')
    expect(results.slice(2).map((each) => each.result)).toEqual([2, 'ab'])
  })

  it('run whole in a transaction, binary values too', async () => {
    const name = key('multi')
    const results = await redis
      .multi()
      .set(name, 'ž🐎\0')
      .get(name)
      .zadd(`${name}:z`, { score: 2, member: 'm' })
      .zscore(`${name}:z`, 'm')
      .exec()
    expect(results).toEqual(['OK', 'ž🐎\0', 1, 2])
  })

  it('tell in a transaction which one failed', async () => {
    const name = key('multi-error')
    const response = await post('/multi-exec', [
      ['SET', name, 'a'],
      ['LPUSH', name, 'x'],
      ['GET', name],
    ])
    const answers = await response.json()
    expect(answers).toEqual([{ result: 'OK' }, { error: expect.stringContaining('WRONGTYPE') }, { result: 'a' }])
  })

  it('are dropped whole when a transaction has a command that does not exist', async () => {
    const name = key('multi-abort')
    const response = await post('/multi-exec', [
      ['SET', name, 'a'],
      ['NOSUCHCOMMAND', name],
    ])
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: expect.stringContaining('EXECABORT') })
    expect(await redis.get(name)).toBeNull()
  })

  it('of two transactions never mix', async () => {
    const name = key('interleave')
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        post('/multi-exec', [
          ['RPUSH', name, index],
          ['RPUSH', name, index],
          ['RPUSH', name, index],
        ]),
      ),
    )
    const list = await redis.lrange<number>(name, 0, -1)
    expect(list).toHaveLength(60)
    for (let index = 0; index < 60; index += 3) expect(new Set(list.slice(index, index + 3)).size).toBe(1)
  })
})

describe('the protocol', () => {
  it('refuses a wrong token, and does not repeat it', async () => {
    const stranger = new Redis({ ...connection, token: 'wrong-token-of-mine' })
    const error: unknown = await stranger.get('x').catch((reason: unknown) => reason)
    expect(String(error)).toContain('WRONGPASS')
    expect(String(error)).not.toContain('wrong-token-of-mine')
    expect((await fetch(inject('upstashUrl'), { method: 'POST', body: '["PING"]' })).status).toBe(401)
  })

  it('answers in base64 only when asked', async () => {
    const name = key('encoding')
    await redis.set(name, 'é')
    expect(await (await post('/', ['GET', name])).json()).toEqual({ result: 'é' })
    const encoded = await post('/', ['GET', name], { 'upstash-encoding': 'base64' })
    expect(await encoded.json()).toEqual({ result: Buffer.from('é').toString('base64') })
    expect(encoded.headers.get('upstash-sync-token')).toMatch(/.+/)
  })

  it.each([
    ['/', '{', 400],
    ['/', '{}', 400],
    ['/', '[]', 400],
    ['/', 'null', 400],
    ['/pipeline', '{}', 400],
    ['/multi-exec', '"x"', 400],
    ['/other', '["PING"]', 404],
  ])('refuses %s with %s', async (path, body, status) => {
    const response = await post(path, body)
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error: expect.stringMatching(/^ERR /) })
  })

  it('refuses more than 10 MiB', async () => {
    const response = await post('/', ['SET', key('large'), 'x'.repeat(10 * 1024 * 1024)])
    expect(response.status).toBe(413)
  })
})

describe('scripts', () => {
  it('with Upstash’s own flag run, by text and by hash', async () => {
    const script = `#!lua flags=allow-key-locking\nreturn {KEYS[1], ARGV[1], redis.call('incr', KEYS[1])} -- ${crypto.randomUUID()}`
    const name = key('script')
    const sha = await redis.scriptLoad(script)
    expect(await redis.evalsha(sha, [name], ['a'])).toEqual([name, 'a', 1])
    expect(await redis.eval(script, [name], ['b'])).toEqual([name, 'b', 2])
    expect(await redis.scriptExists(sha)).toEqual([1])
    expect(await redis.createScript(script).exec([name], ['c'])).toEqual([name, 'c', 3])
  })

  it.each([
    ['#!lua flags=allow-key-locking\nreturn 1', '\nreturn 1'],
    ['#!lua flags=no-writes,allow-key-locking\nreturn 1', '#!lua flags=no-writes\nreturn 1'],
    ['#!lua name=lib flags=allow-key-locking\nreturn 1', '#!lua name=lib\nreturn 1'],
    ['#!lua flags=no-writes\nreturn 1', '#!lua flags=no-writes\nreturn 1'],
    ['return "flags=allow-key-locking"', 'return "flags=allow-key-locking"'],
  ])('%j reach the server as %j', (script, expected) => {
    expect(scriptRewriter().forServer(['eval', script, '0'])).toEqual(['eval', expected, '0'])
  })

  it('nobody sent are asked for', async () => {
    await expect(redis.evalsha('f'.repeat(40), [], [])).rejects.toThrow(/NOSCRIPT/)
  })
})

describe('@upstash/ratelimit', () => {
  const limiter = (algorithm: ReturnType<typeof Ratelimit.slidingWindow>) =>
    new Ratelimit({
      redis,
      limiter: algorithm,
      prefix: key('limit'),
      ephemeralCache: false,
      timeout: 0,
      enableProtection: false,
    })

  it.each([
    ['sliding window', Ratelimit.slidingWindow(3, '1 h')],
    ['fixed window', Ratelimit.fixedWindow(3, '1 h')],
    ['token bucket', Ratelimit.tokenBucket(3, '1 h', 3)],
  ])('counts a %s', async (_, algorithm) => {
    const limit = limiter(algorithm)
    const answers = []
    for (let index = 0; index < 5; index += 1) answers.push(await limit.limit('me'))
    expect(answers.map(({ success }) => success)).toEqual([true, true, true, false, false])
    expect(answers.map(({ remaining }) => Math.max(0, remaining))).toEqual([2, 1, 0, 0, 0])
    expect((await limit.limit('you')).success).toBe(true)
    await limit.resetUsedTokens('me')
    expect((await limit.limit('me')).success).toBe(true)
  })

  it.each([
    ['sliding window', Ratelimit.slidingWindow(20, '1 h')],
    ['fixed window', Ratelimit.fixedWindow(20, '1 h')],
    ['token bucket', Ratelimit.tokenBucket(20, '1 h', 20)],
  ])('lets 20 of 100 parallel requests through a %s of 20', async (_, algorithm) => {
    const limit = limiter(algorithm)
    const answers = await Promise.all(Array.from({ length: 100 }, () => limit.limit('all')))
    expect(answers.filter(({ success }) => success)).toHaveLength(20)
  })
})

describe('when the Redis server goes away', () => {
  let embedded: { port: number; close(): Promise<void> } | null = null
  let target: URL

  beforeAll(async () => {
    const real = process.env.TEST_REDIS_URL
    if (!real) embedded = await createRedisServer({ port: 0 })
    target = new URL(real || `redis://127.0.0.1:${embedded?.port}`)
  })
  afterAll(() => embedded?.close())

  it('requests fail at once, and succeed again when it is back', async () => {
    const gate = await openTcpGate(target)
    const front = await startUpstashRest({ redisUrl: `redis://127.0.0.1:${gate.port}`, token: 'token' })
    const ask = async (path: string, body: unknown) => {
      const response = await fetch(front.url + path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { authorization: 'Bearer token' },
      })
      return [response.status, await response.json()]
    }
    const name = key('gate')
    expect(await ask('/', ['SET', name, 'x'])).toEqual([200, { result: 'OK' }])

    const inFlight = ask('/', ['EVAL', 'for i = 1, 100000 do redis.call("get", KEYS[1]) end return 1', 1, name])
    await gate.close()
    const away = [503, { error: expect.stringMatching(/^ERR the (Redis server|connection to the Redis server)/) }]
    expect([away, [200, { result: 1 }]]).toContainEqual(await inFlight)
    expect(await ask('/', ['GET', name])).toEqual(away)
    expect(
      await ask('/pipeline', [
        ['GET', name],
        ['GET', name],
      ]),
    ).toEqual(away)
    expect(await ask('/multi-exec', [['GET', name]])).toEqual(away)

    await gate.open()
    await expect.poll(() => ask('/', ['GET', name]), { timeout: 5_000 }).toEqual([200, { result: 'x' }])
    expect(await ask('/multi-exec', [['GET', name]])).toEqual([200, [{ result: 'x' }]])
    await front.close()
    await gate.close()
  })

  it('a front does not come up before it', async () => {
    const gate = await openTcpGate(target)
    await gate.close()
    await expect(startUpstashRest({ redisUrl: `redis://127.0.0.1:${gate.port}`, token: 'token' })).rejects.toThrow()
  })
})
