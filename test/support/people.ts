import { expect } from 'vitest'
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

/** Somebody new who is signed in. */
export async function signIn(worker: TestWorker): Promise<Person & TokenSetBody> {
  const person = await registerAndVerify(worker)
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
