import type { ErrorCode, InvalidMember } from '../domain/auth-error.ts'

/** What each refusal looks like from outside. Does not compile while a code is missing. Nothing inside leaks through a sentence. */
export const problems = {
  invalid_json: { status: 400, title: 'The body is not valid JSON.' },
  invalid_request: { status: 400, title: 'The request is not what this endpoint takes.' },
  unsupported_media_type: { status: 415, title: 'Send the body as application/json.' },
  payload_too_large: { status: 413, title: 'The body is larger than 16 KiB.' },
  invalid_credentials: { status: 401, title: 'E-mail or password is wrong.' },
  invalid_token: { status: 401, title: 'The token is missing, expired, revoked or not ours.' },
  invalid_code: { status: 400, title: 'The code or link is wrong, used or expired.' },
  account_disabled: { status: 403, title: 'This account is disabled.' },
  forbidden: { status: 403, title: 'You may not do this.' },
  not_found: { status: 404, title: 'There is nothing here.' },
  method_not_allowed: { status: 405, title: 'This path does not take that method.' },
  weak_password: { status: 422, title: 'The password is too easy to guess.' },
  breached_password: { status: 422, title: 'The password is known from a data breach.' },
  rate_limited: { status: 429, title: 'Too many requests.' },
  internal: { status: 500, title: 'Something went wrong on our side.' },
  unavailable: { status: 503, title: 'The service cannot answer right now.' },
} as const satisfies Record<ErrorCode, { status: number; title: string }>

/** RFC 9457. `type` is stable and ends in the code. */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: ErrorCode
  request_id: string
  errors?: readonly InvalidMember[]
}

interface Occurrence {
  requestId: string
  detail?: string | undefined
  errors?: readonly InvalidMember[] | undefined
  headers?: Readonly<Record<string, string>>
}

export function problemResponse(code: ErrorCode, { requestId, detail, errors, headers }: Occurrence): Response {
  const { status, title } = problems[code]
  const problem: Problem = {
    type: `urn:postern:problem:${code}`,
    title,
    status,
    detail: detail ?? title,
    code,
    request_id: requestId,
    ...(errors === undefined ? {} : { errors }),
  }
  return new Response(JSON.stringify(problem), {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json; charset=utf-8', 'cache-control': 'no-store' },
  })
}
