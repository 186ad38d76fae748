import { beforeEach, expect, it } from 'vitest'
import type { MailId } from '../../src/domain/ids.ts'
import { readPassword } from '../../src/domain/password-policy.ts'
import type { Mailer } from '../../src/ports.ts'
import { clientKeyOf } from '../../src/services/users/client-key.ts'
import { deliverDueMail, deliverMail, sealMail } from '../../src/services/users/outbox-mail.ts'
import { newRegistrationProof } from '../../src/services/users/registration-proof.ts'
import { openSql, request, startIsolate } from '../support/node-isolate.ts'
import { allAtOnce, at, tally } from '../support/race.ts'
import { anyEmail, password } from '../support/race-users.ts'

const database = 'postern_test_race_outbox'
const sql = openSql(database)
const count = 200

/** Takes its time, so that claims meet mails that are being sent. Unlike the mailbox it would show a second copy under the same id. */
const sent: string[] = []
const mailer: Mailer = {
  async send({ id }) {
    sent.push(id)
    await new Promise((resolve) => setTimeout(resolve, 5))
  },
}
const isolates = Array.from({ length: 4 }, () => startIsolate({ database, deployment: 'outbox', mailer }))

/** A registration's mail, in the outbox and not yet sent. */
async function putMail(): Promise<MailId> {
  const postern = at(isolates, 0)
  const email = anyEmail()
  const { code, token, proof } = newRegistrationProof(postern.tokenKeys.current, email.canonical)
  const asked = { askedAt: 'now', askedFrom: 'here' }
  const verify = await sealMail(postern, { kind: 'verify_email', code, token, ...asked })
  const alreadyRegistered = await sealMail(postern, { kind: 'already_registered', ...asked })
  const passwordHash = await postern.passwords.hash(readPassword(password))
  const attempt = { email: email.address, canonical: email.canonical, passwordHash, name: null }
  const { audit } = request()
  const mails = { verify, alreadyRegistered }
  await postern.registrations.begin(attempt, clientKeyOf(postern, audit), proof, mails, {}, audit)
  return verify.id
}

beforeEach(async () => {
  await sql`delete from outbox`
  sent.length = 0
})

it('40 cron runs and the first tries of 200 mails at once send one copy of each', async () => {
  const ids = await allAtOnce(count, putMail)
  const runs = allAtOnce(40, (index) => deliverDueMail(at(isolates, index % 4), 20))
  const firstTries = Promise.all(ids.map((id, index) => deliverMail(at(isolates, index % 4), id)))
  const [failures] = await Promise.all([runs, firstTries])
  expect(failures.flat()).toEqual([])
  expect(sent.length).toBe(count)
  expect(new Set(sent)).toEqual(new Set(ids))
  const rows = await sql`select attempts, sealed, sent_at is not null as sent from outbox`
  expect(tally(rows.map((row) => JSON.stringify(row)))).toEqual({ '{"attempts":1,"sealed":"","sent":true}': count })
})

it('100 first tries of one mail send it once', async () => {
  for (let round = 0; round < 10; round++) {
    const id = await putMail()
    await allAtOnce(100, (index) => deliverMail(at(isolates, index % 4), id))
    expect(sent.filter((each) => each === id)).toEqual([id])
  }
})

it('cron runs share what is due: no run waits for what another one holds, none takes it twice', async () => {
  const ids = await allAtOnce(count, putMail)
  const claims = await allAtOnce(20, (index) => at(isolates, index % 4).outbox.claimDue(10))
  const claimed = claims.flat().map(({ id }) => id)
  expect(new Set(claimed).size).toBe(claimed.length)
  while (claimed.length < count) {
    const more = await at(isolates, 0).outbox.claimDue(50)
    expect(more.length).toBeGreaterThan(0)
    claimed.push(...more.map(({ id }) => id))
  }
  expect(new Set(claimed)).toEqual(new Set(ids))
})
