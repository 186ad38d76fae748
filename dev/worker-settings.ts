import type { Secrets } from './secrets.ts'
import { settingNames } from './setting-names.ts'
import type { BackendUrls } from './start-backends.ts'
import { StartError } from './start-error.ts'

/** What the Worker is given: the stack's own settings, under those that the environment names, under where the backends are. */
export function workerSettings({
  port,
  secrets,
  backends,
  environment,
}: {
  port: number
  secrets: Secrets
  backends: BackendUrls
  environment: Readonly<Record<string, string | undefined>>
}): Record<string, string> {
  const issuer = `http://localhost:${port}`
  const { KEY_ENCRYPTION_KEY, TOKEN_SECRET, METRICS_TOKEN, CRON_TOKEN } = secrets
  const settings: Record<string, string> = {
    ENVIRONMENT: 'development',
    ISSUER: issuer,
    AUDIENCE: 'postern',
    APP_URL: issuer,
    ALLOWED_ORIGINS: `${issuer},http://localhost:3000`,
    KEY_ENCRYPTION_KEY,
    TOKEN_SECRET,
    METRICS_TOKEN,
    CRON_TOKEN,
    MAIL_DRIVER: 'resend',
    MAIL_ENDPOINT: `${backends.mailboxUrl}/emails`,
    MAIL_API_KEY: backends.mailKey,
    MAIL_FROM: 'Postern <no-reply@localhost>',
    BREACH_ENDPOINT: `${backends.breachUrl}/range/`,
  }
  for (const name of settingNames) {
    const value = environment[name]
    if (value) settings[name] = value
  }
  return {
    ...settings,
    DATABASE_URL: backends.databaseUrl,
    NEON_FETCH_ENDPOINT: backends.neonUrl,
    UPSTASH_REDIS_REST_URL: backends.upstashUrl,
    UPSTASH_REDIS_REST_TOKEN: backends.upstashToken,
  }
}

/**
 * The settings as a file for wrangler: command lines can be read by every user of the machine.
 * @param kind `--env-file` replaces `$NAME` in values, `.dev.vars` does not
 * @throws {StartError} for a value that no quotes can hold
 */
export function formatSettings(settings: Readonly<Record<string, string>>, kind: '--env-file' | '.dev.vars'): string {
  const lines = Object.entries(settings).map(([name, value]) => {
    const quote = ["'", '`'].find((each) => !value.includes(each))
    if (quote === undefined || value.includes('\r')) {
      throw new StartError(`${name} cannot be handed to wrangler: it holds both ' and \`, or a carriage return.`)
    }
    return `${name}=${quote}${kind === '--env-file' ? value.replaceAll('$', '\\$') : value}${quote}\n`
  })
  return lines.join('')
}
