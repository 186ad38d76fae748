import { describe, expect, it } from 'vitest'
import type { KeyId } from '../../src/domain/ids.ts'
import type { StoredSigningKey } from '../../src/domain/signing-key.ts'
import type { SigningKeys } from '../../src/ports.ts'
import type { Rows } from '../support/database.ts'
import { newAuditContext } from '../support/seed.ts'

const newKey = (): StoredSigningKey => {
  const kid = crypto.randomUUID() as KeyId
  const publicJwk = { kty: 'RSA', kid, alg: 'RS256', use: 'sig', n: 'n', e: 'AQAB' } as const
  return { kid, algorithm: 'RS256', status: 'active', publicJwk, sealedPrivateKey: 'sealed' }
}

/** @param rows beside the adapter, in a database that nobody else uses */
export function signingKeysContract(adapter: string, keys: SigningKeys, rows: Rows): void {
  describe(`signing keys in ${adapter}`, () => {
    it('there is one first key, whoever else adds one at that moment, and it is published as it was given', async () => {
      await rows('delete from signing_keys returning kid')
      expect(await keys.published()).toEqual([])
      const candidates = Array.from({ length: 5 }, newKey)
      const outcomes = await Promise.all(candidates.map((key) => keys.addFirst(key, newAuditContext())))
      expect(outcomes.filter((outcome) => outcome === 'added')).toHaveLength(1)
      expect(await keys.published()).toEqual([candidates[outcomes.indexOf('added')]])
      expect(await keys.addFirst(newKey(), newAuditContext())).toBe('exists')
    })

    it('is audited once, with its kid and no key', async () => {
      await rows('delete from signing_keys returning kid')
      const audit = newAuditContext()
      const key = newKey()
      await keys.addFirst(key, audit)
      await keys.addFirst(newKey(), audit)
      expect(await rows('select type, detail from audit_events where request_id = $1', audit.requestId)).toEqual([
        { type: 'signing_key.created', detail: { kid: key.kid } },
      ])
    })

    it('publishes what is next, active or retiring, oldest first, and not what is revoked', async () => {
      await rows('delete from signing_keys returning kid')
      for (const [i, status] of ['retiring', 'active', 'next', 'revoked'].entries()) {
        await rows(
          `insert into signing_keys (kid, algorithm, status, public_jwk, sealed_private_key, created_at)
           values ($1, 'RS256', $2, '{}', 'sealed', now() + make_interval(secs => $3::int)) returning kid`,
          `kid-${status}`,
          status,
          i,
        )
      }
      expect((await keys.published()).map(({ status }) => status)).toEqual(['retiring', 'active', 'next'])
      await rows('delete from signing_keys returning kid')
    })
  })
}
