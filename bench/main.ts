import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { comparePrimitives } from './primitives.ts'
import { startProgress } from './progress.ts'
import { backEnds } from './service.ts'
import { compareServing } from './serving.ts'

// `npm run bench [-- --rounds N]`: measurements side by side in one run. Ratios are to be believed, times belong to this machine. What it printed
// once, and how to read it: docs/performance.md.

// Miniflare would ask the internet who we are, and wrangler keep a log of every run.
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'
process.env.WRANGLER_WRITE_LOGS = 'false'
process.env.WRANGLER_SEND_METRICS = 'false'

const usage = 'npm run bench [-- --rounds N]   (1 to 50, or 3. TEST_DATABASE_URL and TEST_REDIS_URL name real servers.)'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } })
const rounds = Number(values.rounds)
if (Number.isInteger(rounds) && rounds >= 1 && rounds <= 50) {
  const progress = startProgress()
  const primitives = await comparePrimitives(rounds, progress)
  const serving = await compareServing(rounds, progress)
  progress('done\n')
  const machine = `${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, ${backEnds}`
  console.log(`\n${machine}; medians of ${rounds} interleaved rounds\n\n${primitives}\n\n${serving}`)
  // Wrangler keeps handles open.
  process.exit()
} else {
  console.error(usage)
  process.exitCode = 2
}
