import { beforeEach, describe, expect, it } from 'vitest'
import { rows } from '../support/database.ts'
import { watchNetwork } from '../support/network.ts'
import { bearer, refresh, signIn } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { mailsTo } from '../support/received-mail.ts'
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

const revokedAt = async (id: string) =>
  (await rows<{ revoked_at: string | null }>('select revoked_at from sessions where id = $1', id))[0]?.revoked_at

describe('a change of TOKEN_SECRET', () => {
  const renewed = {
    TOKEN_SECRET: 'another token secret of 32 bytes or more',
    TOKEN_SECRET_PREVIOUS: 'test-token-secret-of-more-than-32-bytes',
  }

  it('keeps sessions alive while the previous secret is known', async () => {
    const { refresh_token } = await signIn(worker)
    worker = await startWorker(renewed)
    const next = await rotate(refresh_token)
    worker = await startWorker({ TOKEN_SECRET: renewed.TOKEN_SECRET })
    expect((await rotate(next)).split('.')[1]).toBe('2')
  })

  it('lets a chain that crosses it converge', async () => {
    const { refresh_token } = await signIn(worker)
    const chain = [refresh_token]
    for (let i = 0; i < 2; i++) chain.push(await rotate(chain[i] ?? ''))
    worker = await startWorker(renewed)
    for (let i = 2; i < 4; i++) chain.push(await rotate(chain[i] ?? ''))
    for (const token of chain.slice(0, 4)) expect(await rotate(token)).toBe(chain[4])
  })

  it('makes tokens of a forgotten secret strangers: refused, without a query and without theft', async () => {
    const { refresh_token, session_id } = await signIn(worker)
    worker = await startWorker({ TOKEN_SECRET: renewed.TOKEN_SECRET })
    const network = watchNetwork()
    expectProblem(await refresh(worker, refresh_token), 'invalid_token')
    expect(network.sent('postgres')).toEqual([])
    expect(await revokedAt(session_id)).toBeNull()
  })
})

describe('the end of a session', () => {
  it.each(['idle_expires_at', 'expires_at'])('by %s refuses its refresh token, which is no theft', async (column) => {
    const { refresh_token, session_id, email } = await signIn(worker)
    await rows(`update sessions set ${column} = now() where id = $1 returning id`, session_id)
    expectProblem(await refresh(worker, refresh_token), 'invalid_token')
    expect(await revokedAt(session_id)).toBeNull()
    expect(await mailsTo(email)).toEqual([])
  })

  it('is passed by no expiry that we hand out', async () => {
    const { refresh_token, session_id } = await signIn(worker)
    await rows(`update sessions set expires_at = now() + interval '100 seconds' where id = $1 returning id`, session_id)
    const { body } = await refresh(worker, refresh_token)
    const [{ ends } = { ends: 0 }] = await rows<{ ends: number }>(
      'select floor(extract(epoch from expires_at))::int as ends from sessions where id = $1',
      session_id,
    )
    const { exp, iat } = decode(body.access_token).claims
    expect(exp).toBe(ends)
    expect(body.expires_in).toBe(Number(exp) - Number(iat))
    expect(body.refresh_expires_in).toBeLessThanOrEqual(100)
    expect(body.refresh_expires_in).toBeGreaterThan(0)
  })

  it('of short sessions bounds the very first token set', async () => {
    worker = await startWorker({ SESSION_TTL_SECONDS: '300', ACCESS_TOKEN_TTL_SECONDS: '900' })
    const tokens = await signIn(worker)
    expect(tokens.expires_in).toBeLessThanOrEqual(300)
    expect(tokens.refresh_expires_in).toBeLessThanOrEqual(300)
  })

  it('a raised epoch ends it', async () => {
    const { refresh_token, email } = await signIn(worker)
    await rows('update users set session_epoch = session_epoch + 1 where email_canonical = $1 returning id', email)
    expectProblem(await refresh(worker, refresh_token), 'invalid_token')
  })

  it('idle time starts anew with every rotation', async () => {
    const { refresh_token, session_id } = await signIn(worker)
    await rows(
      `update sessions set idle_expires_at = now() + interval '60 seconds' where id = $1 returning id`,
      session_id,
    )
    expect((await refresh(worker, refresh_token)).body.refresh_expires_in).toBe(604_800)
    const sessions = await worker.get(
      '/v1/me/sessions',
      bearer((await refresh(worker, refresh_token)).body.access_token),
    )
    expect(sessions.status).toBe(200)
  })
})
