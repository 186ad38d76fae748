import type { Brand } from './brand.ts'

/** Eight decimal digits, mailed. Guarded by a life of ten minutes and five tries (NIST SP 800-63B-4 section 3.1.3.2). */
export type OneTimeCode = Brand<string, 'OneTimeCode'>
/** 256 random bits in base64url, mailed in a link's fragment. */
export type LinkToken = Brand<string, 'LinkToken'>
/** HMAC of a code with its purpose and address, or of a link token: what the database holds. */
export type CodeHash = Brand<string, 'CodeHash'>

export const codeLifetimeSeconds = 600
export const codeTries = 5
export const registrationLifetimeSeconds = 86_400

export function newOneTimeCode(): OneTimeCode {
  const space = 100_000_000
  const largestFairValue = Math.floor(2 ** 32 / space) * space
  const draw = new Uint32Array(1)
  let value: number
  do {
    value = crypto.getRandomValues(draw)[0] ?? 0
  } while (value >= largestFairValue)
  return String(value % space).padStart(8, '0') as OneTimeCode
}
