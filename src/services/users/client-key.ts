import type { ClientKey } from '../../domain/registration.ts'
import type { Origin } from '../../domain/session.ts'
import type { Postern } from '../postern.ts'
import { networkOf } from '../security/limit.ts'
import { hmac } from '../tokens/token-keys.ts'

/** One client is one network and one user agent. Whoever moves on to another may be asked to register once more. */
export function clientKeyOf({ tokenKeys }: Pick<Postern, 'tokenKeys'>, { ip, userAgent }: Origin): ClientKey {
  return hmac(tokenKeys.current.address, `client:${networkOf(ip)}:${userAgent ?? ''}`) as ClientKey
}
