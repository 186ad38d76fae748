import { systemAuditContext } from '../../domain/audit.ts'
import type { KeyId } from '../../domain/ids.ts'
import type { PublicJwk, StoredSigningKey } from '../../domain/signing-key.ts'
import type { Ports } from '../../ports.ts'
import { seal, unseal } from './seal.ts'

/** After this long the copy is read anew; until that succeeds the old one goes on serving. */
const freshMs = 300_000
/** An unknown `kid` may cause one read in this time, so that made-up ones cost nothing. */
const reloadPauseMs = 10_000

interface SigningKey {
  kid: KeyId
  privateKey: CryptoKey
}

interface Loaded {
  published: ReadonlyMap<string, PublicJwk>
  active: StoredSigningKey
}

/**
 * The signing keys as this isolate knows them. Values are kept across requests, never promises: one request must not wait on
 * another's I/O. Two that load at once both load; the result is the same.
 */
export class SigningKeyring {
  readonly #ports: Pick<Ports, 'signingKeys' | 'tokenCodec' | 'clock'>
  readonly #keyEncryptionKey: Uint8Array<ArrayBuffer>
  #loaded: Loaded | null = null
  #signer: SigningKey | null = null
  #triedAt = Number.NEGATIVE_INFINITY

  constructor(ports: Pick<Ports, 'signingKeys' | 'tokenCodec' | 'clock'>, keyEncryptionKey: Uint8Array<ArrayBuffer>) {
    this.#ports = ports
    this.#keyEncryptionKey = keyEncryptionKey
  }

  /**
   * Loads the keys if this isolate has none yet, makes the deployment's first one if there is none at all, and opens the active one: what
   * cannot sign must find out before a session is opened or rotated for it.
   */
  async warm(): Promise<void> {
    const { active } = this.#loaded ?? (await this.#load())
    if (this.#signer?.kid !== active.kid) await this.#open(active)
  }

  /** The key to sign with. `activeKid` is what the caller's own SQL statement said: an isolate never signs with a stale key. */
  async active(activeKid: KeyId | null): Promise<SigningKey> {
    if (this.#signer !== null && this.#signer.kid === activeKid) return this.#signer
    const loaded = this.#loaded
    const { active } = loaded !== null && loaded.active.kid === activeKid ? loaded : await this.#load()
    return this.#open(active)
  }

  /** The public key of that id, or `null` when it is none of ours. */
  async publicKey(kid: string): Promise<PublicJwk | null> {
    const known = (await this.#current()).published.get(kid)
    if (known !== undefined || this.#ports.clock.now() - this.#triedAt < reloadPauseMs) return known ?? null
    return (await this.#load()).published.get(kid) ?? null
  }

  /** What the JWKS shows. */
  async published(): Promise<PublicJwk[]> {
    return [...(await this.#current()).published.values()]
  }

  async #current(): Promise<Loaded> {
    const loaded = this.#loaded
    if (loaded === null) return this.#load()
    if (this.#ports.clock.now() - this.#triedAt < freshMs) return loaded
    return this.#load().catch(() => loaded)
  }

  async #load(): Promise<Loaded> {
    this.#triedAt = this.#ports.clock.now()
    const keys = await this.#ports.signingKeys.published()
    const active = keys.find((key) => key.status === 'active') ?? (await this.#bootstrap())
    const published = new Map<string, PublicJwk>([...keys, active].map((key) => [key.kid, key.publicJwk]))
    this.#loaded = { published, active }
    return this.#loaded
  }

  /** Only who signs asks for it: to check tokens and to publish keys takes no secret. */
  async #open(active: StoredSigningKey): Promise<SigningKey> {
    this.#signer = { kid: active.kid, privateKey: await this.#importPrivate(active) }
    return this.#signer
  }

  /** Of any number of isolates that find no key, one adds its own; all of them then use that one. */
  async #bootstrap(): Promise<StoredSigningKey> {
    const pair = await this.#ports.tokenCodec.generate('RS256')
    const candidate: StoredSigningKey = {
      kid: pair.kid,
      algorithm: 'RS256',
      status: 'active',
      publicJwk: pair.publicJwk,
      sealedPrivateKey: await seal(this.#keyEncryptionKey, pair.privatePkcs8, pair.kid),
    }
    if ((await this.#ports.signingKeys.addFirst(candidate, systemAuditContext('key bootstrap'))) === 'added')
      return candidate
    const winner = (await this.#ports.signingKeys.published()).find((key) => key.status === 'active')
    if (winner === undefined) throw new Error('there is no active signing key, and none could be added')
    return winner
  }

  async #importPrivate(key: StoredSigningKey): Promise<CryptoKey> {
    const pkcs8 = await unseal(this.#keyEncryptionKey, key.sealedPrivateKey, key.kid)
    try {
      return await this.#ports.tokenCodec.importPrivate(pkcs8, key.algorithm)
    } finally {
      pkcs8.fill(0)
    }
  }
}
