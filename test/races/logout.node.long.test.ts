import { expect, it } from 'vitest'
import { logout } from '../../src/services/authentication/logout.ts'
import { refresh } from '../../src/services/authentication/refresh.ts'
import type { TokenSet } from '../../src/services/authentication/token-set.ts'
import type { Postern } from '../../src/services/postern.ts'
import { authenticate } from '../../src/services/tokens/authenticate.ts'
import { request, startIsolate } from '../support/node-isolate.ts'
import { allAtOnce, at, codeOf, inTurns, outcomeOf, pauseUpTo, tally } from '../support/race.ts'
import { addUser, signIn } from '../support/race-users.ts'

const deployment = `logout-${crypto.randomUUID()}`
// Who refreshes, who logs out and who checks share no memory, as in production.
const [refreshing, ending, checking] = [0, 1, 2].map(() => startIsolate({ deployment })) as [Postern, Postern, Postern]

const check = ({ accessToken }: TokenSet) => codeOf(authenticate(checking, accessToken, request()))

async function refreshed(postern: Postern, { refreshToken }: TokenSet): Promise<TokenSet> {
  return (await refresh(postern, { refreshToken, device: null }, request())).tokens
}

it('1,000 logouts race refreshes, and nothing survives a logout', async () => {
  const users = await allAtOnce(20, () => addUser(refreshing))
  const won: string[] = []
  await inTurns('logout against refresh', 1_000, 16, async (index) => {
    const session = await signIn(refreshing, at(users, index % users.length).email)
    const proof =
      index % 2 === 0
        ? { accessToken: session.accessToken, refreshToken: null }
        : { accessToken: null, refreshToken: session.refreshToken }
    const refreshes = [0, 1].map(async () => {
      await pauseUpTo(8)
      return outcomeOf(refreshed(refreshing, session))
    })
    await pauseUpTo(8)
    await logout(ending, proof, request())
    // The very next request, while refreshes may still be on their way.
    expect(await check(session)).toBe('invalid_token')

    const outcomes = await Promise.all(refreshes)
    for (const { code } of outcomes) expect(['ok', 'invalid_token']).toContain(code)
    const tokens = [session, ...outcomes.flatMap(({ value }) => value ?? [])]
    won.push(tokens.length > 1 ? 'refresh came first' : 'logout came first')
    const checks = await Promise.all(tokens.map(check))
    const late = await Promise.all(tokens.map((each) => codeOf(refreshed(checking, each))))
    expect(tally([...checks, ...late])).toEqual({ invalid_token: 2 * tokens.length })
  })
  const orders = tally(won)
  process.stderr.write(`  ${JSON.stringify(orders)}\n`)
  // Else it was no race.
  expect(Object.keys(orders).sort()).toEqual(['logout came first', 'refresh came first'])
})
