import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll, expect, it } from 'vitest'
import { audience, type BuiltWorker, issuer, startBuiltWorker } from '../support/built-worker.ts'
import { flippedTokens, obtainToken } from '../support/interop-token.ts'

// Debian's interpreter, not one of a virtual environment: it is the one that sees Debian's packages.
const python = '/usr/bin/python3'
const script = join(import.meta.dirname, 'verify_tokens.py')
const mend = "This test needs Debian's PyJWT: apt-get install python3-jwt python3-cryptography"

let worker: BuiltWorker
let token = ''
beforeAll(async () => {
  await run(['-c', 'import jwt, cryptography']).catch(() => {
    throw new Error(mend)
  })
  worker = await startBuiltWorker({ database: 'postern_test_e2e' })
  token = await obtainToken(worker)
  return () => worker.close()
})

type Verdict = { claims: Readonly<Record<string, unknown>> } | { refused: string }

async function verify(tokens: readonly string[], expectedAudience = audience): Promise<Verdict[]> {
  const asked = { keys_url: `${worker.url}/.well-known/jwks.json`, issuer, audience: expectedAudience, tokens }
  return JSON.parse(await run([script], JSON.stringify(asked)))
}

/** What it writes. @throws when it does not start or ends with another exit code than 0 */
async function run(args: readonly string[], input = ''): Promise<string> {
  const child = execFile(python, args)
  const exited = once(child, 'exit')
  child.stdin?.on('error', () => {}) // It ended without reading: its exit code tells.
  child.stdin?.end(input)
  const [output, errors, [code]] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
    exited,
  ])
  if (code !== 0) throw new Error(`${python} ended with ${code}: ${errors}`)
  return output
}

it('PyJWT verifies an issued token and reads its claims', async () => {
  const { body } = await worker.ask('/v1/verify', { bearer: token })
  expect(await verify([token])).toEqual([
    { claims: expect.objectContaining({ iss: issuer, aud: audience, sub: body.sub, sid: body.sid, jti: body.jti }) },
  ])
})

it('PyJWT refuses it with one bit flipped, wherever', async () => {
  const flipped = flippedTokens(token)
  const verdicts = await verify([...flipped.map((each) => each.token), token])
  const refused = verdicts.map((verdict) => 'refused' in verdict)
  expect(refused).toEqual([...flipped.map(() => true), false])
})

it('PyJWT refuses it for another audience', async () => {
  expect(await verify([token], 'somebody-else')).toEqual([{ refused: 'InvalidAudienceError' }])
})
