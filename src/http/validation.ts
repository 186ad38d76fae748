import type { Hook } from '@hono/zod-openapi'
import type { z } from 'zod'
import { AuthError, type InvalidMember } from '../domain/auth-error.ts'
import type { AppEnv } from './middleware/request-context.ts'

/** What every schema's refusal becomes: `invalid_request` with an RFC 6901 pointer for each member that is wrong. */
export const refuseInvalid: Hook<unknown, AppEnv, string, unknown> = (result) => {
  if (!result.success) throw new AuthError('invalid_request', { errors: result.error.issues.flatMap(membersOf) })
}

function membersOf(issue: z.core.$ZodIssue): InvalidMember[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: pointerTo([...issue.path, key]), detail: 'is not known here' }))
  }
  if (issue.code === 'invalid_union') {
    const [closest] = [...issue.errors].sort((a, b) => a.length - b.length)
    if (closest !== undefined && closest.length > 0) return closest.flatMap(membersOf)
  }
  return [{ pointer: pointerTo(issue.path), detail: issue.message }]
}

function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
