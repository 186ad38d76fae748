import { beforeEach, describe, expect, it } from 'vitest'
import { rows } from '../support/database.ts'
import {
  bearer,
  login,
  newAccount,
  type Person,
  refresh,
  signIn,
  type TokenSetBody,
  verify,
} from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { startWorker, type TestWorker } from '../support/worker.ts'

let worker: TestWorker
let person: Person
beforeEach(async () => {
  worker = await startWorker()
  person = await newAccount()
})

interface Listed {
  id: string
  device_name: string
  current: boolean
  last_seen_at: string
  created_at: string
}

async function list(token: string): Promise<Listed[]> {
  const answer = await worker.get<{ sessions: Listed[] }>('/v1/me/sessions', bearer(token))
  expect(answer.status).toBe(200)
  return answer.body.sessions
}

const logout = (headers: Record<string, string>, body?: unknown) =>
  worker.send('/v1/logout', {
    method: 'POST',
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
const end = (token: string, id: string) =>
  worker.send(`/v1/me/sessions/${id}`, { method: 'DELETE', headers: bearer(token) })
const eventsOf = (ip: string) => rows<{ type: string }>('select type from audit_events where ip = $1 order by id', ip)

async function expectDead(...tokenSets: TokenSetBody[]): Promise<void> {
  const elsewhere = await startWorker()
  for (const at of [worker, elsewhere]) {
    for (const tokens of tokenSets) {
      expectProblem(await verify(at, tokens.access_token), 'invalid_token')
      expectProblem(await refresh(at, tokens.refresh_token), 'invalid_token')
    }
  }
}

async function expectAlive(tokens: TokenSetBody): Promise<void> {
  expect((await verify(worker, tokens.access_token)).status).toBe(200)
  expect((await refresh(worker, tokens.refresh_token)).status).toBe(200)
}

describe('GET /v1/me/sessions', () => {
  it('lists the live devices, last used first, and marks the one that asks', async () => {
    const [phone, laptop] = [
      await login(worker, person, { device_name: 'Phone' }),
      await login(worker, person, { device_name: 'Laptop' }),
    ]
    expect(await list(phone.access_token)).toEqual([
      {
        id: laptop.session_id,
        device_name: 'Laptop',
        browser: null,
        os: null,
        ip: worker.ip,
        country: null,
        city: null,
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        last_seen_at: expect.stringMatching(/Z$/),
        current: false,
      },
      expect.objectContaining({ id: phone.session_id, device_name: 'Phone', current: true }),
    ])
    await refresh(worker, phone.refresh_token)
    expect((await list(laptop.access_token)).map(({ device_name }) => device_name)).toEqual(['Phone', 'Laptop'])
  })

  it('shows neither ended, nor expired, nor other people’s sessions', async () => {
    const [own, ended, expired] = [
      await login(worker, person),
      await login(worker, person),
      await login(worker, person),
    ]
    await signIn(worker)
    await end(own.access_token, ended.session_id)
    await rows('update sessions set idle_expires_at = now() where id = $1 returning id', expired.session_id)
    expect((await list(own.access_token)).map(({ id }) => id)).toEqual([own.session_id])
  })
})

describe('DELETE /v1/me/sessions/{id}', () => {
  it('ends a device of one’s own at once, and no other', async () => {
    const [phone, laptop] = [await login(worker, person), await login(worker, person)]
    expect((await end(phone.access_token, laptop.session_id)).status).toBe(204)
    await expectDead(laptop)
    await expectAlive(phone)
  })

  it('is the same 404 for somebody else’s and for none, and does nothing', async () => {
    const [mine, theirs] = [await login(worker, person), await signIn(worker)]
    const answers = []
    for (const id of [theirs.session_id, '01932c00-0000-7000-8000-000000000001']) {
      const answer = await end(mine.access_token, id)
      expectProblem(answer, 'not_found')
      answers.push({ ...answer.body, request_id: '' })
    }
    expect(answers[0]).toEqual(answers[1])
    await expectAlive(theirs)
  })

  it('answers 204 again, and audits once', async () => {
    const [own, other] = [await login(worker, person), await login(worker, person)]
    const before = (await eventsOf(worker.ip)).length
    for (let i = 0; i < 2; i++) expect((await end(own.access_token, other.session_id)).status).toBe(204)
    expect((await eventsOf(worker.ip)).slice(before)).toEqual([{ type: 'session.ended' }])
  })

  it.each(['x', '1', 'current', "' or 1=1--", '01932C00-0000-7000-8000-000000000001'])(
    'takes only an id: %s',
    async (id) => {
      const { access_token } = await login(worker, person)
      expectProblem(await end(access_token, encodeURIComponent(id)), 'invalid_request', {
        errors: [{ pointer: '/id', detail: 'must be a UUID in lower case' }],
      })
    },
  )
})

describe('POST /v1/logout', () => {
  it.each<[string, (tokens: TokenSetBody) => [Record<string, string>, unknown?]]>([
    ['the access token', ({ access_token }) => [bearer(access_token)]],
    ['the access token with an empty object', ({ access_token }) => [bearer(access_token), {}]],
    [
      'the access token with a content type and no body',
      ({ access_token }) => [{ ...bearer(access_token), 'content-type': 'application/json' }],
    ],
    ['the refresh token', ({ refresh_token }) => [{}, { refresh_token }]],
    ['both', ({ access_token, refresh_token }) => [bearer(access_token), { refresh_token }]],
  ])('ends the session by %s: access and refresh tokens, at once, everywhere', async (_, proof) => {
    const [mine, other] = [await login(worker, person), await login(worker, person)]
    const answer = await logout(...proof(mine))
    expect([answer.status, answer.text]).toEqual([204, ''])
    await expectDead(mine)
    await expectAlive(other)
  })

  it('ends it for tokens of every generation', async () => {
    const first = await login(worker, person)
    const second = (await refresh(worker, first.refresh_token)).body
    await logout({}, { refresh_token: first.refresh_token })
    await expectDead(first, second)
  })

  it('is 204 for a session that has ended or that nobody knows, and audits the one end', async () => {
    const { access_token, refresh_token, session_id } = await login(worker, person)
    for (let i = 0; i < 2; i++) expect((await logout(bearer(access_token))).status).toBe(204)
    expect((await logout({}, { refresh_token })).status).toBe(204)
    expect((await logout({}, { refresh_token: 'made up' })).status).toBe(204)
    expect(await rows('select type from audit_events where session_id = $1 order by id', session_id)).toEqual([
      { type: 'login.succeeded' },
      { type: 'session.ended' },
    ])
  })

  it('needs a proof, and a forged one ends nothing', async () => {
    const tokens = await login(worker, person)
    const none = await logout({})
    expectProblem(none, 'invalid_token')
    expect(none.headers.get('www-authenticate')).toBe('Bearer realm="postern"')
    expectProblem(await logout(bearer('x')), 'invalid_token')
    await logout({}, { refresh_token: tokens.refresh_token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')) })
    await expectAlive(tokens)
  })

  it('takes an empty body of an app that always names the content type', async () => {
    const tokens = await login(worker, person)
    const headers = { ...bearer(tokens.access_token), 'content-type': 'application/json' }
    expect((await worker.send('/v1/logout', { method: 'POST', headers })).status).toBe(204)
    await expectDead(tokens)
    const none = await worker.send('/v1/logout', { method: 'POST', headers: { 'content-type': 'application/json' } })
    expectProblem(none, 'invalid_token')
  })

  it('two proofs of two sessions end both', async () => {
    const [one, other] = [await login(worker, person), await login(worker, person)]
    await logout(bearer(one.access_token), { refresh_token: other.refresh_token })
    await expectDead(one, other)
  })
})

describe('POST /v1/logout-all', () => {
  const logoutAll = (token: string) => worker.send('/v1/logout-all', { method: 'POST', headers: bearer(token) })

  it('kills every access and refresh token of the caller, and nobody else’s', async () => {
    const sessions = [await login(worker, person), await login(worker, person), await login(worker, person)]
    const stranger = await signIn(worker)
    const answer = await logoutAll(sessions[0]?.access_token ?? '')
    expect([answer.status, answer.text]).toEqual([204, ''])
    await expectDead(...sessions)
    await expectAlive(stranger)
  })

  it('is one audit event, and the next login works', async () => {
    const { access_token } = await login(worker, person)
    await logoutAll(access_token)
    expect((await eventsOf(worker.ip)).filter(({ type }) => type === 'session.all_ended')).toHaveLength(1)
    const fresh = await login(worker, person)
    await expectAlive(fresh)
    expect(await list(fresh.access_token)).toHaveLength(1)
  })

  it('needs a live access token', async () => {
    const { access_token } = await login(worker, person)
    await logoutAll(access_token)
    expectProblem(await logoutAll(access_token), 'invalid_token')
  })
})

describe('SESSIONS_PER_USER', () => {
  it('lets the oldest go when there are too many: its tokens are refused', async () => {
    worker = await startWorker({ SESSIONS_PER_USER: '2' })
    const sessions = [await login(worker, person), await login(worker, person), await login(worker, person)]
    const [oldest, ...others] = sessions
    if (oldest === undefined) throw new Error('no session')
    await expectDead(oldest)
    expect((await list(others[1]?.access_token ?? '')).map(({ id }) => id)).toEqual(
      others.map(({ session_id }) => session_id).reverse(),
    )
    for (const tokens of others) await expectAlive(tokens)
  })

  it('of one means one device', async () => {
    worker = await startWorker({ SESSIONS_PER_USER: '1' })
    const [first, second] = [await login(worker, person), await login(worker, person)]
    await expectDead(first)
    await expectAlive(second)
  })
})
