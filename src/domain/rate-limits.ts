/** Routes that are counted, as operators name them in `RATE_LIMITS`. */
export const limitedRoutes = [
  'register',
  'login',
  'refresh',
  'verify',
  'email',
  'password',
  'oauth',
  'me',
  'admin',
] as const
/** What is counted: everything, one client address, one account, both together, or one authenticated user. */
export const limitLevels = ['global', 'ip', 'account', 'ip_account', 'user'] as const

export type LimitedRoute = (typeof limitedRoutes)[number]
export type LimitLevel = (typeof limitLevels)[number]
export type LimitName = `${LimitedRoute}.${LimitLevel}`

/** At most `limit` requests in any window of `seconds`. */
export interface RateLimit {
  limit: number
  seconds: number
}

export type RateLimits = Partial<Record<LimitName, RateLimit>>

/** What stands when `RATE_LIMITS` says nothing: `limit/seconds`. */
export const defaultRateLimits: RateLimits = {
  'register.ip': { limit: 30, seconds: 600 },
  'register.account': { limit: 10, seconds: 3_600 },
  'login.ip': { limit: 60, seconds: 60 },
  'login.ip_account': { limit: 10, seconds: 60 },
  'refresh.ip': { limit: 300, seconds: 60 },
  'email.ip': { limit: 60, seconds: 600 },
  'email.account': { limit: 20, seconds: 3_600 },
}

/** How one level stands for this caller after the request was counted. */
export interface LimitState extends RateLimit {
  name: LimitName
  remaining: number
  resetSeconds: number
}

/** Levels whose state a caller may see: an account's own counter would tell an attacker what its owner is doing. */
export function isCallersOwn(name: LimitName): boolean {
  return name.endsWith('.ip') || name.endsWith('.user')
}

const rule = /^([1-9]\d{0,8})\/([1-9]\d{0,5})$/

/**
 * Lays `RATE_LIMITS` over the defaults: `{"login.ip": "20/60", "login.ip_account": "off", "*": "off"}`. `*` goes first, whatever its
 * place, so that single levels can be switched on again. Throws `RangeError` naming the member that is wrong.
 */
export function overrideRateLimits(override: unknown): RateLimits {
  if (override === null || typeof override !== 'object' || Array.isArray(override)) {
    throw new RangeError('must be a JSON object such as {"login.ip": "20/60"}')
  }
  const rules = new Map(Object.entries(override))
  const limits: RateLimits = rules.get('*') === 'off' ? {} : { ...defaultRateLimits }
  for (const [name, value] of rules) {
    if (name === '*') {
      if (value !== 'off') throw new RangeError('"*" can only be "off"')
      continue
    }
    if (!isLimitName(name)) throw new RangeError(`has no level ${JSON.stringify(name)}`)
    if (value === 'off') {
      delete limits[name]
      continue
    }
    const [, limit, seconds] = (typeof value === 'string' && rule.exec(value)) || []
    if (limit === undefined || seconds === undefined) throw new RangeError(`"${name}" must be "limit/seconds" or "off"`)
    limits[name] = { limit: Number(limit), seconds: Number(seconds) }
  }
  return limits
}

function isLimitName(name: string): name is LimitName {
  const [route, level, ...rest] = name.split('.')
  return (
    rest.length === 0 && limitedRoutes.some((known) => known === route) && limitLevels.some((known) => known === level)
  )
}
