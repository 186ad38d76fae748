import type { EmailAddress } from './email.ts'
import type { MailId, UserId } from './ids.ts'
import type { LinkToken, OneTimeCode } from './one-time-code.ts'

/** What a mail is about, with everything its template needs. Travels through the database only sealed (it holds codes and addresses). */
export type MailContent =
  | { kind: 'verify_email'; to: EmailAddress; code: OneTimeCode; token: LinkToken; askedAt: string; askedFrom: string }
  | { kind: 'already_registered'; askedAt: string; askedFrom: string }
  | { kind: 'several_attempts'; to: EmailAddress; askedAt: string; askedFrom: string }
  | { kind: 'session_reuse'; askedAt: string; askedFrom: string }

/** A mail in the outbox: written in the statement that makes it true, sent after it. */
export interface OutboxMail {
  id: MailId
  kind: MailContent['kind']
  /** `MailContent` as JSON under AES-256-GCM. */
  sealed: string
}

/** A mail taken from the outbox. `userId` names the owner to write to when the content carries no `to` of its own. */
export interface ClaimedMail extends OutboxMail {
  attempts: number
  userId: UserId | null
  /** The owner's stored address, for mails that go to an account. */
  ownerAddress: EmailAddress | null
}

/** A mail as a provider takes it. */
export interface Message {
  /** The same for every try, so that a provider can drop the second copy. */
  id: MailId
  to: EmailAddress
  subject: string
  text: string
  html: string
}
