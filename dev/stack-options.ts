import { userInfo } from 'node:os'
import { parseArgs } from 'node:util'
import type { BackendsOptions } from './start-backends.ts'
import { StartError } from './start-error.ts'

const usage = 'Usage: npm run dev [-- --port N], or npm run stack [-- --port N]'

/** @throws {StartError} with the usage */
export function readArguments(args: readonly string[]): { worker: boolean; port: number } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { port: { type: 'string', default: '8787' } },
      allowPositionals: true,
    })
    const port = Number(values.port)
    const known = positionals.length === 0 || (positionals.length === 1 && positionals[0] === 'stack')
    if (known && Number.isInteger(port) && port >= 1 && port <= 65_535)
      return { worker: positionals.length === 0, port }
  } catch {
    // An unknown option: the usage says all there is.
  }
  throw new StartError(usage)
}

/**
 * Which servers the environment names. `DATABASE_URL` and `REDIS_URL` are fronted; `NEON_FETCH_ENDPOINT` and `UPSTASH_REDIS_REST_URL` are used as
 * they are. Nothing named: embedded ones.
 * @throws {StartError} naming the variable; never its value, which holds a password
 */
export function readServers(
  environment: Readonly<Record<string, string | undefined>>,
): Pick<BackendsOptions, 'databaseUrl' | 'redisUrl' | 'neonEndpoint' | 'upstash'> {
  const read = (name: string, protocols: readonly string[]): string | undefined => {
    const value = environment[name]?.trim()
    if (!value) return undefined
    if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return value
    throw new StartError(`${name} must be a URL beginning with ${protocols.map((each) => `${each}//`).join(' or ')}`)
  }
  const databaseUrl = read('DATABASE_URL', ['postgres:', 'postgresql:'])
  const neonEndpoint = read('NEON_FETCH_ENDPOINT', ['http:', 'https:'])
  if (neonEndpoint !== undefined && databaseUrl === undefined) {
    throw new StartError('NEON_FETCH_ENDPOINT needs DATABASE_URL beside it: whose database is it?')
  }
  const url = read('UPSTASH_REDIS_REST_URL', ['http:', 'https:'])
  const token = environment.UPSTASH_REDIS_REST_TOKEN?.trim()
  if (url !== undefined && !token)
    throw new StartError('UPSTASH_REDIS_REST_URL needs UPSTASH_REDIS_REST_TOKEN beside it.')
  return {
    databaseUrl: databaseUrl === undefined ? undefined : completeDatabaseUrl(databaseUrl, environment),
    redisUrl: read('REDIS_URL', ['redis:', 'rediss:']),
    neonEndpoint,
    upstash: url === undefined || !token ? undefined : { url, token },
  }
}

/** Neon's driver insists on a user and a database; `psql` fills them in from the environment, and so does this. */
function completeDatabaseUrl(value: string, environment: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(value)
  if (url.hostname === '') throw new StartError('DATABASE_URL must name a host: postgres://user:password@host/database')
  if (url.username === '') url.username = encodeURIComponent(environment.PGUSER || userInfo().username)
  if (url.pathname === '' || url.pathname === '/')
    url.pathname = `/${environment.PGDATABASE || decodeURIComponent(url.username)}`
  return url.href
}
