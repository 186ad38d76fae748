import { fileURLToPath } from 'node:url'
import { createTestHarness } from 'wrangler'
import type { Progress } from './progress.ts'
import { median, quantile } from './statistics.ts'
import { formatNumber, formatRatio, formatTable } from './table.ts'

/** Path in primitives-worker.ts → what it is. The first of each table is what Postern uses. */
const tables = {
  'password hash': {
    'argon2id-wasm': 'argon2id 19 MiB, t 2, p 1: WebAssembly (ours)',
    'argon2id-noble': 'argon2id 19 MiB, t 2, p 1: @noble/hashes',
    scrypt: 'scrypt N 2^14, r 8, p 5: node:crypto',
    bcryptjs: 'bcrypt cost 12: bcryptjs',
  },
  signature: {
    'rs256/sign': 'RS256 sign, 2048 bits (ours)',
    'rs256/verify': 'RS256 verify, 2048 bits (ours)',
    'rs256-3072/sign': 'RS256 sign, 3072 bits',
    'rs256-3072/verify': 'RS256 verify, 3072 bits',
    'es256/sign': 'ES256 sign',
    'es256/verify': 'ES256 verify',
  },
}

/** Does each operation in turn inside workerd, round by round, and gives tables of medians. */
export async function comparePrimitives(rounds: number, progress: Progress): Promise<string> {
  const server = createTestHarness({
    workers: [
      {
        config: {
          name: 'primitives',
          main: fileURLToPath(import.meta.resolve('./primitives-worker.ts')),
          compatibility_date: '2026-10-23',
          compatibility_flags: ['nodejs_compat'],
          rules: [{ type: 'CompiledWasm', globs: ['**/*.wasm'], fallthrough: true }],
        },
      },
    ],
  })
  try {
    const { url } = await server.listen()
    const samples = new Map<string, number[]>()
    const operations = Object.values(tables).flatMap((table) => Object.keys(table))
    // Round 0 warms up: the compiler, the keys, and the memory that WebAssembly grows once.
    for (let round = 0; round <= rounds; round++) {
      progress(`cryptography, round ${round} of ${rounds}`)
      for (const operation of operations) {
        const took = await run(url, operation)
        if (round > 0) samples.set(operation, [...(samples.get(operation) ?? []), took])
      }
    }
    return Object.entries(tables)
      .map(([title, table]) => describe(title, table, samples))
      .join('\n\n')
  } finally {
    await server.close()
  }
}

/** Milliseconds for one. */
async function run(url: URL, operation: string): Promise<number> {
  const response = await fetch(new URL(operation, url))
  const took = Number(await response.text())
  if (response.status !== 200 || !Number.isFinite(took)) throw new Error(`${operation} answered ${response.status}`)
  return took
}

function describe(title: string, names: Readonly<Record<string, string>>, samples: ReadonlyMap<string, number[]>) {
  const of = (operation: string) => samples.get(operation) ?? []
  const ours = median(of(Object.keys(names)[0] ?? ''))
  return formatTable(
    [`${title}, in workerd`, 'median ms', 'slowest ms', 'against the first'],
    Object.entries(names).map(([operation, name]) => {
      const middle = median(of(operation))
      return [name, formatNumber(middle), formatNumber(quantile(of(operation), 1)), formatRatio(middle, ours)]
    }),
  )
}
