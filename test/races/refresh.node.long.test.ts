import { describe, expect, it } from 'vitest'
import { logout } from '../../src/services/authentication/logout.ts'
import { refresh } from '../../src/services/authentication/refresh.ts'
import type { TokenSet } from '../../src/services/authentication/token-set.ts'
import { authenticate } from '../../src/services/tokens/authenticate.ts'
import { openSql, queries, request, rotations, settleDeferred, startIsolate } from '../support/node-isolate.ts'
import { allAtOnce, at, codeOf, outcomeOf, tally } from '../support/race.ts'
import { addUser, signIn } from '../support/race-users.ts'

const deployment = `refresh-${crypto.randomUUID()}`
const isolates = Array.from({ length: 5 }, () => startIsolate({ deployment }))
const postern = at(isolates, 0)
const sql = openSql()

async function refreshed(refreshToken: string, index = 0): Promise<TokenSet> {
  const { tokens } = await refresh(at(isolates, index % isolates.length), { refreshToken, device: null }, request())
  return tokens
}

const codeOfRefresh = (refreshToken: string, index = 0) => codeOf(refreshed(refreshToken, index))
const codeOfCheck = (accessToken: string) => codeOf(authenticate(postern, accessToken, request()))

async function newSession(): Promise<TokenSet> {
  const { email } = await addUser(postern)
  return signIn(postern, email)
}

/** A session's tokens from the first to the current one, `length` rotations later. */
async function newChain(length: number): Promise<TokenSet[]> {
  const chain = [await newSession()]
  while (chain.length <= length) chain.push(await refreshed(at(chain, -1).refreshToken))
  return chain
}

async function rowOf({ sessionId }: TokenSet) {
  const [row] = await sql`select generation, revoked_at is null as live from sessions where id = ${sessionId}::uuid`
  return row
}

const eventsOf = async ({ sessionId }: TokenSet, type: string) =>
  (await sql`select id from audit_events where session_id = ${sessionId}::uuid and type = ${type}`).length

/** Moves the rotations that happened so far out of the window. */
const leaveWindow = ({ sessionId }: TokenSet) =>
  sql`update sessions set rotations = array(select r - interval '61 seconds' from unnest(rotations) with ordinality u(r, n) order by n)
    where id = ${sessionId}::uuid`

describe('500 parallel refreshes of one token', () => {
  it('make one successor, which every answer holds, and the session lives', async () => {
    let current = await newSession()
    for (let round = 1; round <= 3; round++) {
      const before = { rotated: 0, replayed: 0, ...rotations }
      const answers = await allAtOnce(500, (index) => refreshed(current.refreshToken, index))
      expect(rotations).toEqual({ ...before, rotated: before.rotated + 1, replayed: before.replayed + 499 })
      expect(new Set(answers.map(({ refreshToken }) => refreshToken)).size).toBe(1)
      expect(at(answers, 0).refreshToken).not.toBe(current.refreshToken)
      expect(await rowOf(current)).toEqual({ generation: round, live: true })
      const checks = await allAtOnce(50, (index) => codeOfCheck(at(answers, index * 10).accessToken))
      expect(tally(checks)).toEqual({ ok: 50 })
      current = at(answers, 0)
    }
    expect(await eventsOf(current, 'session.refresh_reused')).toBe(0)
    expect(await codeOfRefresh(current.refreshToken)).toBe('ok')
  })
})

