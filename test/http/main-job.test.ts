import { exports } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { bearer, login, refresh, registerAndVerify, verify } from '../support/people.ts'
import { startWorker, type TestWorker } from '../support/worker.ts'

let worker: TestWorker
beforeEach(async () => {
  worker = await startWorker()
})

describe('the main job', () => {
  it('runs from registration to a refused token', async () => {
    const person = await registerAndVerify(worker, { name: 'Ada' })
    const first = await login(worker, person)
    expect((await verify(worker, first.access_token)).body).toMatchObject({ active: true, sid: first.session_id })

    const second = (await refresh(worker, first.refresh_token)).body
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect(second.session_id).toBe(first.session_id)

    const out = await worker.send('/v1/logout', { method: 'POST', headers: bearer(second.access_token) })
    expect(out.status).toBe(204)
    for (const { access_token } of [first, second]) expect((await verify(worker, access_token)).status).toBe(401)
    expect((await refresh(worker, second.refresh_token)).status).toBe(401)
  })

  it('is what the deployed entry point serves', async () => {
    const response = await (exports as unknown as { default: Fetcher }).default.fetch('https://auth.test/healthz')
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: 'ok' })
  })
})
