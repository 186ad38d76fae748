import { asc, inArray, sql } from 'drizzle-orm'
import type { SigningKeys } from '../../ports.ts'
import { type Database, rowsOf, withoutParameters } from './database.ts'
import { signingKeys } from './schema.ts'
import { auditEvent } from './statements.ts'

export function neonSigningKeys(database: Database): SigningKeys {
  return {
    published: () =>
      withoutParameters(() =>
        database
          .select({
            kid: signingKeys.kid,
            algorithm: signingKeys.algorithm,
            status: signingKeys.status,
            publicJwk: signingKeys.publicJwk,
            sealedPrivateKey: signingKeys.sealedPrivateKey,
          })
          .from(signingKeys)
          .where(inArray(signingKeys.status, ['next', 'active', 'retiring']))
          .orderBy(asc(signingKeys.createdAt)),
      ),

    async addFirst(key, audit) {
      // The partial unique index on the one active key decides between isolates that start together.
      const rows = await rowsOf(
        database,
        sql`with added as (
          insert into signing_keys (kid, algorithm, status, public_jwk, sealed_private_key, activated_at)
          values (${key.kid}, ${key.algorithm}, 'active', ${JSON.stringify(key.publicJwk)}::jsonb, ${key.sealedPrivateKey}, now())
          on conflict do nothing returning kid
        ), event as (${auditEvent('signing_key.created', audit, { detail: sql`jsonb_build_object('kid', kid)`, source: sql`added` })})
        select kid from added`,
      )
      return rows.length === 1 ? 'added' : 'exists'
    },
  }
}
