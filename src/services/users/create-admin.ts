import { systemAuditContext } from '../../domain/audit.ts'
import type { Email } from '../../domain/email.ts'
import { newId, type UserId } from '../../domain/ids.ts'
import { readPassword } from '../../domain/password-policy.ts'
import type { Postern } from '../postern.ts'
import { randomToken } from '../tokens/random.ts'

/**
 * Makes an administrator with a password of 256 random bits, which is shown once and stored hashed. `null` when the address already
 * has an account, which stays as it is.
 */
export async function createAdmin(
  postern: Pick<Postern, 'users' | 'passwords' | 'clock'>,
  email: Email,
): Promise<{ password: string } | null> {
  const password = readPassword(randomToken())
  const account = {
    email: email.address,
    canonical: email.canonical,
    passwordHash: await postern.passwords.hash(password),
    name: null,
  }
  const id = newId<UserId>(postern.clock.now())
  const outcome = await postern.users.addAdministrator(id, account, systemAuditContext('admin command line'))
  return outcome === 'added' ? { password } : null
}
