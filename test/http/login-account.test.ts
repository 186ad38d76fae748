import { beforeEach, describe, expect, it, vi } from 'vitest'
import { nobleDeriveTag } from '../../src/adapters/noble/derive-tag.ts'
import { formatPhc } from '../../src/domain/phc.ts'
import { rows } from '../support/database.ts'
import { watchNetwork } from '../support/network.ts'
import { login, newAccount, refresh } from '../support/people.ts'
import { expectProblem } from '../support/problem.ts'
import { someHash } from '../support/seed.ts'
import { decode } from '../support/tokens.ts'
import { publicFace, startWorker, type TestWorker } from '../support/worker.ts'

let worker: TestWorker
beforeEach(async () => {
  worker = await startWorker()
})

const sessionsOf = (email: string) =>
  rows<Record<string, unknown>>(
    'select s.* from sessions s join users u on u.id = s.user_id where u.email_canonical = $1',
    email,
  )

describe('an account that changes between the check of the password and the opening of the session', () => {
  /** Lets this happen right before each attempt to open a session, up to so many times. */
  function beforeOpening(happening: () => Promise<unknown>, times = 1): void {
    watchNetwork().disturb('postgres', async (forward, _, body) => {
      if (body.includes('insert into sessions') && times-- > 0) await happening()
      return forward()
    })
  }
  const change = (email: string, what: string) =>
    rows(`update users set ${what} where email_canonical = $1 returning id`, email)

  it('is checked once more, and opens with what stands now', async () => {
    const person = await newAccount()
    beforeOpening(() => change(person.email, 'session_epoch = session_epoch + 1, token_version = token_version + 1'))
    const tokens = await login(worker, person)
    expect(decode(tokens.access_token).claims.ver).toBe(2)
    expect(await sessionsOf(person.email)).toMatchObject([{ id: tokens.session_id, epoch: 2 }])
    expect((await refresh(worker, tokens.refresh_token)).status).toBe(200)
  })

  it.each([
    ['disabled', `status = 'disabled'`, 'account_disabled'],
    ['given another password', `password_hash = '${someHash}'`, 'invalid_credentials'],
  ] as const)('opens nothing when it was %s', async (_, what, code) => {
    const person = await newAccount()
    beforeOpening(() => change(person.email, what))
    expectProblem(await worker.post('/v1/login', { email: person.email, password: person.password }), code)
    expect(await sessionsOf(person.email)).toEqual([])
  })

  it('is given up after the second time', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const person = await newAccount()
    beforeOpening(() => change(person.email, 'session_epoch = session_epoch + 1'), 2)
    const answer = await worker.post('/v1/login', { email: person.email, password: person.password })
    expectProblem(answer, 'unavailable')
    expect(await sessionsOf(person.email)).toEqual([])
    log.mockRestore()
  })
})

describe('a stored hash', () => {
  const setHash = (email: string, hash: string) =>
    rows('update users set password_hash = $2 where email_canonical = $1 returning id', email, hash)
  const hashOf = async (email: string) =>
    (await rows<{ password_hash: string }>('select password_hash from users where email_canonical = $1', email))[0]
      ?.password_hash

  it('of other parameters is replaced by the next right login, and by no wrong one', async () => {
    const person = await newAccount()
    const recipe = { algorithm: 'argon2id', m: 32, t: 1, p: 1 } as const
    const salt = crypto.getRandomValues(new Uint8Array(16))
    const tag = await nobleDeriveTag(new TextEncoder().encode(person.password), recipe, salt, 32)
    const outdated = formatPhc({ recipe, salt, tag })
    await setHash(person.email, outdated)
    await worker.post('/v1/login', { email: person.email, password: 'not the right passphrase' })
    expect(await hashOf(person.email)).toBe(outdated)
    await login(worker, person)
    expect(await hashOf(person.email)).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await login(worker, person)
  })

  it.each(['', 'nonsense', '$argon2id$v=19$m=4194304,t=9,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODw'])(
    'that cannot be read or costs too much is refused as a wrong password is: %o',
    async (unusable) => {
      const [person, other] = [await newAccount(), await newAccount()]
      await setHash(person.email, unusable)
      const faces = []
      for (const email of [person.email, other.email]) {
        faces.push(publicFace(await worker.post('/v1/login', { email, password: 'not the right passphrase' })))
      }
      expect(faces[0]).toMatchObject({ status: 401 })
      expect(faces[1]).toEqual(faces[0])
    },
  )
})
