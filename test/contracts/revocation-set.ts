import { beforeEach, describe, expect, it } from 'vitest'
import type { Revocation, RevocationMember } from '../../src/domain/revocation.ts'
import type { RevocationSet } from '../../src/ports.ts'

/** A set and the means to look at and to flush what lies under it. */
export interface OpenedSet {
  set: RevocationSet
  scoreOf(member: string): Promise<number | null>
  flush(): Promise<void>
}

const seconds = Math.floor(Date.now() / 1_000)
const revocation = (name: string, score = seconds + 600): Revocation => ({
  member: `jti:${name}` as RevocationMember,
  score,
})
const members = (...names: string[]) => names.map((name) => revocation(name).member)

export function revocationSetContract(adapter: string, open: () => OpenedSet): void {
  describe(`the revocation set in ${adapter}`, () => {
    let opened: OpenedSet
    beforeEach(() => {
      opened = open()
    })
    const commit = (marker: string, rows: Revocation[] = [], leaseUntil = seconds * 1_000 + 3_000) =>
      opened.set.commit(marker, rows, leaseUntil, seconds)

    it('knows nothing at first', async () => {
      expect(await opened.set.look(members('a'))).toEqual({ revoked: false, leaseUntil: null })
      expect(await opened.set.look([])).toEqual({ revoked: false, leaseUntil: null })
    })

    it('finds any of the members, and no other', async () => {
      await opened.set.add([revocation('a'), revocation('b')])
      for (const asked of [['a'], ['b', 'x'], ['x', 'y', 'a']]) {
        expect((await opened.set.look(members(...asked))).revoked).toBe(true)
      }
      for (const asked of [[], ['x'], ['A'], ['ab'], ['a*']]) {
        expect((await opened.set.look(members(...asked))).revoked).toBe(false)
      }
    })

    it('never lowers a score, in whatever order the writes come', async () => {
      await opened.set.add([revocation('a', seconds + 600)])
      await opened.set.add([revocation('a', seconds + 10)])
      expect(await opened.scoreOf('jti:a')).toBe(seconds + 600)
      await opened.set.plant('sync:1', seconds + 60)
      await commit('sync:1', [revocation('a', seconds + 20)])
      expect(await opened.scoreOf('jti:a')).toBe(seconds + 600)
      await opened.set.add([revocation('a', seconds + 700)])
      expect(await opened.scoreOf('jti:a')).toBe(seconds + 700)
    })

    it('adds nothing of nothing', async () => {
      await opened.set.add([])
      expect(await opened.set.look(members('a'))).toEqual({ revoked: false, leaseUntil: null })
    })

    it('commit adds rows and lease, and takes its marker away', async () => {
      expect(await opened.set.plant('sync:1', seconds + 60)).toEqual({ leaseUntil: null })
      expect(await opened.scoreOf('sync:1')).toBe(seconds + 60)
      expect(await commit('sync:1', [revocation('a')])).toBe(true)
      expect(await opened.set.look(members('a'))).toEqual({ revoked: true, leaseUntil: seconds * 1_000 + 3_000 })
      expect(await opened.scoreOf('sync:1')).toBeNull()
      expect(await opened.set.plant('sync:2', seconds + 60)).toEqual({ leaseUntil: seconds * 1_000 + 3_000 })
    })

    it('commit without its marker does nothing: after a flush, or twice', async () => {
      await opened.set.plant('sync:1', seconds + 60)
      await opened.flush()
      expect(await commit('sync:1', [revocation('a')])).toBe(false)
      expect(await opened.set.look(members('a'))).toEqual({ revoked: false, leaseUntil: null })
      await opened.set.plant('sync:2', seconds + 60)
      expect(await commit('sync:2')).toBe(true)
      expect(await commit('sync:2', [revocation('b')], seconds * 1_000 + 9_000)).toBe(false)
      expect(await opened.set.look(members('b'))).toEqual({ revoked: false, leaseUntil: seconds * 1_000 + 3_000 })
    })

    it('a marker does not serve another sync', async () => {
      await opened.set.plant('sync:1', seconds + 60)
      expect(await commit('sync:2')).toBe(false)
    })

    it('a slower sync never shortens the lease of a faster one', async () => {
      await opened.set.plant('sync:slow', seconds + 60)
      await opened.set.plant('sync:fast', seconds + 60)
      await commit('sync:fast', [], seconds * 1_000 + 5_000)
      await commit('sync:slow', [], seconds * 1_000 + 3_000)
      expect((await opened.set.look([])).leaseUntil).toBe(seconds * 1_000 + 5_000)
    })

    it('commit prunes what is dead and keeps what lives, the lease first of all', async () => {
      await opened.set.add([revocation('dead', seconds - 1), revocation('last', seconds), revocation('live')])
      await opened.set.plant('sync:left behind', seconds - 1)
      await opened.set.plant('sync:1', seconds + 60)
      await commit('sync:1')
      expect(await Promise.all(['jti:dead', 'jti:last', 'jti:live', 'sync:left behind'].map(opened.scoreOf))).toEqual([
        null,
        seconds,
        seconds + 600,
        null,
      ])
      expect((await opened.set.look([])).leaseUntil).not.toBeNull()
    })

    it('one caller at a time claims a sync', async () => {
      const claims = await Promise.all(Array.from({ length: 5 }, () => opened.set.claimSync()))
      expect(claims.filter(Boolean)).toHaveLength(1)
    })
  })
}
