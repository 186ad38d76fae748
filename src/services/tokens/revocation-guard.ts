import { clockSkewSeconds, type VerifiedToken } from '../../domain/access-token.ts'
import { AuthError } from '../../domain/auth-error.ts'
import { membersOf, type Revocation, syncMarginMs, workerClockSkewMs } from '../../domain/revocation.ts'
import type { Ports } from '../../ports.ts'
import type { RequestContext } from '../postern.ts'

/** After a failure, Redis is left alone for so long; then one caller tries it. */
const breakerPauseMs = 1_000
/** A sync of this isolate that started so long ago is taken for dead. */
const syncPatienceMs = 5_000
const rowsPerPage = 1_000
const markerLifetimeSeconds = 60

interface GuardSettings {
  /** `REVOCATION_LEASE_SECONDS`, in milliseconds. */
  leaseMs: number
  /** `POSTGRES_DOWN_CHECKS`: go on believing Redis for one access lifetime after its lease, or refuse. */
  postgresDown: 'redis' | 'refuse'
  accessTokenTtl: number
}

/**
 * The revocation protocol of docs/decisions/0003-revocation-protocol.md in strict mode: Postgres is the record, Redis the fast copy. The promise:
 * an acknowledged revocation is never accepted afterwards. Redis is believed only while its lease lives; holes are closed by waiting
 * a lease out before acknowledging.
 */
export class RevocationGuard {
  readonly #ports: Pick<Ports, 'revocationRecord' | 'revocationSet' | 'clock'>
  readonly #settings: GuardSettings
  #redisPausedUntil = 0
  #syncingSince = Number.NEGATIVE_INFINITY

  constructor(ports: Pick<Ports, 'revocationRecord' | 'revocationSet' | 'clock'>, settings: GuardSettings) {
    this.#ports = ports
    this.#settings = settings
  }

  /**
   * Refuses a revoked token. One command to Redis; a lapsed lease, an outage or nonsense and one Postgres query answers.
   * @throws {AuthError} `invalid_token`, or `unavailable` when nobody can tell
   */
  async check(token: VerifiedToken, defer: RequestContext['defer']): Promise<void> {
    const revoked = await this.#isRevoked(token, defer)
    if (revoked) throw new AuthError('invalid_token', { reason: 'revoked' })
    // Read again after the I/O: a check must not outlast the revocation's own retention.
    if (this.#ports.clock.now() >= (token.claims.exp + clockSkewSeconds) * 1_000) {
      throw new AuthError('invalid_token', { reason: 'expired during the check' })
    }
  }

  /**
   * Brings a committed revocation to Redis and returns when it may be acknowledged: at once when Redis took it; else when every lease
   * that was alive at the commit has lapsed, for each newer one contains it. Call it right after Postgres answered.
   */
  async publish(revocations: readonly Revocation[]): Promise<void> {
    const holdsEverywhereAt = this.#ports.clock.now() + this.#settings.leaseMs + workerClockSkewMs
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        await this.#ports.revocationSet.add(revocations)
        return
      } catch {
        this.#pauseRedis()
      }
    }
    await this.#ports.clock.sleep(Math.max(0, holdsEverywhereAt - this.#ports.clock.now()))
  }

  /** Verifies Redis against Postgres and renews the lease; any number may run at once. Rebuilds after a flush too. */
  async sync(): Promise<void> {
    const { revocationSet, revocationRecord, clock } = this.#ports
    const startedAt = clock.now() // the lease counts from before the read
    const marker = `sync:${crypto.randomUUID()}`
    const { leaseUntil } = await revocationSet.plant(marker, Math.ceil(startedAt / 1_000) + markerLifetimeSeconds)
    const verifiedUntil = this.#isPlausible(leaseUntil, startedAt) ? leaseUntil - this.#settings.leaseMs : null
    const since = verifiedUntil === null ? null : verifiedUntil - syncMarginMs
    let page = await revocationRecord.since(since, { after: null, limit: rowsPerPage })
    while (page.length === rowsPerPage) {
      await revocationSet.add(page)
      page = await revocationRecord.since(since, { after: page.at(-1)?.member ?? null, limit: rowsPerPage })
    }
    await revocationSet.commit(marker, page, startedAt + this.#settings.leaseMs, Math.floor(startedAt / 1_000))
  }

  async #isRevoked(token: VerifiedToken, defer: RequestContext['defer']): Promise<boolean> {
    const members = membersOf(token)
    const seen = await this.#look(members)
    const now = this.#ports.clock.now()
    const leaseUntil = seen?.leaseUntil ?? null
    if (seen !== null && this.#isPlausible(leaseUntil, now) && leaseUntil > now) {
      if (leaseUntil - now < this.#settings.leaseMs / 2) this.#syncLater(defer)
      return seen.revoked
    }
    if (seen !== null) this.#syncLater(defer)
    try {
      return await this.#ports.revocationRecord.isRevoked(token, members)
    } catch (cause) {
      // The one hole: a revocation whose Redis write had failed and that no sync had repaired when Postgres went away as well.
      const mayBelieve = this.#isPlausible(leaseUntil, now) && now < leaseUntil + this.#settings.accessTokenTtl * 1_000
      if (seen !== null && mayBelieve && this.#settings.postgresDown === 'redis') return seen.revoked
      throw new AuthError('unavailable', { reason: 'neither Redis nor Postgres can tell', retryAfterSeconds: 1, cause })
    }
  }

  async #look(members: ReturnType<typeof membersOf>) {
    const now = this.#ports.clock.now()
    if (now < this.#redisPausedUntil) return null
    const probing = this.#redisPausedUntil !== 0
    if (probing) this.#pauseRedis() // the others go on sparing it until this one knows
    try {
      const seen = await this.#ports.revocationSet.look(members)
      this.#redisPausedUntil = 0
      return seen
    } catch {
      this.#pauseRedis()
      return null
    }
  }

  #pauseRedis(): void {
    this.#redisPausedUntil = this.#ports.clock.now() + breakerPauseMs
  }

  /** A lease from further ahead than any Worker's clock can be was not made by the protocol. */
  #isPlausible(leaseUntil: number | null, now: number): leaseUntil is number {
    return leaseUntil !== null && leaseUntil <= now + this.#settings.leaseMs + workerClockSkewMs
  }

  #syncLater(defer: RequestContext['defer']): void {
    const now = this.#ports.clock.now()
    if (now - this.#syncingSince < syncPatienceMs) return
    this.#syncingSince = now
    defer(async () => {
      try {
        if (await this.#ports.revocationSet.claimSync()) await this.sync()
      } finally {
        this.#syncingSince = Number.NEGATIVE_INFINITY
      }
    })
  }
}
