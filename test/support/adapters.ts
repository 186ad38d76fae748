import { env } from 'cloudflare:workers'
import { connectDatabase, type Database } from '../../src/adapters/neon/database.ts'
import { connectRedis } from '../../src/adapters/upstash/redis.ts'
import type { Env } from '../../src/config.ts'
import { databaseUrl } from './database.ts'

const settings = env as Env

/** The run's database, or another of the same server, as the adapters see it. */
export function openDatabase(name?: string): Database {
  return connectDatabase(databaseUrl(name), settings.NEON_FETCH_ENDPOINT ?? null)
}

/** @param timeoutMs long, since a busy machine is no fault; a test of the real patience gives its own */
export function openRedis(timeoutMs = 5_000) {
  const { UPSTASH_REDIS_REST_URL: url = '', UPSTASH_REDIS_REST_TOKEN: token = '' } = settings
  return connectRedis({ url, token }, timeoutMs)
}

/** Keys in Redis that no other test shares. */
export function newDeployment(): string {
  return `test-${crypto.randomUUID()}`
}
