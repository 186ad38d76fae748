import type { Redis } from '@upstash/redis'
import { upstashRateLimiter } from '../../../src/adapters/upstash/rate-limiter.ts'
import { upstashRevocationSet } from '../../../src/adapters/upstash/revocation-set.ts'
import { rateLimiterContract } from '../../contracts/rate-limiter.ts'
import { revocationSetContract } from '../../contracts/revocation-set.ts'
import { newDeployment, openRedis } from '../../support/adapters.ts'

const redis = openRedis()
/** A client all of whose commands fail. */
const refuse = () => Promise.reject(new Error('away'))
const away = { eval: refuse, evalsha: refuse } as unknown as Redis

revocationSetContract('Upstash', () => {
  const deployment = newDeployment()
  const key = `postern:${deployment}:revoked`
  return {
    set: upstashRevocationSet(redis, deployment),
    scoreOf: (member) => redis.zscore(key, member),
    flush: async () => {
      await redis.del(key)
    },
  }
})

rateLimiterContract('of Upstash', (limits) => upstashRateLimiter(redis, newDeployment(), limits, Date.now, () => {}))
rateLimiterContract('of Upstash while Redis is away', (limits) =>
  upstashRateLimiter(away, newDeployment(), limits, Date.now, () => {}),
)
