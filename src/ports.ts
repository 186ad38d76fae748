import type { AccessTokenClaims, VerifiedToken } from './domain/access-token.ts'
import type { AuditContext, AuditType } from './domain/audit.ts'
import type { CanonicalEmail } from './domain/email.ts'
import type { KeyId, MailId, SessionId, UserId } from './domain/ids.ts'
import type { ClaimedMail, Message, OutboxMail } from './domain/mail.ts'
import type { CodeHash } from './domain/one-time-code.ts'
import type { Password } from './domain/password-policy.ts'
import type { PasswordHash } from './domain/phc.ts'
import type { LimitedRoute, LimitState } from './domain/rate-limits.ts'
import type { Activation, ClientKey, RegistrationProof } from './domain/registration.ts'
import type { Revocation, RevocationMember } from './domain/revocation.ts'
import type { RefreshUse, Rotation } from './domain/rotation.ts'
import type { SessionSummary } from './domain/session.ts'
import type { CheckedAccount, NewSession, Opening } from './domain/session-opening.ts'
import type { PublicJwk, SigningAlgorithm, StoredSigningKey } from './domain/signing-key.ts'
import type { Attempt, LoginRecord, Profile, ProfileChange } from './domain/user.ts'

/**
 * All that we ask of the outside world. Neon over HTTP has no interactive transaction, so each method is one atomic act that
 * reports its outcome. An outage is thrown as any `Error` that is not an `AuthError`.
 */
export interface Ports {
  users: Users
  registrations: Registrations
  sessions: Sessions
  revocationRecord: RevocationRecord
  revocationSet: RevocationSet
  signingKeys: SigningKeys
  audit: AuditTrail
  outbox: Outbox
  mailer: Mailer
  rateLimiter: RateLimiter
  passwords: PasswordHasher
  breaches: BreachedPasswords
  tokenCodec: TokenCodec
  probes: Probes
  clock: Clock
}

/** The Worker's clock. In production it moves only with I/O. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number
  sleep(milliseconds: number): Promise<void>
}

export interface Users {
  /** Everything a login needs, of one moment; `null` when no verified account has the address. */
  findForLogin(email: CanonicalEmail): Promise<LoginRecord | null>
  /** `null` when the account is gone or not active. */
  profile(id: UserId): Promise<Profile | null>
  /** Changes the given members and leaves the others; `null` when the account is gone or not active. */
  changeProfile(id: UserId, change: ProfileChange, audit: AuditContext): Promise<Profile | null>
  /** Adds an active, verified account with the role `admin`. `taken` when the address has an account, which stays as it is. */
  addAdministrator(id: UserId, account: Attempt, audit: AuditContext): Promise<'added' | 'taken'>
}

export interface Registrations {
  /**
   * Records an attempt with its code and link and puts `mails.verify` into the outbox; for an address that already has an account
   * records nothing and puts `mails.alreadyRegistered` there for its owner. Same work for both. Other attempts stay as they are.
   * `detail` goes into the audit event.
   */
  begin(
    attempt: Attempt,
    clientKey: ClientKey,
    proof: RegistrationProof,
    mails: { verify: OutboxMail; alreadyRegistered: OutboxMail },
    detail: Record<string, unknown>,
    audit: AuditContext,
  ): Promise<'pending' | 'already_registered'>
  /**
   * Turns the one attempt that carries the code into a user with the role `user`, and ends every attempt for the address. Not for a
   * client that began another of these attempts: it would make a stranger's password live.
   * A code that fits no live attempt costs each of the address's attempts a try. Of any number of concurrent calls one gets `verified`.
   * `hashes` are of one code, under the current and the previous secret. `detail` goes into the audit event of a refusal.
   */
  activateByCode(
    email: CanonicalEmail,
    hashes: readonly CodeHash[],
    clientKey: ClientKey,
    id: UserId,
    detail: Record<string, unknown>,
    audit: AuditContext,
  ): Promise<Activation>
  /** The same by link, which spends no tries: nobody guesses 256 bits. */
  activateByToken(
    hashes: readonly CodeHash[],
    clientKey: ClientKey,
    id: UserId,
    audit: AuditContext,
  ): Promise<Activation>
  /**
   * Gives the address's only live attempt a new code and link and mails them; the older ones die. It must come from the same client:
   * a code for a stranger's attempt would make the stranger's password live. Otherwise, or with several attempts, `mails.registerAgain`
   * goes out instead. Audited alike when there is none. `detail` goes into the audit event.
   */
  renewProof(
    email: CanonicalEmail,
    clientKey: ClientKey,
    proof: RegistrationProof,
    mails: { verify: OutboxMail; registerAgain: OutboxMail },
    detail: Record<string, unknown>,
    audit: AuditContext,
  ): Promise<'renewed' | 'register_again' | 'none'>
  /** Deletes up to `limit` attempts that have expired. */
  prune(limit: number): Promise<number>
}

