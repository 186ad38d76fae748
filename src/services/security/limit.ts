import { AuthError } from '../../domain/auth-error.ts'
import type { CanonicalEmail } from '../../domain/email.ts'
import { isCallersOwn, type LimitedRoute, type LimitState } from '../../domain/rate-limits.ts'
import type { Postern } from '../postern.ts'
import { hmac } from '../tokens/token-keys.ts'

/**
 * Counts a request before any costly work, in one round trip.
 * @returns the headers that show the caller's own levels (draft-ietf-httpapi-ratelimit-headers)
 * @throws {AuthError} `rate_limited`
 */
export async function spendLimit(
  postern: Pick<Postern, 'rateLimiter' | 'tokenKeys'>,
  route: LimitedRoute,
  { ip, email }: { ip: string; email?: CanonicalEmail },
): Promise<Record<string, string>> {
  const account = email === undefined ? {} : { account: addressKey(postern, email) }
  const network = hmac(postern.tokenKeys.current.address, `network:${networkOf(ip)}`).slice(0, 22)
  const { states, refused } = await postern.rateLimiter.spend(route, { ip: network, ...account })
  const headers = limitHeaders(states.filter(({ name }) => isCallersOwn(name)))
  if (refused === null) return headers
  // Jitter keeps the refused from coming back all in the same second.
  const jitter = Math.floor(Math.random() * Math.max(1, refused.resetSeconds * 0.1))
  throw new AuthError('rate_limited', {
    reason: `limit ${refused.name}`,
    retryAfterSeconds: refused.resetSeconds + jitter,
    headers,
  })
}

/** What an account counts under, known or unknown: the address itself stands in no Redis key and no audit event. */
export function addressKey({ tokenKeys }: Pick<Postern, 'tokenKeys'>, email: CanonicalEmail): string {
  return hmac(tokenKeys.current.address, email).slice(0, 22)
}

/** An IPv6 client owns its whole /64, so that is what counts (RFC 6177). */
export function networkOf(ip: string): string {
  const mapped = /^::ffff:(?=\d+\.)/i // an IPv4 client as a dual-stack socket shows it (RFC 4291 section 2.5.5.2)
  if (!ip.includes(':') || mapped.test(ip)) return ip.replace(mapped, '')
  const [head = '', tail] = ip.toLowerCase().split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  const groups = [...left, ...zeros, ...right].map((group) => group.replace(/^0+(?=.)/, ''))
  return `${groups.slice(0, 4).join(':')}::/64`
}

function limitHeaders(states: readonly LimitState[]): Record<string, string> {
  if (states.length === 0) return {}
  return {
    'RateLimit-Policy': states.map(({ name, limit, seconds }) => `"${name}";q=${limit};w=${seconds}`).join(', '),
    RateLimit: states
      .map(({ name, remaining, resetSeconds }) => `"${name}";r=${remaining};t=${resetSeconds}`)
      .join(', '),
  }
}
