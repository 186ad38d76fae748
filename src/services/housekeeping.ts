import type { Postern } from './postern.ts'
import { deliverDueMail } from './users/outbox-mail.ts'

const mailsPerRun = 20
const rowsPerBatch = 5_000

/**
 * What the cron trigger does: retries mail, forgets what has expired, keeps the revocation lease warm. Every part may run twice at
 * once or be cut off anywhere, and one that fails does not stop the others. Returns the failures.
 */
export async function keepHouse(
  postern: Pick<
    Postern,
    'outbox' | 'mailer' | 'tokenKeys' | 'settings' | 'registrations' | 'sessions' | 'revocationRecord' | 'revocations'
  >,
): Promise<unknown[]> {
  const outcomes = await Promise.allSettled([
    deliverDueMail(postern, mailsPerRun),
    postern.outbox.prune(rowsPerBatch),
    postern.registrations.prune(rowsPerBatch),
    postern.sessions.prune(rowsPerBatch),
    postern.revocationRecord.prune(rowsPerBatch),
    postern.revocations.sync(),
  ])
  const [mail] = outcomes
  const undelivered = mail.status === 'fulfilled' ? mail.value : []
  return [...undelivered, ...outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))]
}
