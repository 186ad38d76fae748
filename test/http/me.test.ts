import { beforeEach, describe, expect, it } from 'vitest'
import { rows } from '../support/database.ts'
import { bearer, login, newAccount, type Person, type TokenSetBody } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { startWorker, type TestWorker } from '../support/worker.ts'

let worker: TestWorker
let person: Person
let tokens: TokenSetBody
beforeEach(async () => {
  worker = await startWorker()
  person = await newAccount({ name: 'Ada' })
  tokens = await login(worker, person)
})

const read = () => worker.get('/v1/me', bearer(tokens.access_token))
const change = (body: unknown) =>
  worker.send('/v1/me', {
    method: 'PATCH',
    body: JSON.stringify(body),
    headers: { ...bearer(tokens.access_token), 'content-type': 'application/json' },
  })

describe('GET /v1/me', () => {
  it('is the caller’s own profile, and nothing else of the account', async () => {
    const answer = await read()
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      email: person.email,
      name: 'Ada',
      locale: null,
      metadata: {},
      roles: ['user'],
      permissions: [],
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: expect.stringMatching(/Z$/),
    })
  })

  it('is refused to an account that was disabled a moment ago', async () => {
    await rows(`update users set status = 'disabled' where email_canonical = $1 returning id`, person.email)
    expectProblem(await read(), 'invalid_token')
    expectProblem(await change({ name: 'Eve' }), 'invalid_token')
  })
})

describe('PATCH /v1/me', () => {
  it('replaces what is sent, leaves the rest, and answers with the whole', async () => {
    const first = await change({ locale: 'pt-BR', metadata: { theme: 'dark', deep: [{ a: null }] } })
    expect(first.body).toMatchObject({ name: 'Ada', locale: 'pt-BR', metadata: { theme: 'dark', deep: [{ a: null }] } })
    const second = await change({ name: 'Ada Lovelace', metadata: { other: true } })
    expect(second.body).toMatchObject({ name: 'Ada Lovelace', locale: 'pt-BR', metadata: { other: true } })
    expect((await read()).body).toEqual(second.body)
    expect(String(second.body.updated_at) > String(first.body.updated_at)).toBe(true)
  })

  it('null clears name and locale', async () => {
    await change({ locale: 'en' })
    expect((await change({ name: null, locale: null })).body).toMatchObject({ name: null, locale: null })
  })

  it('takes names of every script, and quotes that mean something to others', async () => {
    for (const name of ["Robert'); drop table users;--", '山田 太郎', 'Zoë 🐎', '<b>&"', 'x'.repeat(200)]) {
      expect((await change({ name })).body.name).toBe(name)
    }
  })

  it('takes metadata of 4 KiB to the byte', async () => {
    const overhead = JSON.stringify({ a: '' }).length
    expect((await change({ metadata: { a: 'x'.repeat(4_096 - overhead) } })).status).toBe(200)
    expect((await change({ metadata: { a: 'x'.repeat(4_097 - overhead) } })).status).toBe(400)
    expect((await change({ metadata: { a: 'é'.repeat(2_048) } })).status).toBe(400)
  })

  it.each(['id', 'email', 'roles', 'permissions', 'status', 'password_hash', 'token_version', 'created_at'])(
    'does not let the caller change %s',
    async (member) => {
      const answer = await change({ [member]: 'admin' })
      expectProblem(answer, 'invalid_request', { errors: [{ pointer: `/${member}`, detail: 'is not known here' }] })
    },
  )

  it('is audited with the names of what was changed, not their values', async () => {
    await change({ name: 'A secret name', metadata: { a: 'secret' } })
    const [event] = await rows<{ detail: unknown }>(
      `select detail from audit_events where ip = $1 and type = 'user.profile_updated'`,
      worker.ip,
    )
    expect(event?.detail).toEqual({ members: ['name', 'metadata'] })
  })

  it('an empty change changes nothing that can be seen', async () => {
    const before = (await read()).body
    expect((await change({})).body).toEqual({ ...before, updated_at: expect.any(String) })
  })
})