export interface Sessions {
  /**
   * Opens a session if the account still has the status `active` and the very epoch and hash that the password was checked against
   * (`stale` otherwise: a reset, disable or logout-all came between). Replaces the hash by `rehash` when one is given. Ends the oldest
   * sessions beyond `limit` and reports them as `evicted`.
   */
  open(session: NewSession, checked: CheckedAccount, audit: AuditContext): Promise<Opening>
  /**
   * Decides one use of a refresh token whose MAC was right. One statement: of any number of concurrent calls with the current
   * token exactly one gets `rotated`, the rest `replayed`. Does nothing when it gets its row after `deadline` (`late`).
   * A repeat from outside the window ends the session, audits it and puts `reuseMail` into the outbox (`reused`).
   */
  rotate(use: RefreshUse, reuseMail: OutboxMail, audit: AuditContext): Promise<Rotation>
  /**
   * Ends sessions, now or again: a retry must get the revocations to write once more. Leaves out those that do not exist (for this owner,
   * if one is given).
   */
  end(ids: readonly SessionId[], owner: UserId | null, audit: AuditContext): Promise<Revocation[]>
  /** Ends every session by raising the epoch, and every access token by raising the token version. `null` when there is no such account. */
  endAll(owner: UserId, audit: AuditContext): Promise<Revocation | null>
  /** Live sessions, newest use first. */
  list(owner: UserId): Promise<SessionSummary[]>
  /** Deletes up to `limit` sessions whose absolute end is past: nothing that they issued is alive. */
  prune(limit: number): Promise<number>
}

/** Postgres' side of the revocation protocol: the record. */
export interface RevocationRecord {
  /** Whether any member is revoked, or the session, its account or its epoch is no longer what the token was issued for. */
  isRevoked(token: VerifiedToken, members: readonly RevocationMember[]): Promise<boolean>
  /**
   * Live revocations made after the instant (Unix milliseconds), or all live ones, by pages in the order of their members: up to
   * `limit` that come after the member `after`. Rows become visible out of their order in time: ask with a margin.
   */
  since(instant: number | null, page: { after: RevocationMember | null; limit: number }): Promise<Revocation[]>
  /** Deletes up to `limit` rows that nobody needs any more. */
  prune(limit: number): Promise<number>
}

/** Redis' side of the revocation protocol: the fast copy, one sorted set with the sentinel `ok`, whose score is a lease in Unix milliseconds. */
export interface RevocationSet {
  /** Which members are there, and until when the answer may be believed (`null`: no sentinel). Throws on an outage, after 150 ms, and on nonsense. */
  look(members: readonly RevocationMember[]): Promise<{ revoked: boolean; leaseUntil: number | null }>
  /** Adds members; a score is never lowered. Throws when unsure. */
  add(revocations: readonly Revocation[]): Promise<void>
  /** Plants a one-time marker and reads the sentinel, atomically. `expires` is the marker's score in Unix seconds. */
  plant(marker: string, expires: number): Promise<{ leaseUntil: number | null }>
  /** If the marker is still there: adds the rows, extends the lease, removes the marker, prunes, and answers true. */
  commit(marker: string, revocations: readonly Revocation[], leaseUntil: number, nowSeconds: number): Promise<boolean>
  /** True for one caller in about a second: keeps a crowd of isolates from all syncing. A hint, never needed for correctness. */
  claimSync(): Promise<boolean>
}

