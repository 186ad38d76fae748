import { beforeAll, describe, expect, it } from 'vitest'
import { bearer, signIn } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { startWorker, type TestWorker } from '../support/worker.ts'

let worker: TestWorker
let token: string
beforeAll(async () => {
  worker = await startWorker()
  token = (await signIn(worker)).access_token
})

describe('every endpoint that wants a bearer token', () => {
  const endpoints = [
    ['GET', '/v1/me'],
    ['PATCH', '/v1/me'],
    ['GET', '/v1/me/sessions'],
    ['DELETE', '/v1/me/sessions/01932c00-0000-7000-8000-000000000001'],
    ['POST', '/v1/logout-all'],
    ['GET', '/v1/verify'],
  ] as const
  const body = { body: '{}', headers: { 'content-type': 'application/json' } }

  it.each(endpoints)('says how to authenticate when none is sent, and no error: %s %s', async (method, path) => {
    const answer = await worker.send(path, { method, ...(method === 'PATCH' ? body : {}) })
    expectProblem(answer, 'invalid_token')
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="postern"')
  })

  it.each(endpoints)('refuses one that is not good: %s %s', async (method, path) => {
    const init = method === 'PATCH' ? body : { headers: {} }
    const answer = await worker.send(path, { method, ...init, headers: { ...init.headers, ...bearer('a.b.c') } })
    expectProblem(answer, 'invalid_token')
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="postern", error="invalid_token"')
  })

  it.each<[string, (token: string) => { path?: string; headers?: Record<string, string> }]>([
    ['in the query', (token) => ({ path: `/v1/verify?access_token=${token}` })],
    ['as Basic', (token) => ({ headers: { authorization: `Basic ${token}` } })],
    ['without its scheme', (token) => ({ headers: { authorization: token } })],
    ['with something after it', (token) => ({ headers: { authorization: `Bearer ${token} x` } })],
    ['in a list', (token) => ({ headers: { authorization: `Bearer x, Bearer ${token}` } })],
    ['in another header', (token) => ({ headers: { 'x-access-token': token } })],
    ['in a cookie', (token) => ({ headers: { cookie: `access_token=${token}` } })],
  ])('takes it from the Authorization header alone, not %s', async (_, place) => {
    const { path = '/v1/verify', headers = {} } = place(token)
    expect((await worker.get(path, headers)).status).toBe(401)
    expect((await worker.get('/v1/verify', { authorization: `bearer ${token}` })).status).toBe(200)
  })
})
