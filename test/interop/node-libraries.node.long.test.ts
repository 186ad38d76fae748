import { createRemoteJWKSet, jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { JwksClient } from 'jwks-rsa'
import { beforeAll, describe, expect, it } from 'vitest'
import { audience, type BuiltWorker, issuer, startBuiltWorker } from '../support/built-worker.ts'
import { flippedTokens, obtainToken } from '../support/interop-token.ts'

// Another origin knows our issuer, our audience and where our keys are, and nothing else.

let worker: BuiltWorker
let token = ''
beforeAll(async () => {
  worker = await startBuiltWorker({ database: 'postern_test_e2e' })
  token = await obtainToken(worker)
  return () => worker.close()
})

type Claims = Readonly<Record<string, unknown>>

/** Each verifies with keys that it fetches over HTTP, and throws for what it refuses. */
const libraries: Record<string, (keysUrl: string) => (token: string, audience: string) => Promise<Claims>> = {
  jose(keysUrl) {
    const keys = createRemoteJWKSet(new URL(keysUrl))
    return async (candidate, expected) => {
      const options = { issuer, audience: expected, algorithms: ['RS256'], typ: 'at+jwt' }
      return (await jwtVerify(candidate, keys, options)).payload
    }
  },
  'jsonwebtoken with jwks-rsa'(keysUrl) {
    const keys = new JwksClient({ jwksUri: keysUrl })
    return async (candidate, expected) => {
      const kid = jsonwebtoken.decode(candidate, { complete: true })?.header.kid
      const key = (await keys.getSigningKey(kid)).getPublicKey()
      const claims = jsonwebtoken.verify(candidate, key, { issuer, audience: expected, algorithms: ['RS256'] })
      if (typeof claims === 'string') throw new Error('the payload is no object')
      return claims
    }
  },
}

describe.each(Object.entries(libraries))('%s', (_, open) => {
  it('verifies an issued token and reads its claims', async () => {
    const claims = await open(`${worker.url}/.well-known/jwks.json`)(token, audience)
    expect(claims).toMatchObject({ iss: issuer, aud: audience, client_id: audience, roles: ['user'], ver: 1 })
    expect(Number(claims.exp) - Number(claims.iat)).toBe(900)
    const { body } = await worker.ask('/v1/verify', { bearer: token })
    expect(claims).toMatchObject({ sub: body.sub, sid: body.sid, jti: body.jti })
  })

  it('refuses it with one bit flipped, wherever', async () => {
    const verify = open(`${worker.url}/.well-known/jwks.json`)
    for (const { where, token: flipped } of flippedTokens(token)) {
      await expect(verify(flipped, audience), where).rejects.toThrow()
    }
    expect(await verify(token, audience)).toBeTruthy()
  })

  it('refuses it for another audience', async () => {
    const verify = open(`${worker.url}/.well-known/jwks.json`)
    await expect(verify(token, 'somebody-else')).rejects.toThrow(/aud/)
  })
})