export interface SigningKeys {
  /** Published keys (`next`, `active`, `retiring`), oldest first. */
  published(): Promise<StoredSigningKey[]>
  /** Adds the first active key; `exists` when there is one, whoever made it. */
  addFirst(key: StoredSigningKey, audit: AuditContext): Promise<'added' | 'exists'>
}

export interface AuditTrail {
  /** For events that change nothing else, such as a failed login. `detail` holds no secret and no address. */
  record(type: AuditType, detail: Record<string, unknown>, userId: UserId | null, audit: AuditContext): Promise<void>
}

export interface Outbox {
  /** Takes the mail for one try, if it is due and nobody else has it; the next try is set with back-off. */
  claim(id: MailId): Promise<ClaimedMail | null>
  /** Takes up to `limit` mails that are due, each for one try. */
  claimDue(limit: number): Promise<ClaimedMail[]>
  /** Forgets the content of a mail that was sent. */
  settle(id: MailId): Promise<void>
  /** Deletes up to `limit` old rows. */
  prune(limit: number): Promise<number>
}

export interface Mailer {
  /** Throws when the provider did not take it. Sending the same id again makes no second mail where the provider supports it. */
  send(message: Message): Promise<void>
}

export interface RateLimiter {
  /**
   * Counts a request at each configured level of the route, in one round trip. Never throws: without Redis, the same limits count in
   * this isolate alone. `refused` is the level that refused longest.
   */
  spend(route: LimitedRoute, subject: LimitSubject): Promise<{ states: LimitState[]; refused: LimitState | null }>
}

/** Whom a request counts against; a level without its subject is not counted. */
export interface LimitSubject {
  /** A key of the client's network, never the address itself. */
  ip: string
  /** A key of the account, never the address itself. */
  account?: string
}

export interface PasswordHasher {
  /** A new PHC string with today's parameters and a fresh 16-byte salt. */
  hash(password: Password): Promise<PasswordHash>
  /**
   * `matches` in constant time of the final compare; `outdated`: made with other parameters or another algorithm than today's.
   * Throws for a hash that cannot be read or costs more than the caps; the hash is never in the message.
   */
  verify(password: Password, hash: PasswordHash): Promise<{ matches: boolean; outdated: boolean }>
  /** A hash that nobody's password matches, with today's cost: what an unknown address is verified against. */
  readonly decoy: PasswordHash
}

export interface BreachedPasswords {
  /** How often the password stands in known breaches. `null`: could not ask; the caller goes on and audits it. Never throws for an outage. */
  count(password: Password): Promise<number | null>
}

/** A pair made for signing: the public half, and the private half as PKCS#8 to be sealed and as a non-extractable key. */
export interface NewKeyPair {
  kid: KeyId
  publicJwk: PublicJwk
  privatePkcs8: Uint8Array<ArrayBuffer>
}

/** JOSE: signs and checks access tokens, makes keys. No I/O; a port because the mathematics is a library's. */
export interface TokenCodec {
  sign(claims: AccessTokenClaims, key: { kid: KeyId; privateKey: CryptoKey }): Promise<string>
  /**
   * Checks form, header, signature, issuer, audience, times and the type of every claim. `publicKey` is asked for the `kid` only after
   * the form is right. Throws `AuthError('invalid_token')`.
   */
  verify(token: string, publicKey: (kid: string) => Promise<PublicJwk | null>, now: number): Promise<VerifiedToken>
  generate(algorithm: SigningAlgorithm): Promise<NewKeyPair>
  importPrivate(pkcs8: Uint8Array<ArrayBuffer>, algorithm: SigningAlgorithm): Promise<CryptoKey>
}

/** What readiness asks. Each throws when its part is not well. */
export interface Probes {
  /** Whether Postgres has every migration this build knows, and what its clock says (Unix milliseconds). */
  postgres(): Promise<{ migrations: 'current' | 'behind'; clock: number }>
  redis(): Promise<void>
}
