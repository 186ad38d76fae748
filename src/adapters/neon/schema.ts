import { sql } from 'drizzle-orm'
import {
  type AnyPgColumn,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { CanonicalEmail, EmailAddress } from '../../domain/email.ts'
import type { DeviceId, KeyId, MailId, SessionId, UserId } from '../../domain/ids.ts'
import type { CodeHash } from '../../domain/one-time-code.ts'
import type { PasswordHash } from '../../domain/phc.ts'
import type { RefreshSecretHash } from '../../domain/refresh-token.ts'
import type { ClientKey } from '../../domain/registration.ts'
import type { RevocationMember } from '../../domain/revocation.ts'
import type { PublicJwk, SigningAlgorithm, SigningKeyStatus } from '../../domain/signing-key.ts'
import type { UserStatus } from '../../domain/user.ts'

// One page for every table; who writes and reads what, and how long it lives: docs/storage.md. Indexes are named for their query.

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })
const createdAt = () => instant('created_at').notNull().defaultNow()
const ownerId = () =>
  uuid('user_id')
    .$type<UserId>()
    .references((): AnyPgColumn => users.id, { onDelete: 'cascade' })

export const users = pgTable(
  'users',
  {
    id: uuid('id').$type<UserId>().primaryKey(),
    email: text('email').$type<EmailAddress>().notNull(),
    emailCanonical: text('email_canonical').$type<CanonicalEmail>().notNull(),
    status: text('status').$type<UserStatus>().notNull().default('active'),
    passwordHash: text('password_hash').$type<PasswordHash>().notNull(),
    name: text('name'),
    locale: text('locale'),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    tokenVersion: integer('token_version').notNull().default(1),
    sessionEpoch: integer('session_epoch').notNull().default(1),
    emailVerifiedAt: instant('email_verified_at').notNull(),
    createdAt: createdAt(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('users_by_canonical_email').on(t.emailCanonical),
    check('users_status_known', sql`${t.status} in ('active', 'disabled')`),
  ],
)

export const registrations = pgTable(
  'registrations',
  {
    id: uuid('id').primaryKey(),
    email: text('email').$type<EmailAddress>().notNull(),
    emailCanonical: text('email_canonical').$type<CanonicalEmail>().notNull(),
    passwordHash: text('password_hash').$type<PasswordHash>().notNull(),
    name: text('name'),
    /** Tells whether a later request comes from the client that made the attempt. */
    clientKey: text('client_key').$type<ClientKey>().notNull(),
    codeHash: text('code_hash').$type<CodeHash>().notNull(),
    codeExpiresAt: instant('code_expires_at').notNull(),
    codeTries: smallint('code_tries').notNull().default(0),
    tokenHash: text('token_hash').$type<CodeHash>().notNull(),
    createdAt: createdAt(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    index('registrations_by_canonical_email').on(t.emailCanonical),
    uniqueIndex('registrations_by_token').on(t.tokenHash),
    index('registrations_by_expiry').on(t.expiresAt),
  ],
)

export const loginFailures = pgTable(
  'login_failures',
  {
    /** HMAC of the canonical address: the same row for an address we know and one we do not. */
    addressKey: text('address_key').primaryKey(),
    failures: integer('failures').notNull(),
    lastFailedAt: instant('last_failed_at').notNull(),
    blockedUntil: instant('blocked_until'),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [index('login_failures_by_expiry').on(t.expiresAt)],
)

export const sessions = pgTable(
  'sessions',
  {
    id: uuid('id').$type<SessionId>().primaryKey(),
    userId: ownerId().notNull(),
    /** `users.session_epoch` of the row whose password was checked. */
    epoch: integer('epoch').notNull(),
    generation: integer('generation').notNull().default(0),
    secretHash: text('secret_hash').$type<RefreshSecretHash>().notNull(),
    /** When the latest rotations were, oldest first, at most sixteen. */
    rotations: instant('rotations').array().notNull().default([]),
    authTime: instant('auth_time').notNull(),
    amr: text('amr').array().notNull(),
    deviceId: uuid('device_id').$type<DeviceId>().notNull(),
    deviceName: text('device_name').notNull(),
    browser: text('browser'),
    os: text('os'),
    ip: text('ip').notNull(),
    country: text('country'),
    city: text('city'),
    createdAt: createdAt(),
    lastSeenAt: instant('last_seen_at').notNull().defaultNow(),
    idleExpiresAt: instant('idle_expires_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
    revokedAt: instant('revoked_at'),
  },
  (t) => [
    index('sessions_live_by_user').on(t.userId, t.createdAt).where(sql`${t.revokedAt} is null`),
    index('sessions_by_expiry').on(t.expiresAt),
  ],
)

export const knownDevices = pgTable(
  'known_devices',
  {
    userId: ownerId().notNull(),
    deviceId: uuid('device_id').$type<DeviceId>().notNull(),
    firstSeenAt: instant('first_seen_at').notNull().defaultNow(),
    lastSeenAt: instant('last_seen_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ name: 'known_devices_pkey', columns: [t.userId, t.deviceId] })],
)

export const revocations = pgTable(
  'revocations',
  {
    member: text('member').$type<RevocationMember>().primaryKey(),
    revokedAt: instant('revoked_at').notNull().defaultNow(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [index('revocations_for_sync').on(t.revokedAt), index('revocations_by_expiry').on(t.expiresAt)],
)

export const roles = pgTable(
  'roles',
  {
    id: uuid('id').primaryKey(),
    name: text('name').notNull(),
    description: text('description').notNull(),
    createdAt: createdAt(),
  },
  (t) => [uniqueIndex('roles_by_name').on(t.name)],
)

export const permissions = pgTable(
  'permissions',
  {
    id: uuid('id').primaryKey(),
    name: text('name').notNull(),
    description: text('description').notNull(),
    createdAt: createdAt(),
  },
  (t) => [uniqueIndex('permissions_by_name').on(t.name)],
)

export const rolePermissions = pgTable(
  'role_permissions',
  {
    roleId: uuid('role_id')
      .notNull()
      .references(() => roles.id, { onDelete: 'cascade' }),
    permissionId: uuid('permission_id')
      .notNull()
      .references(() => permissions.id, { onDelete: 'restrict' }),
  },
  (t) => [
    primaryKey({ name: 'role_permissions_pkey', columns: [t.roleId, t.permissionId] }),
    index('role_permissions_by_permission').on(t.permissionId),
  ],
)

export const userRoles = pgTable(
  'user_roles',
  {
    userId: ownerId().notNull(),
    roleId: uuid('role_id')
      .notNull()
      .references(() => roles.id, { onDelete: 'restrict' }),
    grantedAt: instant('granted_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ name: 'user_roles_pkey', columns: [t.userId, t.roleId] }),
    index('user_roles_by_role').on(t.roleId),
  ],
)

export const serviceAccounts = pgTable(
  'service_accounts',
  {
    id: uuid('id').primaryKey(),
    name: text('name').notNull(),
    status: text('status').notNull().default('active'),
    secretHash: text('secret_hash').notNull(),
    previousSecretHash: text('previous_secret_hash'),
    previousSecretExpiresAt: instant('previous_secret_expires_at'),
    tokenVersion: integer('token_version').notNull().default(1),
    createdAt: createdAt(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('service_accounts_by_name').on(t.name),
    check('service_accounts_status_known', sql`${t.status} in ('active', 'disabled')`),
  ],
)

export const oneTimeTokens = pgTable(
  'one_time_tokens',
  {
    id: uuid('id').primaryKey(),
    userId: ownerId().notNull(),
    purpose: text('purpose').notNull(),
    /** What the token is bound to besides its owner, such as the new address. */
    target: text('target'),
    codeHash: text('code_hash').$type<CodeHash>().notNull(),
    codeTries: smallint('code_tries').notNull().default(0),
    tokenHash: text('token_hash').$type<CodeHash>().notNull(),
    createdAt: createdAt(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    uniqueIndex('one_time_tokens_by_purpose').on(t.userId, t.purpose),
    uniqueIndex('one_time_tokens_by_token').on(t.tokenHash),
    index('one_time_tokens_by_expiry').on(t.expiresAt),
  ],
)

export const signingKeys = pgTable(
  'signing_keys',
  {
    kid: text('kid').$type<KeyId>().primaryKey(),
    algorithm: text('algorithm').$type<SigningAlgorithm>().notNull(),
    status: text('status').$type<SigningKeyStatus>().notNull(),
    publicJwk: jsonb('public_jwk').$type<PublicJwk>().notNull(),
    sealedPrivateKey: text('sealed_private_key').notNull(),
    createdAt: createdAt(),
    activatedAt: instant('activated_at'),
    retiredAt: instant('retired_at'),
  },
  (t) => [
    uniqueIndex('signing_keys_one_active').on(t.status).where(sql`${t.status} = 'active'`),
    check('signing_keys_status_known', sql`${t.status} in ('next', 'active', 'retiring', 'revoked')`),
  ],
)

export const auditEvents = pgTable(
  'audit_events',
  {
    id: uuid('id').primaryKey(),
    occurredAt: instant('occurred_at').notNull().defaultNow(),
    type: text('type').notNull(),
    /** No foreign key: events outlive the accounts they speak of. */
    userId: uuid('user_id').$type<UserId>(),
    sessionId: uuid('session_id').$type<SessionId>(),
    ip: text('ip').notNull(),
    country: text('country'),
    city: text('city'),
    userAgent: text('user_agent'),
    requestId: text('request_id').notNull(),
    detail: jsonb('detail').$type<Record<string, unknown>>().notNull().default({}),
  },
  (t) => [index('audit_events_by_user').on(t.userId, t.occurredAt), index('audit_events_by_time').on(t.occurredAt)],
)

export const outbox = pgTable(
  'outbox',
  {
    id: uuid('id').$type<MailId>().primaryKey(),
    kind: text('kind').notNull(),
    /** The account, or else the registration attempt, whose stored address the mail goes to. */
    userId: ownerId(),
    registrationId: uuid('registration_id').references(() => registrations.id, { onDelete: 'cascade' }),
    /** Content under AES-256-GCM; emptied once the mail is sent. */
    sealed: text('sealed').notNull(),
    attempts: integer('attempts').notNull().default(0),
    createdAt: createdAt(),
    nextAttemptAt: instant('next_attempt_at').notNull().defaultNow(),
    sentAt: instant('sent_at'),
  },
  (t) => [
    index('outbox_due').on(t.nextAttemptAt).where(sql`${t.sentAt} is null`),
    index('outbox_by_age').on(t.createdAt),
    index('outbox_by_user').on(t.userId),
    index('outbox_by_registration').on(t.registrationId),
    check('outbox_has_recipient', sql`num_nonnulls(${t.userId}, ${t.registrationId}) = 1`),
  ],
)
