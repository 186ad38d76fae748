import type { Context, MiddlewareHandler } from 'hono'
import type { AuditContext } from '../../domain/audit.ts'
import type { RequestContext } from '../../services/postern.ts'
import { logError } from '../log.ts'

export interface AppEnv {
  Variables: { context: RequestContext }
}

export interface RequestSettings {
  clientIpHeader: string
  /** Runs work that outlives its request, which may have used up its patience with the back ends. */
  background<T>(task: () => T): T
}

/** Gives the request an id and reads who asks, once, for audit and limits. */
export function requestContext({ clientIpHeader, background }: RequestSettings): MiddlewareHandler<AppEnv> {
  return async function requestContext(c, next) {
    const requestId = crypto.randomUUID()
    c.set('context', {
      audit: readAuditContext(c, requestId, clientIpHeader),
      defer(task) {
        const work = background(task).catch((error: unknown) => logError('deferred work failed', requestId, error))
        c.executionCtx.waitUntil(work)
      },
    })
    await next()
    c.res.headers.set('x-request-id', requestId)
  }
}

const longestUserAgent = 512

/** Only the platform's header names the client: `X-Forwarded-For` is whatever the client says. */
function readAuditContext(c: Context, requestId: string, clientIpHeader: string): AuditContext {
  const ip = c.req.header(clientIpHeader) ?? ''
  const { country, city } = readPlace(c.req.raw)
  return {
    requestId,
    ip: /^[0-9a-f.:]{2,45}$/i.test(ip) ? ip : 'unknown',
    userAgent: c.req.header('user-agent')?.slice(0, longestUserAgent).toWellFormed() ?? null,
    country,
    city,
  }
}

/** `request.cf` is missing in previews and behind service bindings. */
function readPlace(request: Request): { country: string | null; city: string | null } {
  const cf: unknown = 'cf' in request ? request.cf : undefined
  if (typeof cf !== 'object' || cf === null) return { country: null, city: null }
  return {
    country: 'country' in cf && typeof cf.country === 'string' ? cf.country : null,
    city: 'city' in cf && typeof cf.city === 'string' ? cf.city : null,
  }
}
