import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Postern } from '../../services/postern.ts'
import { register } from '../../services/users/register.ts'
import { resendVerification } from '../../services/users/resend-verification.ts'
import { verifyEmail } from '../../services/users/verify-email.ts'
import { describeDevice } from '../device.ts'
import { jsonBody } from '../middleware/json-body.ts'
import type { AppEnv } from '../middleware/request-context.ts'
import { email, json, line, linkToken, oneTimeCode, password, refusals, turnstileToken } from '../schemas.ts'

const accepted = z.object({ status: z.literal('verification_required') })

const registerRoute = createRoute({
  method: 'post',
  path: '/v1/register',
  tags: ['Registration'],
  summary: 'Register with e-mail and password',
  description: 'Mails a code and a link. The answer is the same whether or not the address has an account.',
  middleware: [jsonBody({ optional: false })] as const,
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({ email, password, name: line(200).optional(), turnstile_token: turnstileToken }),
        },
      },
    },
  },
  responses: { 202: json(accepted, 'Look into the mailbox.'), ...refusals(400, 422, 429, 503) },
})

const verifyRoute = createRoute({
  method: 'post',
  path: '/v1/email/verify',
  tags: ['Registration'],
  summary: 'Confirm an e-mail address',
  description:
    "By the mailed link's token, or by address and code. Works once; a code lives ten minutes and five tries.",
  middleware: [jsonBody({ optional: false })] as const,
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.union([z.strictObject({ token: linkToken }), z.strictObject({ email, code: oneTimeCode })]),
        },
      },
    },
  },
  responses: {
    200: json(z.object({ status: z.literal('verified') }), 'The account exists.'),
    ...refusals(400, 429, 503),
  },
})

const resendRoute = createRoute({
  method: 'post',
  path: '/v1/email/resend',
  tags: ['Registration'],
  summary: 'Ask for a new code',
  description: 'The older code and link die. The answer is the same whether or not a registration is waiting.',
  middleware: [jsonBody({ optional: false })] as const,
  request: { body: { required: true, content: { 'application/json': { schema: z.strictObject({ email }) } } } },
  responses: { 202: json(accepted, 'Look into the mailbox.'), ...refusals(400, 429, 503) },
})

export function registrationRoutes(postern: Postern): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>()
    .openapi(registerRoute, async (c) => {
      const context = c.get('context')
      const { email, password, name } = c.req.valid('json')
      const device = describeDevice(context.audit.userAgent).words
      const limits = await register(postern, { email, password, name: name ?? null, device }, context)
      return c.json({ status: 'verification_required' as const }, 202, limits)
    })
    .openapi(verifyRoute, async (c) => {
      const limits = await verifyEmail(postern, c.req.valid('json'), c.get('context'))
      return c.json({ status: 'verified' as const }, 200, limits)
    })
    .openapi(resendRoute, async (c) => {
      const context = c.get('context')
      const device = describeDevice(context.audit.userAgent).words
      const limits = await resendVerification(postern, { ...c.req.valid('json'), device }, context)
      return c.json({ status: 'verification_required' as const }, 202, limits)
    })
}
