import { type DeviceId, isUuid, newId, type UserId } from '../../domain/ids.ts'
import { constantTimeEqual } from './random.ts'
import { hmac, type TokenKeyring } from './token-keys.ts'

/** `device id . MAC`, the MAC over device and user: proof that this user once logged in on this device. Names nobody, opens nothing. */
export function formatDeviceToken(keyring: TokenKeyring, user: UserId, device: DeviceId): string {
  return `${device}.${hmac(keyring.current.device, `${user}.${device}`)}`
}

/** The device that the token proves for this user, or a new one. */
export function recogniseDevice(keyring: TokenKeyring, user: UserId, token: string | undefined, now: number): DeviceId {
  const [device = '', mac = ''] = token?.split('.') ?? []
  const proven = [keyring.current, keyring.previous].some(
    (keys) => keys !== null && constantTimeEqual(hmac(keys.device, `${user}.${device}`), mac),
  )
  return proven && isUuid(device) ? (device as DeviceId) : newId<DeviceId>(now)
}
