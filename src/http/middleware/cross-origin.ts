import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'

/** Public documents are for every origin; all else for those that the operator lists, to the letter. */
export function crossOrigin(allowedOrigins: ReadonlySet<string>): MiddlewareHandler {
  const forEverybody = cors({ origin: '*', allowMethods: ['GET'], maxAge: 86_400 })
  const forListed = cors({
    origin: (origin) => origin,
    credentials: true,
    allowMethods: ['GET', 'POST', 'PATCH', 'DELETE'],
    allowHeaders: ['authorization', 'content-type'],
    exposeHeaders: ['ratelimit', 'ratelimit-policy', 'retry-after', 'x-request-id', 'www-authenticate'],
    maxAge: 600,
  })
  return async function crossOrigin(c, next) {
    if (c.req.path.startsWith('/.well-known/') || c.req.path === '/openapi.json') {
      const response = await forEverybody(c, next)
      c.res.headers.set('cross-origin-resource-policy', 'cross-origin')
      return response
    }
    if (allowedOrigins.has(c.req.header('origin') ?? '')) return forListed(c, next)
    await next()
    c.res.headers.append('vary', 'Origin')
  }
}
