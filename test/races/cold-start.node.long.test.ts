import { decodeProtectedHeader } from 'jose'
import { expect, it } from 'vitest'
import { newId, type SessionId, type UserId } from '../../src/domain/ids.ts'
import type { PublicJwk } from '../../src/domain/signing-key.ts'
import type { Postern } from '../../src/services/postern.ts'
import { verifySignature } from '../../src/services/tokens/authenticate.ts'
import { issueAccessToken } from '../../src/services/tokens/issue-access-token.ts'
import { openSql, startIsolate } from '../support/node-isolate.ts'
import { allAtOnce, at, tally } from '../support/race.ts'

const database = 'postern_test_race_keys'
const sql = openSql(database)

/** A token signed by the key that this isolate takes for the active one. */
async function sign(postern: Postern): Promise<string> {
  const subject = {
    userId: newId<UserId>(Date.now()),
    sessionId: newId<SessionId>(Date.now()),
    tokenVersion: 1,
    roles: [],
    permissions: [],
    authTime: new Date(),
    amr: ['pwd'],
    sessionExpiresAt: new Date(Date.now() + 3_600_000),
  }
  return (await issueAccessToken(postern, { ...subject, activeKid: null })).token
}

it('ten isolates start at once over an empty database: one active key, which all of them sign with', async () => {
  for (let round = 0; round < 5; round++) {
    await sql`delete from signing_keys`
    await sql`delete from audit_events`
    const isolates = Array.from({ length: 10 }, () => startIsolate({ database, deployment: crypto.randomUUID() }))
    const published: PublicJwk[][] = []
    const tokens = await allAtOnce(10, async (index) => {
      await at(isolates, index).signing.warm()
      published.push(await at(isolates, index).signing.published())
      return sign(at(isolates, index))
    })

    const keys = await sql`select kid, status from signing_keys`
    expect(keys).toHaveLength(1)
    const [key] = keys
    expect(key?.status).toBe('active')
    expect(tally(tokens.map((token) => String(decodeProtectedHeader(token).kid)))).toEqual({ [key?.kid]: 10 })
    // No isolate shows a key that lost.
    expect(tally(published.map((shown) => shown.map(({ kid }) => kid).join()))).toEqual({ [key?.kid]: 10 })
    expect(await sql`select detail->>'kid' as kid from audit_events where type = 'signing_key.created'`).toEqual([
      { kid: key?.kid },
    ])
    // Each verifies what another one signed.
    for (const [index, token] of tokens.entries()) {
      const { kid } = await verifySignature(at(isolates, (index + 1) % 10), token)
      expect(kid).toBe(key?.kid)
    }
    process.stderr.write(`  cold starts: round ${round + 1} of 5\n`)
  }
})
