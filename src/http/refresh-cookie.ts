import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { AuthError } from '../domain/auth-error.ts'
import type { RefreshToken } from '../domain/refresh-token.ts'

const name = 'refresh'
/** `__Host-`: this origin alone, over HTTPS alone, unreadable for scripts, never sent along from another site. */
const attributes = { prefix: 'host', path: '/', secure: true, httpOnly: true, sameSite: 'Strict' } as const

export function setRefreshCookie(c: Context, token: RefreshToken, maxAge: number): void {
  setCookie(c, name, token, { ...attributes, maxAge })
}

export function clearRefreshCookie(c: Context): void {
  deleteCookie(c, name, attributes)
}

/**
 * The refresh token of cookie mode, or `null` when there is none. A cookie comes along unasked, so it counts only where the request
 * names an allowed origin (OWASP ASVS 5.0, 3.5.1); the JSON body that these routes demand is the second lock.
 */
export function readRefreshCookie(c: Context, allowedOrigins: ReadonlySet<string>): string | null {
  const token = getCookie(c, name, 'host')
  if (token === undefined) return null
  const origin = c.req.header('origin')
  if (origin === undefined || !allowedOrigins.has(origin))
    throw new AuthError('forbidden', { reason: 'cookie from another origin' })
  return token
}