describe('a chain of tokens', () => {
  it('converges: every late ancestor inside the window gets the current token', async () => {
    const chain = await newChain(16)
    const current = at(chain, -1)
    const late = await allAtOnce(160, (index) => refreshed(at(chain, index % 16).refreshToken, index))
    expect(new Set(late.map(({ refreshToken }) => refreshToken))).toEqual(new Set([current.refreshToken]))
    expect(await rowOf(current)).toEqual({ generation: 16, live: true })
    expect(await codeOfRefresh(current.refreshToken)).toBe('ok')
  })

  it('is too long to follow after 16 rotations: the ancestor is refused, and takes nobody along', async () => {
    const chain = await newChain(18)
    expect(await codeOfRefresh(at(chain, 0).refreshToken)).toBe('invalid_token')
    expect(await codeOfRefresh(at(chain, 1).refreshToken)).toBe('invalid_token')
    expect((await refreshed(at(chain, 2).refreshToken)).refreshToken).toBe(at(chain, 18).refreshToken)
    expect(await codeOfRefresh(at(chain, 18).refreshToken)).toBe('ok')
  })

  it('never forks while ancestors arrive and the chain moves on', async () => {
    for (let round = 0; round < 10; round++) {
      const chain = await newChain(2)
      const known = new Map(chain.map(({ refreshToken }) => [refreshToken, true]))
      const answers = await allAtOnce(60, (index) => refreshed(at(chain, index % 3).refreshToken, index))
      const fresh = new Set(answers.map(({ refreshToken }) => refreshToken).filter((token) => !known.has(token)))
      expect(fresh.size).toBe(1)
      // Who came before the rotation was given the token that was current then.
      const allowed = new Set([...fresh, at(chain, 2).refreshToken])
      expect(answers.every(({ refreshToken }) => allowed.has(refreshToken))).toBe(true)
      expect(await rowOf(at(chain, 0))).toEqual({ generation: 3, live: true })
    }
  })

  it.each([
    ['the parent', 2],
    ['the grandparent', 1],
    ['the first token', 0],
  ])('dies, once, when %s arrives outside the window, however often', async (_, ancestor) => {
    const chain = await newChain(3)
    const current = at(chain, -1)
    await leaveWindow(current)
    const codes = await allAtOnce(20, (index) => codeOfRefresh(at(chain, ancestor).refreshToken, index))
    expect(tally(codes)).toEqual({ invalid_token: 20 })
    expect(await codeOfRefresh(current.refreshToken)).toBe('invalid_token')
    expect(tally(await Promise.all(chain.map(({ accessToken }) => codeOfCheck(accessToken))))).toEqual({
      invalid_token: chain.length,
    })
    expect(await eventsOf(current, 'session.refresh_reused')).toBe(1)
    await settleDeferred()
    const mails = await sql`select o.sent_at is not null as sent from outbox o join sessions s on s.user_id = o.user_id
      where s.id = ${current.sessionId}::uuid and o.kind = 'session_reuse'`
    expect(mails).toEqual([{ sent: true }])
  })

  it('carries many tabs that each go on with what they were given last', async () => {
    for (let round = 0; round < 5; round++) {
      const first = await newSession()
      const seen = new Map<string, string>()
      const tabs = await allAtOnce(12, async (tab) => {
        let current = first
        for (let step = 0; step < 8; step++) {
          current = await refreshed(current.refreshToken, tab)
          const [, generation = ''] = current.refreshToken.split('.')
          // One token a generation: what two tabs hold of the same generation is the same.
          expect(seen.get(generation) ?? current.refreshToken).toBe(current.refreshToken)
          seen.set(generation, current.refreshToken)
        }
        return current
      })
      const last = await Promise.all(tabs.map(({ refreshToken }, tab) => refreshed(refreshToken, tab)))
      const generations = last.map(({ refreshToken }) => Number(refreshToken.split('.')[1]))
      expect(await rowOf(first)).toEqual({ generation: Math.max(...generations), live: true })
    }
  })

  it('has a window for each rotation: an old ancestor kills it though a newer one may still come', async () => {
    const [first, second] = await newChain(1)
    if (first === undefined || second === undefined) throw new Error('two tokens were expected')
    await leaveWindow(first)
    const third = await refreshed(second.refreshToken)
    expect((await refreshed(second.refreshToken)).refreshToken).toBe(third.refreshToken)
    expect(await codeOfRefresh(first.refreshToken)).toBe('invalid_token')
    expect(await codeOfRefresh(third.refreshToken)).toBe('invalid_token')
  })

  it('leaves nothing alive when a late ancestor races the current token', async () => {
    for (let round = 0; round < 20; round++) {
      const chain = await newChain(1)
      await leaveWindow(at(chain, 0))
      const outcomes = await allAtOnce(10, (index) => outcomeOf(refreshed(at(chain, index % 2).refreshToken, index)))
      const tokens = [...chain, ...outcomes.flatMap(({ value }) => value ?? [])]
      const after = await Promise.all(tokens.map(({ refreshToken }) => codeOfRefresh(refreshToken)))
      expect(tally(after)).toEqual({ invalid_token: tokens.length })
      const checks = await Promise.all(tokens.map(({ accessToken }) => codeOfCheck(accessToken)))
      expect(tally(checks)).toEqual({ invalid_token: tokens.length })
    }
  })
})

describe('1,000 forged refresh tokens that name a live session', () => {
  it('cost no query and leave it alive', async () => {
    const [own, strangers] = await Promise.all([newSession(), newSession()])
    const [session = '', , secret = '', mac = ''] = own.refreshToken.split('.')
    const [, , othersSecret = '', othersMac = ''] = strangers.refreshToken.split('.')
    const random = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
    const forgeries = [
      () => `${session}.0.${random()}.${random()}`,
      () => `${session}.0.${random()}.${mac}`,
      () => `${session}.0.${secret}.${random()}`,
      () => `${session}.1.${secret}.${mac}`,
      () => `${session}.0.${othersSecret}.${othersMac}`,
      () => `${session}.0.${secret}.${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`,
      () => `${session}.0.${secret}.${mac}=`,
      () => `${session}.00.${secret}.${mac}`,
    ]
    const tokens = Array.from({ length: 1_000 }, (_, index) => at(forgeries, index % forgeries.length)())
    const before = queries.count
    const refreshes = await Promise.all(tokens.map((token, index) => codeOfRefresh(token, index)))
    const logouts = await Promise.all(
      tokens.map((token) => codeOf(logout(postern, { accessToken: null, refreshToken: token }, request()))),
    )
    expect(queries.count - before).toBe(0)
    expect(tally(refreshes)).toEqual({ invalid_token: 1_000 })
    expect(tally(logouts)).toEqual({ ok: 1_000 }) // An unknown token is logged out already; it must not end what it names.
    expect(await codeOfCheck(own.accessToken)).toBe('ok')
    expect(await codeOfRefresh(own.refreshToken)).toBe('ok')
    expect(queries.count - before).toBeGreaterThan(0)
  })
})
