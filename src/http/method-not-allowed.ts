import type { Hono } from 'hono'
import type { AppEnv } from './middleware/request-context.ts'

/** The methods that a path takes, from the routes themselves; empty when the path is nobody's. For `Allow` (RFC 9110 section 10.2.1). */
export function methodsOf(app: Hono<AppEnv>, path: string): string[] {
  const methods = new Set<string>()
  for (const route of app.routes) {
    if (route.method === 'ALL' || !matches(route.path, path)) continue
    methods.add(route.method)
    if (route.method === 'GET') methods.add('HEAD')
  }
  return [...methods].sort()
}

function matches(pattern: string, path: string): boolean {
  const expected = pattern.split('/')
  const given = path.split('/')
  return expected.length === given.length && expected.every((step, i) => step.startsWith(':') || step === given[i])
}
