import type { Origin } from './session.ts'

/** The inventory of security events; each is written in the statement that makes it true. */
export type AuditType =
  | 'user.registration_requested'
  | 'user.registered'
  | 'user.verification_failed'
  | 'user.verification_resent'
  | 'user.profile_updated'
  | 'login.succeeded'
  | 'login.failed'
  | 'session.ended'
  | 'session.evicted'
  | 'session.all_ended'
  | 'session.refresh_reused'
  | 'signing_key.created'
  | 'user.created_by_operator'

/** Who asked, from where, in which request: the part of an audit event that every statement takes along. */
export interface AuditContext extends Origin {
  requestId: string
}

/** The client's stand-in for background acts: the cron trigger and the command line have no caller. */
export function systemAuditContext(requestId: string): AuditContext {
  return { requestId, ip: 'system', userAgent: null, country: null, city: null }
}
