import { describe, expect, it } from 'vitest'
import { type MailId, newId } from '../../src/domain/ids.ts'
import type { Outbox } from '../../src/ports.ts'
import { rows } from '../support/database.ts'
import { type SeededUser, seedUser } from '../support/seed.ts'

export function outboxContract(adapter: string, outbox: Outbox): void {
  async function add(user: SeededUser): Promise<MailId> {
    const id = newId<MailId>(Date.now())
    await rows(
      `insert into outbox (id, kind, user_id, sealed) values ($1, 'session_reuse', $2, 'sealed') returning id`,
      id,
      user.id,
    )
    return id
  }
  const makeDue = (id: MailId) => rows('update outbox set next_attempt_at = now() where id = $1 returning id', id)

  describe(`the outbox in ${adapter}`, () => {
    it('gives a mail to one claimant, with its recipient, and to nobody before its next try is due', async () => {
      const user = await seedUser()
      const id = await add(user)
      const claims = await Promise.all(Array.from({ length: 5 }, () => outbox.claim(id)))
      expect(claims.filter((claim) => claim !== null)).toEqual([
        { id, kind: 'session_reuse', sealed: 'sealed', attempts: 1, to: user.email },
      ])
      expect(await outbox.claim(id)).toBeNull()
      await makeDue(id)
      expect(await outbox.claim(id)).toMatchObject({ attempts: 2 })
    })

    it('waits longer after each try, and never more than two hours', async () => {
      const id = await add(await seedUser())
      for (const minutes of [1, 2, 4, 8, 16, 32, 64, 120, 120]) {
        await makeDue(id)
        await outbox.claim(id)
        const [row] = await rows<{ waits: number }>(
          'select round(extract(epoch from next_attempt_at - now()) / 60)::int as waits from outbox where id = $1',
          id,
        )
        expect(row?.waits).toBe(minutes)
      }
    })

    it('gives a mail that was sent to nobody, and has forgotten its content', async () => {
      const id = await add(await seedUser())
      await outbox.claim(id)
      await outbox.settle(id)
      await makeDue(id)
      expect(await outbox.claim(id)).toBeNull()
      expect(await rows('select sealed, sent_at is not null as sent from outbox where id = $1', id)).toEqual([
        { sealed: '', sent: true },
      ])
    })

    it('knows nothing of an unknown mail', async () => {
      expect(await outbox.claim(newId<MailId>(0))).toBeNull()
    })

    it('gives up after a day', async () => {
      const id = await add(await seedUser())
      await rows(`update outbox set created_at = now() - interval '25 hours' where id = $1 returning id`, id)
      expect(await outbox.claim(id)).toBeNull()
    })
  })
}
