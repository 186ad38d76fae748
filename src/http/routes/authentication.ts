import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { AuthError } from '../../domain/auth-error.ts'
import { login } from '../../services/authentication/login.ts'
import { logout, logoutAll } from '../../services/authentication/logout.ts'
import { refresh } from '../../services/authentication/refresh.ts'
import type { TokenSet } from '../../services/authentication/token-set.ts'
import type { Postern } from '../../services/postern.ts'
import { authenticate } from '../../services/tokens/authenticate.ts'
import { bearerToken } from '../bearer.ts'
import { describeDevice } from '../device.ts'
import { jsonBody } from '../middleware/json-body.ts'
import type { AppEnv } from '../middleware/request-context.ts'
import { clearRefreshCookie, readRefreshCookie, setRefreshCookie } from '../refresh-cookie.ts'
import { email, json, line, password, refreshToken, refusals, turnstileToken, uuid } from '../schemas.ts'

const tokenSet = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.number().int().openapi({ description: 'Seconds', example: 900 }),
    refresh_token: z.string().optional().openapi({ description: 'Absent in cookie mode: the cookie holds it.' }),
    refresh_expires_in: z
      .number()
      .int()
      .openapi({ description: 'Seconds to the earlier of idle and absolute end', example: 604800 }),
    session_id: uuid,
    device_token: z.string().openapi({ description: 'Keep it and send it with the next login from this device.' }),
  })
  .openapi('TokenSet')

const loginRoute = createRoute({
  method: 'post',
  path: '/v1/login',
  tags: ['Sessions'],
  summary: 'Sign in',
  middleware: [jsonBody({ optional: false })] as const,
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({
            email,
            password,
            device_name: line(100).optional(),
            device_token: z.string().max(128).optional(),
            cookie: z
              .boolean()
              .optional()
              .openapi({ description: 'Keep the refresh token in an HttpOnly cookie instead of the body.' }),
            turnstile_token: turnstileToken,
          }),
        },
      },
    },
  },
  responses: { 200: json(tokenSet, 'A session was opened.'), ...refusals(400, 401, 403, 429, 503) },
})

const refreshRoute = createRoute({
  method: 'post',
  path: '/v1/refresh',
  tags: ['Sessions'],
  summary: 'Exchange the refresh token for the next one',
  description:
    'Repeats within the retry window get the same successor; any later repeat is taken for theft and ends the session.',
  middleware: [jsonBody({ optional: false })] as const,
  request: {
    body: {
      required: true,
      content: { 'application/json': { schema: z.strictObject({ refresh_token: refreshToken.optional() }) } },
    },
  },
  responses: { 200: json(tokenSet, 'The next token set.'), ...refusals(400, 401, 403, 429, 503) },
})

const logoutRoute = createRoute({
  method: 'post',
  path: '/v1/logout',
  tags: ['Sessions'],
  summary: 'End this session',
  description:
    'By access token, refresh token or cookie. Its tokens are refused from the next request on. Ended already is 204 too.',
  middleware: [jsonBody({ optional: true })] as const,
  security: [{ bearer: [] }, {}],
  request: {
    body: {
      required: false,
      content: { 'application/json': { schema: z.strictObject({ refresh_token: refreshToken.optional() }) } },
    },
  },
  responses: { 204: { description: 'Ended.' }, ...refusals(400, 401, 403, 503) },
})

const logoutAllRoute = createRoute({
  method: 'post',
  path: '/v1/logout-all',
  tags: ['Sessions'],
  summary: 'End every session of the caller',
  security: [{ bearer: [] }],
  responses: { 204: { description: 'All ended.' }, ...refusals(401, 503) },
})

export function authenticationRoutes(postern: Postern, allowedOrigins: ReadonlySet<string>): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>()
    .openapi(loginRoute, async (c) => {
      const context = c.get('context')
      const { email, password, device_name, device_token, cookie = false } = c.req.valid('json')
      const { browser, os, words } = describeDevice(context.audit.userAgent)
      const device = { name: device_name ?? words ?? 'Unknown device', browser, os }
      const { tokens, limitHeaders } = await login(
        postern,
        { email, password, device, deviceToken: device_token },
        context,
      )
      if (cookie) setRefreshCookie(c, tokens.refreshToken, tokens.refreshExpiresIn)
      return c.json(shapeTokenSet(tokens, cookie), 200, limitHeaders)
    })
    .openapi(refreshRoute, async (c) => {
      const context = c.get('context')
      const inBody = c.req.valid('json').refresh_token
      const inCookie = inBody === undefined ? readRefreshCookie(c, allowedOrigins) : null
      const token = inBody ?? inCookie
      if (token === null) throw new AuthError('invalid_token', { tokenMissing: true, reason: 'no refresh token' })
      const device = describeDevice(context.audit.userAgent).words
      const { tokens, limitHeaders } = await refresh(postern, { refreshToken: token, device }, context)
      if (inCookie !== null) setRefreshCookie(c, tokens.refreshToken, tokens.refreshExpiresIn)
      return c.json(shapeTokenSet(tokens, inCookie !== null), 200, limitHeaders)
    })
    .openapi(logoutRoute, async (c) => {
      const accessToken = bearerToken(c)
      const inBody = c.req.valid('json').refresh_token
      const inCookie =
        inBody === undefined && c.req.header('content-type') !== undefined ? readRefreshCookie(c, allowedOrigins) : null
      await logout(postern, { accessToken, refreshToken: inBody ?? inCookie }, c.get('context'))
      if (inCookie !== null) clearRefreshCookie(c)
      return c.body(null, 204)
    })
    .openapi(logoutAllRoute, async (c) => {
      const context = c.get('context')
      const { claims } = await authenticate(postern, bearerToken(c), context)
      await logoutAll(postern, claims.sub, context)
      return c.body(null, 204)
    })
}

function shapeTokenSet(tokens: TokenSet, refreshInCookie: boolean) {
  return {
    access_token: tokens.accessToken,
    token_type: 'Bearer' as const,
    expires_in: tokens.expiresIn,
    ...(refreshInCookie ? {} : { refresh_token: tokens.refreshToken }),
    refresh_expires_in: tokens.refreshExpiresIn,
    session_id: tokens.sessionId,
    device_token: tokens.deviceToken,
  }
}
