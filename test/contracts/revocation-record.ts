import { describe, expect, it } from 'vitest'
import { membersOf, type RevocationMember } from '../../src/domain/revocation.ts'
import type { RevocationRecord } from '../../src/ports.ts'
import { rows } from '../support/database.ts'
import { seedSession, seedUser, tokenOf } from '../support/seed.ts'

export function revocationRecordContract(adapter: string, record: RevocationRecord): void {
  const revoke = (member: string, { ago = 0, lives = 600 } = {}) =>
    rows(
      `insert into revocations (member, revoked_at, expires_at)
       values ($1, now() - make_interval(secs => $2::int), now() + make_interval(secs => $3::int)) returning member`,
      member,
      ago,
      lives,
    )

  async function allSince(instant: number | null, limit: number): Promise<RevocationMember[]> {
    const found: RevocationMember[] = []
    for (;;) {
      const page = await record.since(instant, { after: found.at(-1) ?? null, limit })
      expect(page.length).toBeLessThanOrEqual(limit)
      found.push(...page.map(({ member }) => member))
      if (page.length < limit) return found
    }
  }

  describe(`the revocation record in ${adapter}`, () => {
    it('a token of a live session is not revoked; one with a revoked member is; a revocation that expired is none', async () => {
      const user = await seedUser()
      const token = tokenOf(user, await seedSession(user))
      const members = membersOf(token)
      expect(await record.isRevoked(token, members)).toBe(false)
      await revoke(members[0] ?? '', { lives: -1 })
      expect(await record.isRevoked(token, members)).toBe(false)
      await revoke(members[3] ?? '')
      expect(await record.isRevoked(token, members)).toBe(true)
    })

    it('compares members to the letter', async () => {
      const user = await seedUser()
      const token = tokenOf(user, await seedSession(user))
      await revoke(`jti:${token.claims.jti}x`)
      await revoke(`JTI:${token.claims.jti}`)
      expect(await record.isRevoked(token, membersOf(token))).toBe(false)
    })

    it('since gives every live revocation after the instant, whatever the size of a page', async () => {
      const run = crypto.randomUUID()
      const of = (name: string) => `jti:${run}-${name}` as RevocationMember
      for (const name of ['A', 'b', '_', '9', 'é']) await revoke(of(name))
      await revoke(of('old'), { ago: 300 })
      await revoke(of('dead'), { lives: -1 })
      const ours = (members: RevocationMember[]) => members.filter((member) => member.includes(run)).sort()
      const recent = [of('A'), of('b'), of('_'), of('9'), of('é')].sort()
      for (const limit of [2, 3, 10_000]) {
        expect(ours(await allSince(Date.now() - 100_000, limit))).toEqual(recent)
      }
      expect(ours(await allSince(null, 10_000))).toEqual([...recent, of('old')].sort())
    })

    it('since tells until which second each must be remembered', async () => {
      const member = `jti:${crypto.randomUUID()}`
      await revoke(member, { lives: 600 })
      const page = await record.since(Date.now() - 100_000, { after: null, limit: 10_000 })
      const score = page.find((row) => row.member === member)?.score ?? 0
      expect(Number.isInteger(score)).toBe(true)
      expect(Math.abs(score - Date.now() / 1_000 - 600)).toBeLessThan(30)
    })

    it('prunes what nobody needs any more, a minute after its end', async () => {
      const run = crypto.randomUUID()
      await revoke(`jti:${run}-1`, { lives: -61 })
      await revoke(`jti:${run}-2`, { lives: -30 })
      expect(await record.prune(1_000)).toBeGreaterThanOrEqual(1)
      expect(await rows('select member from revocations where member like $1', `jti:${run}%`)).toEqual([
        { member: `jti:${run}-2` },
      ])
    })
  })
}
