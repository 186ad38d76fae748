import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Postern } from '../../services/postern.ts'
import { authenticate } from '../../services/tokens/authenticate.ts'
import { bearerToken } from '../bearer.ts'
import type { AppEnv } from '../middleware/request-context.ts'
import { json, refusals, uuid } from '../schemas.ts'

const active = z
  .object({
    active: z.literal(true),
    sub: uuid,
    sid: uuid,
    jti: z.string(),
    iss: z.string(),
    aud: z.string(),
    client_id: z.string(),
    iat: z.number().int(),
    exp: z.number().int(),
    auth_time: z.number().int(),
    amr: z.array(z.string()),
    roles: z.array(z.string()),
    permissions: z.array(z.string()),
  })
  .openapi('ActiveToken')

const verifyRoute = createRoute({
  method: 'get',
  path: '/v1/verify',
  tags: ['Validation'],
  summary: 'Check an access token',
  description:
    'Signature, claims and revocation. Also serves forward-auth (nginx `auth_request`, Traefik, Envoy): `X-Auth-Subject`, `X-Auth-Session`, `X-Auth-Roles` and `X-Auth-Permissions` come with the 200.',
  security: [{ bearer: [] }],
  responses: { 200: json(active, 'The token is good.'), ...refusals(401, 503) },
})

export function validationRoutes(postern: Postern): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>().openapi(verifyRoute, async (c) => {
    const { claims } = await authenticate(postern, bearerToken(c), c.get('context'))
    const { sub, sid, jti, iss, aud, client_id, iat, exp, auth_time, amr, roles, permissions } = claims
    return c.json(
      {
        active: true as const,
        sub,
        sid,
        jti,
        iss,
        aud,
        client_id,
        iat,
        exp,
        auth_time,
        amr: [...amr],
        roles: [...roles],
        permissions: [...permissions],
      },
      200,
      {
        'x-auth-subject': sub,
        'x-auth-session': sid,
        'x-auth-roles': roles.join(','),
        'x-auth-permissions': permissions.join(','),
      },
    )
  })
}
