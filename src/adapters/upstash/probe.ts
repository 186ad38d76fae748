import type { Redis } from '@upstash/redis'
import type { Probes } from '../../ports.ts'
import { withoutCommand } from './redis.ts'

export function upstashProbe(redis: Redis): Probes['redis'] {
  return async () => {
    const answer = await withoutCommand(() => redis.ping())
    if (answer !== 'PONG') throw new Error('Redis answered nonsense to PING')
  }
}
