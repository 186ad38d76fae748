import { expect } from 'vitest'
import { argon2Module } from '../../src/adapters/argon2/module.ts'
import { passwordHasher } from '../../src/adapters/argon2/password-hasher.ts'
import { nobleDeriveTag } from '../../src/adapters/noble/derive-tag.ts'
import { newId, type UserId } from '../../src/domain/ids.ts'
import { readPassword } from '../../src/domain/password-policy.ts'
import type { PasswordHash } from '../../src/domain/phc.ts'
import { rows } from './database.ts'
import { codeOf, newestMailTo } from './received-mail.ts'
import type { Answer, TestWorker } from './worker.ts'

export const passphrase = 'seven green lanterns at noon'

export interface Person {
  email: string
  password: string
}

export interface TokenSetBody {
  access_token: string
  token_type: string
  expires_in: number
  refresh_token: string
  refresh_expires_in: number
  session_id: string
  device_token: string
}

/** An address that no other test has. */
export function newAddress(): string {
  return `p${crypto.randomUUID().replaceAll('-', '')}@example.com`
}

export async function register(worker: TestWorker, person: Partial<Person> & { name?: string } = {}): Promise<Person> {
  const { email = newAddress(), password = passphrase, ...others } = person
  const answer = await worker.post('/v1/register', { email, password, ...others })
  expect(answer.body).toEqual({ status: 'verification_required' })
  return { email, password }
}

export async function registerAndVerify(
  worker: TestWorker,
  details: Partial<Person> & { name?: string } = {},
): Promise<Person> {
  const person = await register(worker, details)
  const code = codeOf(await newestMailTo(person.email))
  const answer = await worker.post('/v1/email/verify', { email: person.email, code })
  expect(answer.body).toEqual({ status: 'verified' })
  return person
}

export async function login(
  worker: TestWorker,
  { email, password }: Person,
  options: Record<string, unknown> = {},
): Promise<TokenSetBody> {
  const answer = await worker.post<TokenSetBody>('/v1/login', { email, password, ...options })
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

const hasher = passwordHasher({ wasm: argon2Module, reference: nobleDeriveTag, log: console.warn })
let hash: PasswordHash | undefined

/** Somebody with a verified account, put there at once: for tests that are not about how it came to be. */
export async function newAccount(details: { name?: string } = {}): Promise<Person> {
  hash ??= await hasher.hash(readPassword(passphrase))
  const email = newAddress()
  const id = newId<UserId>(Date.now())
  const { name = null } = details
  await rows(
    `insert into users (id, email, email_canonical, password_hash, name, email_verified_at)
     values ($1, $2, $2, $3, $4, now()) returning id`,
    id,
    email,
    hash,
    name,
  )
  await rows(
    `insert into user_roles (user_id, role_id) select $1::uuid, id from roles where name = 'user' returning role_id`,
    id,
  )
  return { email, password: passphrase }
}

/** Somebody new who is signed in. */
export async function signIn(worker: TestWorker): Promise<Person & TokenSetBody> {
  const person = await newAccount()
  return { ...person, ...(await login(worker, person)) }
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

export function verify(worker: TestWorker, token: string): Promise<Answer> {
  return worker.get('/v1/verify', bearer(token))
}

export function refresh(worker: TestWorker, token: string): Promise<Answer<TokenSetBody>> {
  return worker.post<TokenSetBody>('/v1/refresh', { refresh_token: token })
}
