import { AuthError } from '../../domain/auth-error.ts'
import type { Email } from '../../domain/email.ts'
import { judgePassword, type Password, type PasswordFlaw } from '../../domain/password-policy.ts'
import { provenanceOf } from '../../domain/provenance.ts'
import type { Postern, RequestContext } from '../postern.ts'
import { spendLimit } from '../security/limit.ts'
import { clientKeyOf } from './client-key.ts'
import { deliverMail, sealMail } from './outbox-mail.ts'
import { newRegistrationProof } from './registration-proof.ts'

/**
 * Records a registration attempt and mails its code; tells the owner instead when the address has an account. The caller cannot
 * tell which: the same checks, hash, statement and answer serve both (OWASP ASVS 5.0, 6.3.8).
 *
 * Round trips: Redis 1 (beside the breach check), Postgres 1; the mail follows the answer.
 * @returns headers of the caller's limit
 */
export async function register(
  postern: Pick<
    Postern,
    | 'rateLimiter'
    | 'breaches'
    | 'passwords'
    | 'registrations'
    | 'outbox'
    | 'mailer'
    | 'tokenKeys'
    | 'settings'
    | 'clock'
  >,
  { email, password, name, device }: { email: Email; password: Password; name: string | null; device: string | null },
  { audit, defer }: RequestContext,
): Promise<Record<string, string>> {
  const [limitHeaders, timesBreached] = await Promise.all([
    spendLimit(postern, 'register', { ip: audit.ip, email: email.canonical }),
    postern.breaches.count(password),
  ])
  refuseWeakPassword(postern.settings.passwordMinLength, password, email, name, limitHeaders)
  if (timesBreached !== null && timesBreached > 0) throw new AuthError('breached_password', { headers: limitHeaders })

  const { code, token, proof } = newRegistrationProof(postern.tokenKeys.current, email.canonical)
  const asked = provenanceOf(audit, device, postern.clock.now())
  const [passwordHash, verify, alreadyRegistered] = await Promise.all([
    postern.passwords.hash(password),
    sealMail(postern, { kind: 'verify_email', code, token, ...asked }),
    sealMail(postern, { kind: 'already_registered', ...asked }),
  ])

  const outcome = await postern.registrations.begin(
    { email: email.address, canonical: email.canonical, passwordHash, name },
    clientKeyOf(postern, audit),
    proof,
    { verify, alreadyRegistered },
    { breach_check: timesBreached === null ? 'unavailable' : 'passed' },
    audit,
  )
  defer(() => deliverMail(postern, outcome === 'pending' ? verify.id : alreadyRegistered.id))
  return limitHeaders
}

function refuseWeakPassword(
  minLength: number,
  password: Password,
  email: Email,
  name: string | null,
  headers: Record<string, string>,
): void {
  const ownWords = ['postern', email.canonical, ...(name === null ? [] : [name])]
  const verdict = judgePassword(password, { minLength, ownWords })
  if (verdict === 'ok') return
  throw new AuthError('weak_password', { headers, errors: [{ pointer: '/password', detail: sentenceFor(verdict) }] })
}

function sentenceFor(flaw: PasswordFlaw): string {
  switch (flaw.reason) {
    case 'not_text':
      return 'The password holds half a character.'
    case 'too_short':
      return `The password needs at least ${flaw.minLength} characters. Several words in a row are easy to remember.`
    case 'too_long':
      return `The password may have at most ${flaw.maxLength} characters.`
    case 'common':
      return 'The password is one of the most common ones.'
    case 'own_words':
      return 'The password is made of your name, your address or the name of this service.'
  }
}
