import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Postern } from '../../services/postern.ts'
import { checkReadiness } from '../../services/security/readiness.ts'
import { logError } from '../log.ts'
import type { AppEnv } from '../middleware/request-context.ts'
import { json } from '../schemas.ts'

const check = z.object({ ok: z.boolean(), latency_ms: z.number() })
const readiness = z
  .object({
    status: z.enum(['ready', 'not_ready']),
    checks: z.object({ postgres: check, migrations: check, redis: check, keys: check }),
  })
  .openapi('Readiness')

const aliveRoute = createRoute({
  method: 'get',
  path: '/healthz',
  tags: ['Operations'],
  summary: 'Alive',
  responses: { 200: json(z.object({ status: z.literal('ok') }), 'The Worker runs.') },
})

const readyRoute = createRoute({
  method: 'get',
  path: '/readyz',
  tags: ['Operations'],
  summary: 'Ready, with each back end and its latency',
  responses: { 200: json(readiness, 'Ready.'), 503: json(readiness, 'Not ready.') },
})

export function healthRoutes(postern: Postern): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>()
    .openapi(aliveRoute, (c) => c.json({ status: 'ok' as const }, 200))
    .openapi(readyRoute, async (c) => {
      const { requestId } = c.get('context').audit
      const { ready, checks } = await checkReadiness(postern)
      for (const failure of Object.values(checks)) if (!failure.ok) logError('not ready', requestId, failure.cause)
      const shape = ({ ok, latencyMs }: { ok: boolean; latencyMs: number }) => ({ ok, latency_ms: latencyMs })
      return c.json(
        {
          status: ready ? ('ready' as const) : ('not_ready' as const),
          checks: {
            postgres: shape(checks.postgres),
            migrations: shape(checks.migrations),
            redis: shape(checks.redis),
            keys: shape(checks.keys),
          },
        },
        ready ? 200 : 503,
      )
    })
}
