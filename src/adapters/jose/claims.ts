import type { AccessTokenClaims } from '../../domain/access-token.ts'
import { isUuid, type SessionId, type UserId } from '../../domain/ids.ts'

/** The claims if every one is there with its exact type, else `null`. Call it after the signature was verified. */
export function readClaims(payload: Record<string, unknown>): AccessTokenClaims | null {
  const { iss, sub, aud, exp, iat, nbf, jti, client_id, sid, ver, roles, permissions, auth_time, amr } = payload
  if (!isText(iss) || !isText(aud) || !isText(jti) || !isText(client_id)) return null
  if (!isText(sub) || !isUuid(sub) || !isText(sid) || !isUuid(sid)) return null
  if (!isWhole(exp) || !isWhole(iat) || !isWhole(nbf) || !isWhole(ver) || !isWhole(auth_time)) return null
  if (!isTextList(roles) || !isTextList(permissions) || !isTextList(amr)) return null
  return {
    iss,
    sub: sub as UserId,
    aud,
    exp,
    iat,
    nbf,
    jti,
    client_id,
    sid: sid as SessionId,
    ver,
    roles,
    permissions,
    auth_time,
    amr,
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText)
}
