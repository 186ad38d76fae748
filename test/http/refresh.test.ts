import { beforeEach, describe, expect, it } from 'vitest'
import { rows } from '../support/database.ts'
import { watchNetwork } from '../support/network.ts'
import { login, newAccount, refresh, signIn, verify } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { mailsTo, newestMailTo } from '../support/received-mail.ts'
import { decode } from '../support/tokens.ts'
import { startWorker, type TestWorker } from '../support/worker.ts'

let worker: TestWorker
beforeEach(async () => {
  worker = await startWorker()
})

async function rotate(token: string): Promise<string> {
  const answer = await refresh(worker, token)
  expect(answer.status, answer.text).toBe(200)
  return answer.body.refresh_token
}

const sessionRow = async (id: string) =>
  (
    await rows<{ generation: number; revoked_at: string | null; rotations: string[] }>(
      'select generation, revoked_at, rotations from sessions where id = $1',
      id,
    )
  )[0]

/** Makes every rotation of the session so far look this much older. */
const age = (id: string, seconds: number) =>
  rows(
    `update sessions set rotations = (select coalesce(array_agg(at - make_interval(secs => $2::int) order by i), '{}')
       from unnest(rotations) with ordinality as r(at, i)) where id = $1::uuid returning id`,
    id,
    seconds,
  )

describe('POST /v1/refresh', () => {
  it('hands out the next token set of the same session, and the access token is good', async () => {
    const first = await signIn(worker)
    const answer = await refresh(worker, first.refresh_token)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
      refresh_token: expect.stringContaining(`${first.session_id}.1.`),
      refresh_expires_in: 604_800,
      session_id: first.session_id,
      device_token: first.device_token,
    })
    expect((await verify(worker, answer.body.access_token)).status).toBe(200)
    expect(decode(answer.body.access_token).claims.jti).not.toBe(decode(first.access_token).claims.jti)
  })

  it('costs one statement', async () => {
    const { refresh_token } = await signIn(worker)
    const network = watchNetwork()
    await rotate(refresh_token)
    expect(network.sent('postgres')).toHaveLength(1)
  })

  it('brings what has changed since into the next token: version, roles, permissions', async () => {
    const person = await signIn(worker)
    await rows(
      `insert into user_roles (user_id, role_id) select u.id, r.id from users u, roles r
       where u.email_canonical = $1 and r.name = 'admin' returning role_id`,
      person.email,
    )
    await rows('update users set token_version = 7 where email_canonical = $1 returning id', person.email)
    const { claims } = decode((await refresh(worker, person.refresh_token)).body.access_token)
    expect(claims).toMatchObject({
      ver: 7,
      roles: ['admin', 'user'],
      auth_time: decode(person.access_token).claims.auth_time,
    })
    expect(claims.permissions).toContain('users:write')
  })

  it('needs a token', async () => {
    const answer = await worker.post('/v1/refresh', {})
    expectProblem(answer, 'invalid_token')
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="postern"')
  })
})

describe('a repeat inside the window', () => {
  it('gets the same current token, however often, and the session is rotated once', async () => {
    const { refresh_token, session_id } = await signIn(worker)
    const answers = await Promise.all(Array.from({ length: 12 }, () => rotate(refresh_token)))
    expect(new Set(answers).size).toBe(1)
    expect(await sessionRow(session_id)).toMatchObject({ generation: 1, revoked_at: null })
    expect(await rotate(refresh_token)).toBe(answers[0])
  })

  it('converges on the current token from any ancestor up to sixteen rotations back', async () => {
    const { refresh_token, session_id } = await signIn(worker)
    const chain = [refresh_token]
    for (let i = 0; i < 16; i++) chain.push(await rotate(chain[i] ?? ''))
    const current = chain[16]
    for (const generation of [15, 8, 1, 0]) expect(await rotate(chain[generation] ?? '')).toBe(current)
    expect(await sessionRow(session_id)).toMatchObject({ generation: 16, revoked_at: null })
  })

  it('leaves no trace in the audit and sends no mail', async () => {
    const { refresh_token, email } = await signIn(worker)
    await rotate(refresh_token)
    const before = (await mailsTo(email)).length
    const others = await startWorker()
    await refresh(others, refresh_token)
    expect(await rows('select type from audit_events where ip = $1', others.ip)).toEqual([])
    expect(await mailsTo(email)).toHaveLength(before)
  })

  it('lasts as long as it is set to', async () => {
    const { refresh_token, session_id } = await signIn(worker)
    const current = await rotate(refresh_token)
    await age(session_id, 25)
    expect(await rotate(refresh_token)).toBe(current)
    const strict = await startWorker({ REFRESH_RETRY_WINDOW_SECONDS: '20' })
    expectProblem(await refresh(strict, refresh_token), 'invalid_token')
    expect((await sessionRow(session_id))?.revoked_at).not.toBeNull()
  })
})

