import type { Email } from '../../domain/email.ts'
import { provenanceOf } from '../../domain/provenance.ts'
import type { Postern, RequestContext } from '../postern.ts'
import { addressKey, spendLimit } from '../security/limit.ts'
import { clientKeyOf } from './client-key.ts'
import { deliverMail, sealMail } from './outbox-mail.ts'
import { newRegistrationProof } from './registration-proof.ts'

/**
 * Mails a new code and link for the registration that this client began with the address; the older ones die. A registration that may be
 * a stranger's gets none: the mail asks to register once more. Says nothing about whether there is one.
 *
 * Round trips: Redis 1, Postgres 1; the mail follows the answer.
 * @returns headers of the caller's limit
 */
export async function resendVerification(
  postern: Pick<Postern, 'rateLimiter' | 'registrations' | 'outbox' | 'mailer' | 'tokenKeys' | 'settings' | 'clock'>,
  { email, device }: { email: Email; device: string | null },
  { audit, defer }: RequestContext,
): Promise<Record<string, string>> {
  const headers = await spendLimit(postern, 'email', { ip: audit.ip, email: email.canonical })
  const { code, token, proof } = newRegistrationProof(postern.tokenKeys.current, email.canonical)
  const asked = provenanceOf(audit, device, postern.clock.now())
  const [verify, registerAgain] = await Promise.all([
    sealMail(postern, { kind: 'verify_email', code, token, ...asked }),
    sealMail(postern, { kind: 'register_again', ...asked }),
  ])
  const outcome = await postern.registrations.renewProof(
    email.canonical,
    clientKeyOf(postern, audit),
    proof,
    { verify, registerAgain },
    { address_key: addressKey(postern, email.canonical) },
    audit,
  )
  if (outcome !== 'none') defer(() => deliverMail(postern, outcome === 'renewed' ? verify.id : registerAgain.id))
  return headers
}
