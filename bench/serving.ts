import { closedLoop } from './closed-loop.ts'
import type { Scenario } from './exchange.ts'
import { openLoop } from './open-loop.ts'
import type { Progress } from './progress.ts'
import { prepareScenarios } from './scenarios.ts'
import { startService } from './service.ts'
import { median, quantile } from './statistics.ts'
import { formatNumber, formatRatio, formatTable } from './table.ts'

const openSeconds = 2
const closedSeconds = 1
/** More than a gentle rate has under way, and twice the closed loop's connections. */
const inFlight = 20

interface Round {
  p50: number
  p99: number
  perSecond: number
}

/** Loads the built Worker with each scenario in turn, round by round, and gives a table of medians over the rounds. */
export async function compareServing(rounds: number, progress: Progress): Promise<string> {
  progress('starting the Worker and its back ends')
  const service = await startService()
  try {
    const scenarios = await prepareScenarios(service)
    const measured = new Map<Scenario, Round[]>(scenarios.map((scenario) => [scenario, []]))
    for (let round = 0; round <= rounds; round++) {
      for (const [scenario, results] of measured) {
        progress(`serving, round ${round} of ${rounds}: ${scenario.name}`)
        const result = await measure(service.url, scenario)
        // Round 0 warms up.
        if (round > 0) results.push(result)
      }
    }
    const summaries = scenarios.map((scenario) => summarise(scenario, measured.get(scenario) ?? []))
    const [baseline] = summaries
    return formatTable(
      ['request', 'at req/s', 'p50 ms', 'p99 ms', 'p50 against healthz', 'most req/s', 'against healthz'],
      summaries.map(({ scenario, p50, p99, perSecond }) => [
        scenario.name,
        String(scenario.rate),
        formatNumber(p50),
        formatNumber(p99),
        formatRatio(p50, baseline?.p50 ?? Number.NaN),
        formatNumber(perSecond),
        formatRatio(perSecond, baseline?.perSecond ?? Number.NaN),
      ]),
    )
  } finally {
    await service.stop()
  }
}

async function measure(url: URL, { rate, connections, begin }: Scenario): Promise<Round> {
  const crowd = await begin(inFlight)
  const latencies = await openLoop(url, crowd, { rate, seconds: openSeconds })
  const perSecond = await closedLoop(url, crowd, { connections, seconds: closedSeconds })
  return { p50: median(latencies), p99: quantile(latencies, 0.99), perSecond }
}

function summarise(scenario: Scenario, rounds: readonly Round[]) {
  return {
    scenario,
    p50: median(rounds.map(({ p50 }) => p50)),
    p99: median(rounds.map(({ p99 }) => p99)),
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
  }
}
