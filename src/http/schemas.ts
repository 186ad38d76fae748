import { z } from '@hono/zod-openapi'
import { parseEmail } from '../domain/email.ts'
import { isUuid } from '../domain/ids.ts'
import type { LinkToken, OneTimeCode } from '../domain/one-time-code.ts'
import { readPassword } from '../domain/password-policy.ts'

// The pieces that request bodies are made of. Each parses into a domain type; OpenAPI is generated from the same schemas.

export const email = z
  .string()
  .max(320)
  .transform((raw, context) => {
    const parsed = parseEmail(raw)
    if (parsed !== null) return parsed
    context.addIssue({ code: 'custom', message: 'must be an e-mail address' })
    return z.NEVER
  })
  .openapi({ type: 'string', format: 'email', example: 'ada@example.com' })

/** Any string: rules of length and strength belong to the policy, and only where a password is chosen. */
export const password = z
  .string()
  .min(1)
  .max(1_024)
  .transform(readPassword)
  .openapi({ type: 'string', format: 'password', example: 'seven green lanterns at noon' })

/** One line of text, as people write names. */
export const line = (longest: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(longest)
    .regex(/^\P{Cc}*$/u, 'must not contain control characters')

export const oneTimeCode = z
  .string()
  .regex(/^\d{8}$/, 'must be eight digits')
  .transform((digits) => digits as OneTimeCode)
  .openapi({ type: 'string', example: '12345678' })

export const linkToken = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'must be the token of a mailed link')
  .transform((token) => token as LinkToken)
  .openapi({ type: 'string' })

export const refreshToken = z.string().min(1).max(512)

export const uuid = z
  .string()
  .refine(isUuid, 'must be a UUID in lower case')
  .openapi({ type: 'string', format: 'uuid' })

/** Clients may send it today; it is checked where a deployment has Turnstile. */
export const turnstileToken = z.string().max(2_048).optional()

const problemSchema = z
  .object({
    type: z.string().openapi({ example: 'urn:postern:problem:invalid_token' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().openapi({ example: 'invalid_token' }),
    request_id: z.string(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .openapi('Problem')

/** An answer with a JSON body, for `createRoute`. */
export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

/** The refusals a route can answer, by status. */
export function refusals<Status extends keyof typeof sentences>(...statuses: Status[]) {
  const answers = statuses.map((status) => [
    status,
    { description: sentences[status], content: { 'application/problem+json': { schema: problemSchema } } },
  ])
  return Object.fromEntries(answers) as Record<
    Status,
    { description: string; content: { 'application/problem+json': { schema: typeof problemSchema } } }
  >
}

const sentences = {
  400: 'The body is malformed, or a code is wrong, used or expired.',
  401: 'Credentials or token are missing or wrong.',
  403: 'The account is disabled, or the request comes from an origin that may not make it.',
  404: 'There is no such thing, or it is not yours.',
  422: 'The password is too easy to guess or known from a breach.',
  429: 'Too many requests; `Retry-After` says when to come back.',
  503: 'A back end is away; `Retry-After` says when to come back.',
}
