import type { VerifiedToken } from '../../domain/access-token.ts'
import { AuthError } from '../../domain/auth-error.ts'
import type { Postern, RequestContext } from '../postern.ts'

/**
 * Checks an access token: form, signature, claims, then revocation. One Redis command; no query in the steady state.
 * @param token the bearer token, or `null` when the request carries none
 * @throws {AuthError} `invalid_token`, or `unavailable`
 */
export async function authenticate(
  postern: Pick<Postern, 'signing' | 'tokenCodec' | 'revocations' | 'clock'>,
  token: string | null,
  { defer }: Pick<RequestContext, 'defer'>,
): Promise<VerifiedToken> {
  const verified = await verifySignature(postern, token)
  await postern.revocations.check(verified, defer)
  return verified
}

/** The same without asking whether the token was revoked: enough to end the session that it names. */
export async function verifySignature(
  postern: Pick<Postern, 'signing' | 'tokenCodec' | 'clock'>,
  token: string | null,
): Promise<VerifiedToken> {
  if (token === null) throw new AuthError('invalid_token', { tokenMissing: true, reason: 'no bearer token' })
  return postern.tokenCodec.verify(token, (kid) => postern.signing.publicKey(kid), postern.clock.now())
}
