/** Every way a request can be refused, as callers see it (`code` of RFC 9457 problem details). HTTP answers: `src/http/problem.ts`. */
export type ErrorCode =
  | 'invalid_json'
  | 'invalid_request'
  | 'unsupported_media_type'
  | 'payload_too_large'
  | 'invalid_credentials'
  | 'invalid_token'
  | 'invalid_code'
  | 'account_disabled'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'weak_password'
  | 'breached_password'
  | 'rate_limited'
  | 'internal'
  | 'unavailable'

/** One member of a request that was refused: an RFC 6901 pointer into the body and a sentence for its author. */
export interface InvalidMember {
  pointer: string
  detail: string
}

interface Particulars {
  /** For our log only: what exactly went wrong. Never holds a secret, token, address or password. */
  reason?: string
  retryAfterSeconds?: number
  errors?: readonly InvalidMember[]
  /** The bearer token was missing rather than wrong: RFC 6750 section 3.1 wants no error attribute then. */
  tokenMissing?: boolean
  /** Response headers of the refusal, such as the caller's rate limit. */
  headers?: Readonly<Record<string, string>>
  cause?: unknown
}

/** A request that must be refused. `code` speaks to the client, `reason` and `cause` to the log. */
export class AuthError extends Error {
  override readonly name = 'AuthError'
  readonly code: ErrorCode
  readonly particulars: Particulars

  constructor(code: ErrorCode, particulars: Particulars = {}) {
    super(particulars.reason ? `${code}: ${particulars.reason}` : code, { cause: particulars.cause })
    this.code = code
    this.particulars = particulars
  }
}
