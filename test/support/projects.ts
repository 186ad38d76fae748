import { cloudflareTest } from '@cloudflare/vitest-plugin'
import type { TestProjectConfiguration } from 'vitest/config'
import { settingNames } from '../../dev/setting-names.ts'

/** Test files that need Node: the stack itself, the built Worker from outside, the file system. All others run inside workerd. */
const inNode = ['test/dev/**', 'test/e2e/**', 'test/architecture', 'test/**/*.node']

/**
 * The two projects of a suite. `worker` runs the tests inside workerd, all files in one isolate (an isolate a file costs a second each),
 * with wrangler.toml's settings and the bindings below; `node` runs them in Node. `*.long.test.ts` belong to the long suite only.
 */
export function testProjects(suite: 'fast' | 'long'): TestProjectConfiguration[] {
  const suffix = suite === 'long' ? '.long.test.ts' : '.test.ts'
  const nodeFiles = inNode.map((path) => (path.endsWith('**') ? `${path}/*${suffix}` : `${path}${suffix}`))
  const exclude = suite === 'long' ? [] : ['test/**/*.long.test.ts']
  const time =
    suite === 'long' ? { testTimeout: 300_000, hookTimeout: 120_000 } : { testTimeout: 15_000, hookTimeout: 30_000 }
  return [
    {
      extends: true,
      plugins: [
        cloudflareTest(({ inject }) => ({
          wrangler: { configPath: './wrangler.toml' },
          miniflare: {
            bindings: workerBindings({
              DATABASE_URL: inject('databaseUrl'),
              NEON_FETCH_ENDPOINT: inject('neonUrl'),
              UPSTASH_REDIS_REST_URL: inject('upstashUrl'),
              UPSTASH_REDIS_REST_TOKEN: inject('upstashToken'),
              MAIL_ENDPOINT: `${inject('mailboxUrl')}/emails`,
              MAIL_API_KEY: inject('mailKey'),
              BREACH_ENDPOINT: `${inject('breachUrl')}/range/`,
            }),
          },
        })),
      ],
      test: {
        name: 'worker',
        isolate: false,
        // Two isolates at once are quicker, since most of the time is waiting, and on a starved machine they can make an embedded back end
        // late for the time-outs of production: CI takes its time, and no race of the long suite shares the machine with another.
        maxWorkers: suite === 'fast' && !process.env.CI ? 2 : 1,
        sequence: { groupOrder: 0 },
        include: [`test/**/*${suffix}`],
        exclude: [...nodeFiles, ...exclude],
        ...time,
      },
    },
    {
      extends: true,
      test: {
        name: 'node',
        environment: 'node',
        // Built Workers and stacks of their own, with the time-outs of production: each alone, after the others.
        maxWorkers: 1,
        sequence: { groupOrder: 1 },
        include: nodeFiles,
        exclude,
        ...time,
      },
    },
  ]
}

/** Every setting is set here, if only to nothing, so that a developer's .dev.vars brings in none: bindings win over that file. */
function workerBindings(backends: Record<string, string>): Record<string, string> {
  return {
    ...Object.fromEntries(settingNames.map((name) => [name, ''])),
    ENVIRONMENT: 'development',
    ISSUER: 'https://auth.test',
    AUDIENCE: 'postern-test',
    APP_URL: 'https://app.test',
    ALLOWED_ORIGINS: 'https://app.test',
    KEY_ENCRYPTION_KEY: 'dGVzdC1rZXktb2YtMzItYnl0ZXMtZm9yLXBvc3Rlcm4=',
    TOKEN_SECRET: 'test-token-secret-of-more-than-32-bytes',
    METRICS_TOKEN: 'test-metrics-token-of-more-than-32-bytes',
    CRON_TOKEN: 'test-cron-token-of-more-than-32-bytes',
    MAIL_DRIVER: 'resend',
    MAIL_FROM: 'Postern <no-reply@auth.test>',
    RATE_LIMITS: '{"*":"off"}',
    ...backends,
  }
}
