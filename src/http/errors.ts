import { HTTPException } from 'hono/http-exception'
import { AuthError } from '../domain/auth-error.ts'
import { Outage } from '../domain/outage.ts'
import { logError } from './log.ts'
import { problemResponse, problems } from './problem.ts'

/** Turns whatever was thrown, an `Error` or not, into its public answer. Only what nobody expected is logged as an error. */
export function answerError(thrown: unknown, requestId: string): Response {
  if (thrown instanceof AuthError) return answerRefusal(thrown, requestId)
  if (thrown instanceof HTTPException && thrown.status === 400) return problemResponse('invalid_json', { requestId })
  if (thrown instanceof HTTPException && thrown.status === 415)
    return problemResponse('unsupported_media_type', { requestId })
  if (thrown instanceof Outage) {
    logError('outage', requestId, thrown)
    return problemResponse('unavailable', { requestId, headers: { 'retry-after': '1' } })
  }
  logError('unexpected error', requestId, thrown)
  return problemResponse('internal', { requestId })
}

function answerRefusal({ code, particulars }: AuthError, requestId: string): Response {
  const { errors, retryAfterSeconds, tokenMissing, headers } = particulars
  if (problems[code].status >= 500) logError(code, requestId, particulars.cause ?? particulars.reason)
  return problemResponse(code, {
    requestId,
    errors,
    detail: errors?.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; '),
    headers: {
      ...headers,
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterSeconds)) }),
      ...(code === 'invalid_token' ? { 'www-authenticate': challenge(tokenMissing === true) } : {}),
    },
  })
}

/** RFC 6750 section 3.1: a request without any token is told how to authenticate, and no error. */
function challenge(tokenMissing: boolean): string {
  return tokenMissing ? 'Bearer realm="postern"' : 'Bearer realm="postern", error="invalid_token"'
}
