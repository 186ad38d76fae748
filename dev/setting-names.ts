import { variables } from '../src/config.ts'

/** Settings of features that are still to come (DESIGN part 8). */
const toCome = [
  'DATABASE_REPLICA_URL',
  'KEY_ENCRYPTION_KEY_PREVIOUS',
  'METRICS_TOKEN',
  'CRON_TOKEN',
  'TURNSTILE_SECRET',
  'TURNSTILE_SITE_KEY',
  'TURNSTILE_ENDPOINT',
  'REVOCATION_MAX_STALENESS_SECONDS',
  'AUDIT_RETENTION_DAYS',
  'SIGNING_ALGORITHM',
  'KEY_ROTATION_DAYS',
]

/**
 * Every setting of the Worker by name: what the environment of `npm run dev` sets reaches the Worker, and what a developer's .dev.vars
 * sets never reaches a test.
 */
export const settingNames: readonly string[] = [...variables, ...toCome]
