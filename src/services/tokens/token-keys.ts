import { createHmac, hkdfSync } from 'node:crypto'

/** One secret for each use, so that what one of them signs means nothing to another. */
export interface TokenKeys {
  refreshMac: Uint8Array
  refreshDerivation: Uint8Array
  code: Uint8Array
  device: Uint8Array
  address: Uint8Array
  outbox: Uint8Array<ArrayBuffer>
}

/** The current secret's keys, and the previous one's while it is still accepted. */
export interface TokenKeyring {
  current: TokenKeys
  previous: TokenKeys | null
}

/** HKDF-SHA-256 (RFC 5869) with the use as its info. */
export function deriveTokenKeys(secret: string): TokenKeys {
  const derive = (use: string) => new Uint8Array(hkdfSync('sha256', secret, 'postern', use, 32))
  return {
    refreshMac: derive('refresh token mac'),
    refreshDerivation: derive('refresh token derivation'),
    code: derive('one-time code'),
    device: derive('device token'),
    address: derive('address key'),
    outbox: derive('outbox'),
  }
}

/** HMAC-SHA-256, base64url. */
export function hmac(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}
