import type { EmailAddress } from './email.ts'
import type { MailId } from './ids.ts'
import type { LinkToken, OneTimeCode } from './one-time-code.ts'

/** What a mail is about, with everything its template needs. Travels through the database only sealed: it holds codes. */
export type MailContent =
  | { kind: 'verify_email'; code: OneTimeCode; token: LinkToken; askedAt: string; askedFrom: string }
  | { kind: 'already_registered'; askedAt: string; askedFrom: string }
  | { kind: 'register_again'; askedAt: string; askedFrom: string }
  | { kind: 'session_reuse'; askedAt: string; askedFrom: string }

/** A mail in the outbox: written in the statement that makes it true, sent after it. */
export interface OutboxMail {
  id: MailId
  kind: MailContent['kind']
  /** `MailContent` as JSON under AES-256-GCM. */
  sealed: string
}

/** A mail taken from the outbox, with the stored address of the account or the registration attempt that it is for. */
export interface ClaimedMail extends OutboxMail {
  attempts: number
  to: EmailAddress
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
