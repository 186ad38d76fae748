import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { developmentSecretPrefix } from '../src/config.ts'
import { writeAtomically } from './atomic-file.ts'
import { StartError } from './start-error.ts'

/** The demo administrator, and the database it stands in. */
export interface RememberedAdmin {
  email: string
  password: string
  /** A hash of the database's URL. */
  database: string
}

/** What the stack makes up once and keeps. */
export interface Secrets {
  KEY_ENCRYPTION_KEY: string
  TOKEN_SECRET: string
  METRICS_TOKEN: string
  CRON_TOKEN: string
  MAIL_API_KEY: string
  UPSTASH_REDIS_REST_TOKEN: string
  DATABASE_PASSWORD: string
}

export interface SecretStore {
  readonly secrets: Readonly<Secrets>
  readonly admin: RememberedAdmin | null
  rememberAdmin(admin: RememberedAdmin): Promise<void>
}

/** The prefix tells a deployment that the secret is not for it: production refuses these. */
const makeToken = () => `${developmentSecretPrefix}${randomBytes(32).toString('base64url')}`

/**
 * The stack's secrets from `file` (mode 0600); what is missing there is made and kept.
 * @throws {StartError} when the file is damaged: new secrets could not open what the old ones sealed
 */
export async function openSecrets(file: string): Promise<SecretStore> {
  const kept = await readSecrets(file)
  const made = makeSecrets()
  const complete: Secrets & { demo_administrator?: RememberedAdmin } = { ...made, ...kept }
  const write = () => writeAtomically(file, `${JSON.stringify(complete, null, 2)}\n`)
  if (Object.keys(made).some((name) => !Object.hasOwn(kept, name))) await write()
  return {
    secrets: complete,
    get admin() {
      return complete.demo_administrator ?? null
    },
    async rememberAdmin(admin) {
      complete.demo_administrator = admin
      await write()
    },
  }
}

function makeSecrets(): Secrets {
  return {
    KEY_ENCRYPTION_KEY: Buffer.concat([Buffer.from(developmentSecretPrefix), randomBytes(28)]).toString('base64'),
    TOKEN_SECRET: makeToken(),
    METRICS_TOKEN: makeToken(),
    CRON_TOKEN: makeToken(),
    MAIL_API_KEY: makeToken(),
    UPSTASH_REDIS_REST_TOKEN: makeToken(),
    DATABASE_PASSWORD: makeToken(),
  }
}

async function readSecrets(file: string): Promise<Partial<Secrets>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
  try {
    const kept: unknown = JSON.parse(text)
    if (typeof kept === 'object' && kept !== null && !Array.isArray(kept)) return kept
  } catch {
    // Told below, without the parser's message: it quotes the file.
  }
  throw new StartError(
    `${file} is damaged. Restore it, or delete it together with the database beside it, which it opens.`,
  )
}
