import type { BuiltWorker } from './built-worker.ts'
import { mailsTo } from './mailbox.ts'

/** An access token as any user gets one: registered, verified and logged in over HTTP. */
export async function obtainToken(worker: BuiltWorker): Promise<string> {
  const email = `interop-${crypto.randomUUID()}@example.test`
  const password = 'seven green lanterns at noon'
  await expectStatus(202, worker.ask('/v1/register', { body: { email, password } }))
  const [mail] = await mailsTo(email)
  await expectStatus(200, worker.ask('/v1/email/verify', { body: { email, code: mail?.code } }))
  const { access_token } = await expectStatus(200, worker.ask('/v1/login', { body: { email, password } }))
  return String(access_token)
}

async function expectStatus(status: number, answer: ReturnType<BuiltWorker['ask']>) {
  const { status: actual, body } = await answer
  if (actual !== status) throw new Error(`${status} was expected, not ${actual} (${String(body.code)})`)
  return body
}

/** The token with one bit flipped: in each of its three parts, at the start, in the middle and before the end. */
export function flippedTokens(token: string): { where: string; token: string }[] {
  const parts = token.split('.')
  return ['header', 'payload', 'signature'].flatMap((part, index) => {
    const bytes = Buffer.from(parts[index] ?? '', 'base64url')
    return [0, Math.floor(bytes.length / 2), bytes.length - 1].map((at) => {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      const flipped = parts.with(index, Buffer.from(changed).toString('base64url'))
      return { where: `${part}, byte ${at}`, token: flipped.join('.') }
    })
  })
}
