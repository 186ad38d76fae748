import type { Brand } from './brand.ts'
import { isCommon } from './password-policy/common.ts'
import { isMadeOf } from './password-policy/own-words.ts'

/** A password as it is hashed: NFC, never trimmed or cut. */
export type Password = Brand<string, 'Password'>

/** Why a password is refused. Lengths are in code points. */
export type PasswordFlaw =
  | { reason: 'not_text' }
  | { reason: 'too_short'; minLength: number }
  | { reason: 'too_long'; maxLength: number }
  | { reason: 'common' }
  | { reason: 'own_words' }

export const defaultMinLength = 15 // NIST SP 800-63B-4 section 3.1.1.2, for a password that is the only factor
export const lowestMinLength = 8
export const maxLength = 128

/** NFC, so that one password typed on two keyboards is one password (RFC 8265 section 4.2.2; NIST SP 800-63B-4 section 3.1.1.2). */
export function readPassword(raw: string): Password {
  return raw.normalize('NFC') as Password
}

/**
 * Judges a password that someone chooses; never ask it of one that someone logs in with. No composition rules: spaces, emoji and
 * NUL are as good as letters. `ownWords` are what an attacker tries first for this user: the product's name, the user's name and
 * address, as they are.
 * @throws {RangeError} for a `minLength` below 8 or above 128: a mistake in the configuration.
 */
export function judgePassword(
  password: Password,
  { minLength = defaultMinLength, ownWords }: { minLength?: number; ownWords: readonly string[] },
): 'ok' | PasswordFlaw {
  if (!Number.isInteger(minLength) || minLength < lowestMinLength || minLength > maxLength) {
    throw new RangeError(`a password's minimum length must be a whole number from ${lowestMinLength} to ${maxLength}`)
  }
  // Half of a surrogate pair has no UTF-8: all of them are hashed as the same replacement character.
  if (!password.isWellFormed()) return { reason: 'not_text' }
  const length = [...password].length
  if (length < minLength) return { reason: 'too_short', minLength }
  if (length > maxLength) return { reason: 'too_long', maxLength }
  if (isCommon(password)) return { reason: 'common' }
  if (isMadeOf(ownWords, password)) return { reason: 'own_words' }
  return 'ok'
}
