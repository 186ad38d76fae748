import { parseArgs } from 'node:util'
import { loadArgon2Module } from './adapters/argon2/load-module.ts'
import { passwordHasher } from './adapters/argon2/password-hasher.ts'
import { connectDatabase } from './adapters/neon/database.ts'
import { migrate } from './adapters/neon/migrate.ts'
import { neonUsers } from './adapters/neon/users.ts'
import { nobleDeriveTag } from './adapters/noble/derive-tag.ts'
import { mayCarryPassword, neonEndpointRule } from './config.ts'
import { parseEmail } from './domain/email.ts'
import { createAdmin } from './services/users/create-admin.ts'

// The operator's command line: the second place that wires, for Node. It talks to DATABASE_URL as the Worker does, over HTTP.

const usage = `npm run admin -- <command>

  create-admin EMAIL [--json]   make an administrator; prints the password once
  migrate                       apply the migrations that the database does not have yet

DATABASE_URL names the database; NEON_FETCH_ENDPOINT its HTTP endpoint where it is not Neon's own.`

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

async function run(args: string[]): Promise<number> {
  const { positionals, values } = parseArgs({ args, allowPositionals: true, options: { json: { type: 'boolean' } } })
  const [command, ...operands] = positionals
  if (command === 'migrate' && operands.length === 0) {
    const { applied, total } = await migrate(databaseUrl(), { endpoint: endpoint() ?? undefined })
    for (const file of applied) console.log(`applied ${file}`)
    console.log(`The database has all ${total} migrations.`)
    return 0
  }
  const [address] = operands
  if (command === 'create-admin' && address !== undefined && operands.length === 1)
    return runCreateAdmin(address, values.json === true)
  console.error(usage)
  return 2
}

async function runCreateAdmin(address: string, asJson: boolean): Promise<number> {
  const email = parseEmail(address)
  if (email === null) throw new Error('That is no e-mail address.')
  const users = neonUsers(connectDatabase(databaseUrl(), endpoint()))
  const passwords = passwordHasher({ wasm: await loadArgon2Module(), reference: nobleDeriveTag, log: console.error })
  const clock = { now: Date.now, sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) }
  const made = await createAdmin({ users, passwords, clock }, email)
  if (made === null) throw new Error('The address already has an account; nothing was changed.')
  const shown = { email: email.address, password: made.password }
  console.log(
    asJson
      ? JSON.stringify(shown)
      : `Administrator ${shown.email}\nPassword      ${shown.password}\nIt is shown this once only.`,
  )
  return 0
}

function databaseUrl(): string {
  const url = process.env.DATABASE_URL
  if (url === undefined || url === '')
    throw new Error('DATABASE_URL is missing: set it to the postgres:// URL of the database.')
  return url
}

function endpoint(): string | null {
  const value = process.env.NEON_FETCH_ENDPOINT || null
  if (value !== null && !mayCarryPassword(value)) throw new Error(`NEON_FETCH_ENDPOINT ${neonEndpointRule}.`)
  return value
}
