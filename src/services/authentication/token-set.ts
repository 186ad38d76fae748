import type { DeviceId } from '../../domain/ids.ts'
import type { RefreshToken } from '../../domain/refresh-token.ts'
import type { Postern } from '../postern.ts'
import { formatDeviceToken } from '../tokens/device-token.ts'
import { type AccessTokenSubject, issueAccessToken } from '../tokens/issue-access-token.ts'

/** What login and refresh answer. Times in seconds from now. */
export interface TokenSet {
  accessToken: string
  expiresIn: number
  refreshToken: RefreshToken
  /** To the earlier of idle and absolute end. */
  refreshExpiresIn: number
  sessionId: AccessTokenSubject['sessionId']
  deviceToken: string
}

/** Signs the access token of a session that was just opened or rotated, and puts everything together. */
export async function issueTokenSet(
  postern: Pick<Postern, 'signing' | 'tokenCodec' | 'clock' | 'settings' | 'tokenKeys'>,
  subject: AccessTokenSubject & { deviceId: DeviceId; idleExpiresAt: Date },
  refreshToken: RefreshToken,
): Promise<TokenSet> {
  const { token, expiresIn } = await issueAccessToken(postern, subject)
  const refreshEnds = Math.min(subject.idleExpiresAt.getTime(), subject.sessionExpiresAt.getTime())
  return {
    accessToken: token,
    expiresIn,
    refreshToken,
    refreshExpiresIn: Math.max(0, Math.round((refreshEnds - postern.clock.now()) / 1_000)),
    sessionId: subject.sessionId,
    deviceToken: formatDeviceToken(postern.tokenKeys, subject.userId, subject.deviceId),
  }
}
