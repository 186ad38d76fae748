import { createHash } from 'node:crypto'
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Postern } from '../../services/postern.ts'
import type { AppEnv } from '../middleware/request-context.ts'
import { json, refusals } from '../schemas.ts'

const keySet = z
  .object({
    keys: z.array(
      z.object({
        kty: z.string(),
        kid: z.string(),
        alg: z.string(),
        use: z.literal('sig'),
        n: z.string(),
        e: z.string(),
      }),
    ),
  })
  .openapi('JsonWebKeySet')

const keySetRoute = createRoute({
  method: 'get',
  path: '/.well-known/jwks.json',
  tags: ['Validation'],
  summary: 'Public keys (RFC 7517)',
  description: 'Other origins verify our access tokens with these, with any JOSE library.',
  responses: { 200: json(keySet, 'The keys.'), 304: { description: 'You have them.' }, ...refusals(503) },
})

/** A new key is published longer than all of these together before its first signature, so no cache can refuse a token. */
const cacheControl = 'public, max-age=300, stale-while-revalidate=600, stale-if-error=86400'

export function keySetRoutes(postern: Postern): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>().openapi(keySetRoute, async (c) => {
    const keys = await postern.signing.published()
    const etag = `"${createHash('sha256')
      .update(keys.map(({ kid }) => kid).join())
      .digest('base64url')
      .slice(0, 22)}"`
    const headers = { 'cache-control': cacheControl, etag }
    const known = (c.req.header('if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
    if (known.includes(etag) || known.includes('*')) return c.body(null, 304, headers)
    return c.json({ keys }, 200, headers)
  })
}
