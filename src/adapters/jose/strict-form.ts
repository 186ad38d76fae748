const longestToken = 8_192
const compact = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/**
 * Exactly three segments of base64url without padding or white space, each in the one spelling its bytes have (RFC 7515 section 2,
 * RFC 4648 section 3.5): what is blacklisted, logged or compared has then a single text.
 */
export function hasStrictForm(token: string): boolean {
  return token.length <= longestToken && compact.test(token) && token.split('.').every(isCanonicalBase64url)
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The last letter of a partial group carries bits that stand for nothing: they must be zero. */
function isCanonicalBase64url(segment: string): boolean {
  const rest = segment.length % 4
  if (rest === 0) return true
  if (rest === 1) return false
  const last = alphabet.indexOf(segment.at(-1) ?? '')
  return last % (rest === 2 ? 16 : 4) === 0
}
