import type { Brand } from './brand.ts'

export type UserId = Brand<string, 'UserId'>
export type SessionId = Brand<string, 'SessionId'>
export type DeviceId = Brand<string, 'DeviceId'>
export type KeyId = Brand<string, 'KeyId'>
export type MailId = Brand<string, 'MailId'>

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** True for a UUID in the one spelling we write: lower case with hyphens (RFC 9562 section 4). */
export function isUuid(text: string): boolean {
  return uuid.test(text)
}

/**
 * A UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then 74 random bits, so that keys are inserted in order and
 * none can be guessed from another. `T` names what it identifies.
 */
export function newId<T extends Brand<string, string>>(now: number): T {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const view = new DataView(bytes.buffer)
  view.setUint16(0, Math.floor(now / 2 ** 32))
  view.setUint32(2, now >>> 0)
  view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f))
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f))
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-') as T
}
