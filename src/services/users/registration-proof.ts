import type { CanonicalEmail } from '../../domain/email.ts'
import {
  type CodeHash,
  codeLifetimeSeconds,
  type LinkToken,
  newOneTimeCode,
  type OneTimeCode,
  registrationLifetimeSeconds,
} from '../../domain/one-time-code.ts'
import type { RegistrationProof } from '../../domain/registration.ts'
import { randomToken } from '../tokens/random.ts'
import { hmac, type TokenKeyring, type TokenKeys } from '../tokens/token-keys.ts'

const purpose = 'verify_email'

/** A fresh code and link for an attempt, and what the database keeps of them. */
export function newRegistrationProof(keys: TokenKeys, email: CanonicalEmail) {
  const code = newOneTimeCode()
  const token = randomToken() as LinkToken
  const proof: RegistrationProof = {
    codeHash: hashCode(keys, email, code),
    tokenHash: hashLinkToken(keys, token),
    codeLifetimeSeconds,
    attemptLifetimeSeconds: registrationLifetimeSeconds,
  }
  return { code, token, proof }
}

/** A code counts for its purpose and address only: eight digits alone would be found in a table of a hundred million. */
function hashCode(keys: TokenKeys, email: CanonicalEmail, code: OneTimeCode): CodeHash {
  return hmac(keys.code, `${purpose}:${email}:${code}`) as CodeHash
}

function hashLinkToken(keys: TokenKeys, token: LinkToken): CodeHash {
  return hmac(keys.code, `${purpose}:${token}`) as CodeHash
}

/** The hashes a code may stand under while `TOKEN_SECRET` is being changed. */
export function codeHashes(keyring: TokenKeyring, email: CanonicalEmail, code: OneTimeCode): CodeHash[] {
  return withEach(keyring, (keys) => hashCode(keys, email, code))
}

export function linkTokenHashes(keyring: TokenKeyring, token: LinkToken): CodeHash[] {
  return withEach(keyring, (keys) => hashLinkToken(keys, token))
}

function withEach(keyring: TokenKeyring, hash: (keys: TokenKeys) => CodeHash): CodeHash[] {
  return [keyring.current, keyring.previous].flatMap((keys) => (keys === null ? [] : [hash(keys)]))
}
