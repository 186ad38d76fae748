import type { Context } from 'hono'

/** The token of `Authorization: Bearer` (RFC 6750 section 2.1), or `null`. Never the query, never the body. */
export function bearerToken(c: Context): string | null {
  const [, token] = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '') ?? []
  return token ?? null
}
