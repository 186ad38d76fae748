import { describe, expect, it } from 'vitest'
import { argon2Module } from '../../src/adapters/argon2/module.ts'
import { passwordHasher } from '../../src/adapters/argon2/password-hasher.ts'
import { neonUsers } from '../../src/adapters/neon/users.ts'
import { nobleDeriveTag } from '../../src/adapters/noble/derive-tag.ts'
import { parseEmail } from '../../src/domain/email.ts'
import { createAdmin } from '../../src/services/users/create-admin.ts'
import { openDatabase } from '../support/adapters.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { login, newAddress } from '../support/people.ts'
import { decode } from '../support/tokens.ts'
import { startWorker } from '../support/worker.ts'

const passwords = passwordHasher({ wasm: argon2Module, reference: nobleDeriveTag, log: console.warn })
const ports = { users: neonUsers(openDatabase()), passwords, clock: fakeClock() }

describe('the administrator made by the operator', () => {
  it('signs in with the password that was shown, and holds every permission', async () => {
    const email = parseEmail(newAddress())
    if (email === null) throw new Error('no address')
    const made = await createAdmin(ports, email)
    expect(made?.password).toMatch(/^[\w-]{43}$/)
    const tokens = await login(await startWorker(), { email: email.address, password: made?.password ?? '' })
    const { roles, permissions } = decode(tokens.access_token).claims
    expect(roles).toEqual(['admin', 'user'])
    expect(permissions).toHaveLength(9)

    expect(await createAdmin(ports, email)).toBeNull()
    await login(await startWorker(), { email: email.address, password: made?.password ?? '' })
  })
})
