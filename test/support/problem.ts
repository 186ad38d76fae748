import { expect } from 'vitest'
import type { ErrorCode } from '../../src/domain/auth-error.ts'
import { problems } from '../../src/http/problem.ts'
import type { Answer } from './worker.ts'

/** Asserts a refusal, whole body: nothing but what RFC 9457 and our table say may stand there. */
export function expectProblem(
  answer: Answer<object | null>,
  code: ErrorCode,
  more: { detail?: unknown; errors?: readonly { pointer: string; detail: unknown }[] } = {},
): void {
  const { status, title } = problems[code]
  const detail = more.detail ?? (more.errors === undefined ? title : expect.any(String))
  expect(answer.body, answer.text).toEqual({
    type: `urn:postern:problem:${code}`,
    title,
    status,
    detail,
    code,
    request_id: answer.headers.get('x-request-id'),
    ...(more.errors === undefined ? {} : { errors: more.errors }),
  })
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect(answer.headers.get('cache-control')).toBe('no-store')
}

/** The pointers of a validation error, sorted. */
export function pointersOf(answer: Answer): string[] {
  const errors = answer.body.errors as { pointer: string }[] | undefined
  return (errors ?? []).map(({ pointer }) => pointer).sort()
}