describe('a repeat from outside the window is theft', () => {
  it.each([
    ['the parent', 1, 0],
    ['a grandparent', 3, 0],
    ['one in the middle', 4, 2],
    ['one from further back than the chain reaches', 18, 0],
  ])('%s ends the session, its tokens, and tells the owner, once', async (_, rotations, presented) => {
    const person = await signIn(worker)
    const chain = [person.refresh_token]
    for (let i = 0; i < rotations; i++) chain.push(await rotate(chain[i] ?? ''))
    const { access_token } = (await refresh(worker, chain[rotations] ?? '')).body
    await age(person.session_id, 31)

    const thief = await startWorker()
    for (let i = 0; i < 3; i++) expectProblem(await refresh(thief, chain[presented] ?? ''), 'invalid_token')

    expectProblem(await refresh(worker, chain[rotations] ?? ''), 'invalid_token')
    for (const token of [person.access_token, access_token]) expectProblem(await verify(worker, token), 'invalid_token')
    expect(await rows('select type, session_id from audit_events where ip = $1', thief.ip)).toEqual([
      { type: 'session.refresh_reused', session_id: person.session_id },
    ])
    const mails = (await mailsTo(person.email)).filter(({ subject }) => subject === 'We ended one of your sessions')
    expect(mails).toHaveLength(1)
    expect(mails[0]?.text).toContain(`IP address ${thief.ip}`)
  })

  it('leaves the owner’s other sessions alone', async () => {
    const person = await newAccount()
    const [stolen, other] = [await login(worker, person), await login(worker, person)]
    await rotate(stolen.refresh_token)
    await age(stolen.session_id, 31)
    await refresh(worker, stolen.refresh_token)
    expect((await verify(worker, other.access_token)).status).toBe(200)
    expect((await newestMailTo(person.email)).subject).toBe('We ended one of your sessions')
    await rotate(other.refresh_token)
  })
})

describe('a token that was never ours', () => {
  it.each<[string, (token: string) => string]>([
    ['another MAC', (token) => token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))],
    ['another secret', (token) => token.replace(/\.[\w-]{43}\./, `.${'A'.repeat(43)}.`)],
    ['another generation', (token) => token.replace('.0.', '.1.')],
    ['another session', (token) => `01932c00-0000-7000-8000-000000000001${token.slice(36)}`],
    ['no MAC', (token) => token.split('.').slice(0, 3).join('.')],
    ['a leading zero', (token) => token.replace('.0.', '.00.')],
    ['upper case', (token) => token.slice(0, 36).toUpperCase() + token.slice(36)],
    ['a space before', (token) => ` ${token}`],
    ['a line end', (token) => `${token}\n`],
    ['a fifth part', (token) => `${token}.A`],
    ['the access token', () => 'eyJhbGciOiJub25lIn0.e30.'],
  ])('is refused without a query, and the session it names lives on: %s', async (_, change) => {
    const { refresh_token } = await signIn(worker)
    const network = watchNetwork()
    const answer = await refresh(worker, change(refresh_token))
    expectProblem(answer, 'invalid_token')
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="postern", error="invalid_token"')
    expect(network.sent('postgres')).toEqual([])
    await rotate(refresh_token)
  })
})
