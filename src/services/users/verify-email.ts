import { AuthError } from '../../domain/auth-error.ts'
import type { Email } from '../../domain/email.ts'
import { newId, type UserId } from '../../domain/ids.ts'
import type { LinkToken, OneTimeCode } from '../../domain/one-time-code.ts'
import type { Postern, RequestContext } from '../postern.ts'
import { addressKey, spendLimit } from '../security/limit.ts'
import { clientKeyOf } from './client-key.ts'
import { codeHashes, linkTokenHashes } from './registration-proof.ts'

export type EmailProof = { token: LinkToken } | { email: Email; code: OneTimeCode }

/**
 * Turns the attempt that carries the code or link into an account, once, and ends every other attempt for the address. Wrong, used
 * and expired are one answer.
 *
 * Round trips: Redis 1, Postgres 1.
 * @returns headers of the caller's limit
 * @throws {AuthError} `invalid_code`
 */
export async function verifyEmail(
  postern: Pick<Postern, 'rateLimiter' | 'registrations' | 'tokenKeys' | 'clock'>,
  proof: EmailProof,
  { audit }: RequestContext,
): Promise<Record<string, string>> {
  const id = newId<UserId>(postern.clock.now())
  if ('token' in proof) {
    const headers = await spendLimit(postern, 'email', { ip: audit.ip })
    const hashes = linkTokenHashes(postern.tokenKeys, proof.token)
    const outcome = await postern.registrations.activateByToken(hashes, clientKeyOf(postern, audit), id, audit)
    return orRefuse(outcome, headers)
  }
  const headers = await spendLimit(postern, 'email', { ip: audit.ip, email: proof.email.canonical })
  const hashes = codeHashes(postern.tokenKeys, proof.email.canonical, proof.code)
  const outcome = await postern.registrations.activateByCode(
    proof.email.canonical,
    hashes,
    clientKeyOf(postern, audit),
    id,
    { address_key: addressKey(postern, proof.email.canonical) },
    audit,
  )
  return orRefuse(outcome, headers)
}

function orRefuse(outcome: 'verified' | 'unknown', headers: Record<string, string>): Record<string, string> {
  if (outcome === 'verified') return headers
  throw new AuthError('invalid_code', { headers })
}
