import { beforeAll, describe, expect, it } from 'vitest'
import { bearer, signIn } from '../support/people.ts'
import { expectProblem, pointersOf } from '../support/problem.ts'
import { type Answer, startWorker, type TestWorker } from '../support/worker.ts'

let worker: TestWorker
let token: string
beforeAll(async () => {
  worker = await startWorker()
  token = (await signIn(worker)).access_token
})

const person = { email: 'ada@example.com', password: 'seven green lanterns at noon' }
const secret = 'A'.repeat(43)

/** Each endpoint that takes a body, with one that it takes. */
const endpoints = [
  { method: 'POST', path: '/v1/register', good: person },
  { method: 'POST', path: '/v1/email/verify', good: { email: person.email, code: '12345678' } },
  { method: 'POST', path: '/v1/email/resend', good: { email: person.email } },
  { method: 'POST', path: '/v1/login', good: person },
  { method: 'POST', path: '/v1/refresh', good: { refresh_token: secret } },
  { method: 'POST', path: '/v1/logout', good: { refresh_token: secret } },
  { method: 'PATCH', path: '/v1/me', good: { name: 'Ada' } },
] as const
type Endpoint = (typeof endpoints)[number]

function send(
  { method, path }: Pick<Endpoint, 'method' | 'path'>,
  body: BodyInit | null,
  contentType: string | null = 'application/json',
): Promise<Answer> {
  const headers = { ...bearer(token), ...(contentType === null ? {} : { 'content-type': contentType }) }
  return worker.send(path, { method, body, headers })
}

