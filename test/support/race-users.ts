import { type Email, parseEmail } from '../../src/domain/email.ts'
import { newId, type UserId } from '../../src/domain/ids.ts'
import { type Password, readPassword } from '../../src/domain/password-policy.ts'
import { login } from '../../src/services/authentication/login.ts'
import type { TokenSet } from '../../src/services/authentication/token-set.ts'
import type { Postern } from '../../src/services/postern.ts'
import { request } from './node-isolate.ts'

export const password = readPassword('seven green lanterns at noon')

/** An address that no other test has. */
export function anyEmail(): Email {
  const email = parseEmail(`race-${crypto.randomUUID()}@example.test`)
  if (email === null) throw new Error('that should be an address')
  return email
}

/** An active account with `password`. */
export async function addUser(postern: Postern): Promise<{ id: UserId; email: Email }> {
  const email = anyEmail()
  const id = newId<UserId>(Date.now())
  const passwordHash = await postern.passwords.hash(password)
  const account = { email: email.address, canonical: email.canonical, passwordHash, name: null }
  await postern.users.addAdministrator(id, account, request().audit)
  return { id, email }
}

/** Signs in, with `password` unless told otherwise. */
export async function signIn(postern: Postern, email: Email, secret: Password = password): Promise<TokenSet> {
  const device = { name: 'race', browser: null, os: null }
  const { tokens } = await login(postern, { email, password: secret, device, deviceToken: undefined }, request())
  return tokens
}