function bytes(...values: number[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(values)
}

function inChunks(text: string): ReadableStream {
  const chunk = new TextEncoder().encode(text.slice(0, 1_000))
  let left = Math.ceil(text.length / 1_000)
  return new ReadableStream({
    pull(controller) {
      if (left-- === 0) controller.close()
      else controller.enqueue(chunk)
    },
  })
}

describe.each(endpoints)('$method $path', (endpoint) => {
  it.each<[string, BodyInit]>([
    ['half an object', '{'],
    ['text', 'email=ada'],
    ['two values', '{}{}'],
    ['a trailing comma', '{"email":"ada@example.com",}'],
    ['single quotes', "{'email':'ada@example.com'}"],
    ['a comment', '{}//'],
    ['NaN', '{"email":NaN}'],
    ['white space', '  '],
    ['a byte order mark', '\ufeff{}'],
    ['bad UTF-8', bytes(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)],
    ['overlong UTF-8', bytes(0x22, 0xc0, 0xaf, 0x22)],
    ['UTF-16', bytes(0x7b, 0x00, 0x7d, 0x00)],
    ['a lone surrogate in a value', '{"email":"\\ud800@example.com"}'],
    ['a lone surrogate in a name', '{"\\udc00":1}'],
    ['a lone surrogate deep inside', '{"metadata":{"a":[{"b":"x\\ud83d"}]}}'],
  ])('refuses %s as no JSON', async (_, body) => {
    expectProblem(await send(endpoint, body), 'invalid_json')
  })

  it.each([
    ['null', 'null'],
    ['an array', '[]'],
    ['an array of the right things', JSON.stringify([endpoint.good])],
    ['a number', '0'],
    ['text', '"ada@example.com"'],
    ['a truth value', 'true'],
  ])('refuses %s where an object belongs', async (_, body) => {
    expectProblem(await send(endpoint, body), 'invalid_request', {
      errors: [{ pointer: '', detail: expect.any(String) }],
    })
  })

  it('refuses members that it does not know, by name', async () => {
    const answer = await send(endpoint, JSON.stringify({ ...endpoint.good, 'admin/~': true }))
    expectProblem(answer, 'invalid_request', { errors: [{ pointer: '/admin~1~0', detail: 'is not known here' }] })
  })

  it.each(['__proto__', 'constructor', 'toString'])('refuses the member %s like any other', async (name) => {
    const good = JSON.stringify(endpoint.good).slice(0, -1)
    const answer = await send(endpoint, `${good},"${name}":{"status":"active","role":"admin"}}`)
    expectProblem(answer, 'invalid_request', { errors: [{ pointer: `/${name}`, detail: 'is not known here' }] })
    expect(Object.prototype).not.toHaveProperty('role')
  })

  it('refuses a body nested too deep to be read, or of the wrong shape, and lives on', async () => {
    const answer = await send(endpoint, '['.repeat(8_000) + ']'.repeat(8_000))
    expect(answer.status).toBe(400)
    expect((await worker.get('/healthz')).status).toBe(200)
  })

  it('refuses more than 16 KiB, announced or in chunks', async () => {
    const large = JSON.stringify({ ...endpoint.good, padding: 'x'.repeat(16_384) })
    expectProblem(await send(endpoint, large), 'payload_too_large')
    expectProblem(await send(endpoint, inChunks(large)), 'payload_too_large')
  })

  it('takes 16 KiB to the byte', async () => {
    const padded = JSON.stringify({ ...endpoint.good, unknown: 1 }).padEnd(16_384)
    expect(pointersOf(await send(endpoint, padded))).toEqual(['/unknown'])
    expectProblem(await send(endpoint, `${padded} `), 'payload_too_large')
  })

  it.each([
    null,
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/merge-patch+json',
    'application/xml, application/json',
  ])('refuses a body that is said to be %s', async (contentType) => {
    const body = new TextEncoder().encode(JSON.stringify(endpoint.good))
    expectProblem(await send(endpoint, body, contentType), 'unsupported_media_type')
  })

  it.each(['application/json; charset=utf-8', 'application/json;charset=UTF-8'])('takes %s', async (contentType) => {
    const answer = await send(endpoint, JSON.stringify({ ...endpoint.good, unknown: 1 }), contentType)
    expect(pointersOf(answer)).toEqual(['/unknown'])
  })
})

const [register, verify, resend, login, refresh, logout, me] = endpoints
const wrongTexts = [1, true, null, [], {}, ['ada@example.com'], '']
const table: [Endpoint, string, readonly unknown[]][] = [
  [register, 'email', [...wrongTexts, 'ada', 'ada@', '@example.com', `${'a'.repeat(321)}@example.com`]],
  [register, 'password', [...wrongTexts, 'x'.repeat(1_025)]],
  [
    register,
    'name',
    [1, null, {}, '', '   ', 'Ada\nBcc: all@example.com', 'Ada\u0000', 'Ada\u001b[2J', 'x'.repeat(201)],
  ],
  [register, 'turnstile_token', [1, null, 'x'.repeat(2_049)]],
  [resend, 'email', [...wrongTexts, 'ada@localhost']],
  [login, 'email', [...wrongTexts, 'ada@example.com\u0000', 'ada@exam ple.com']],
  [login, 'password', [...wrongTexts, 'x'.repeat(1_025)]],
  [login, 'device_name', [1, null, [], '', ' ', 'a\u0007b', 'x'.repeat(101)]],
  [login, 'device_token', [1, null, 'x'.repeat(129)]],
  [login, 'cookie', ['true', 1, null]],
  [refresh, 'refresh_token', [...wrongTexts, 'x'.repeat(513)]],
  [logout, 'refresh_token', [...wrongTexts, 'x'.repeat(513)]],
  [me, 'name', [1, true, {}, '', ' ', 'x'.repeat(201), 'a\u0085b']],
  [me, 'locale', [1, '', 'nonsense tag', 'en_US!', 'x'.repeat(36), '../../etc']],
  [
    me,
    'metadata',
    [null, 1, 'x', [], true, { a: 'x'.repeat(4_096) }, { a: '\u0000' }, { 'a\u0000': 1 }, { a: [['\u0000']] }],
  ],
]

describe('members of another type, size or form', () => {
  it.each(table.flatMap(([endpoint, member, values]) => values.map((value) => ({ endpoint, member, value }))))(
    '$endpoint.path refuses $member: $value',
    async ({ endpoint, member, value }) => {
      const answer = await send(endpoint, JSON.stringify({ ...endpoint.good, [member]: value }))
      expectProblem(answer, 'invalid_request', {
        errors: expect.arrayContaining([{ pointer: `/${member}`, detail: expect.any(String) }]),
      })
      expect(new Set(pointersOf(answer))).toEqual(new Set([`/${member}`]))
    },
  )

  it.each([
    [register, { email: person.email }, ['/password']],
    [register, {}, ['/email', '/password']],
    [resend, {}, ['/email']],
    [login, { password: person.password }, ['/email']],
    [login, {}, ['/email', '/password']],
  ] as const)('a missing member is named: %o', async (endpoint, body, pointers) => {
    const answer = await send(endpoint, JSON.stringify(body))
    expectProblem(answer, 'invalid_request', { errors: expect.any(Array) })
    expect(pointersOf(answer)).toEqual(pointers)
  })

  it.each([
    [{ email: person.email, code: '1234567' }, '/code'],
    [{ email: person.email, code: '123456789' }, '/code'],
    [{ email: person.email, code: '1234567x' }, '/code'],
    [{ email: person.email, code: '１２３４５６７８' }, '/code'],
    [{ email: person.email, code: 12345678 }, '/code'],
    [{ email: 'ada', code: '12345678' }, '/email'],
    [{ token: 'short' }, '/token'],
    [{ token: `${'A'.repeat(42)}=` }, '/token'],
    [{ token: 7 }, '/token'],
  ])('email/verify refuses %o', async (body, pointer) => {
    const answer = await send(verify, JSON.stringify(body))
    expectProblem(answer, 'invalid_request', { errors: expect.any(Array) })
    expect(pointersOf(answer)).toContain(pointer)
  })

  it('email/verify takes a link or a code, not both and not neither', async () => {
    for (const body of [{}, { ...verify.good, token: secret }, { email: person.email }, { code: '12345678' }]) {
      expect((await send(verify, JSON.stringify(body))).body.code).toBe('invalid_request')
    }
  })

  it('the last of two members of one name counts, in the check and in the work alike', async () => {
    const answer = await send(resend, '{"email":"ada@example.com","email":7}')
    expect(pointersOf(answer)).toEqual(['/email'])
    expect((await send(resend, '{"email":7,"email":"ada@example.com"}')).status).toBe(202)
  })
})
