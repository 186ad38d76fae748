import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Step {
  /** Where it stands in the document, from 1. */
  line: number
  command: string
  /** What it must print; `…` stands for anything, a line of it alone for any lines. */
  expected: string
}

/** The steps of every fenced `console` block: `$ ` begins a command, `> ` goes on with it, all else is what it prints. */
export function readSteps(markdown: string): Step[] {
  const steps: Step[] = []
  let step: Step | null = null
  let inside = false
  for (const [at, line] of markdown.split('\n').entries()) {
    if (line.startsWith('```')) {
      inside = line === '```console'
      step = null
    } else if (inside && line.startsWith('$ ')) {
      step = { line: at + 1, command: line.slice(2), expected: '' }
      steps.push(step)
    } else if (inside && line.startsWith('> ') && step?.expected === '') step.command += `\n${line.slice(2)}`
    else if (inside && step !== null) step.expected += `${line}\n`
    else if (inside) throw new Error(`line ${at + 1}: a console block begins with a command`)
  }
  return steps
}

/** Whether a command printed what it should; white space at the ends does not count. */
export function matches(expected: string, printed: string): boolean {
  const pattern = expected.trim().split('…').map(escapePattern).join('[\\s\\S]*')
  return new RegExp(`^${pattern}$`).test(printed.trim())
}

/**
 * Runs the steps one after the other in one bash, as somebody does who pastes them.
 * @returns the first step that failed, with what it printed, or `null`
 */
export async function runSteps(
  steps: readonly Step[],
  { env, timeoutMs, onStep }: { env: NodeJS.ProcessEnv; timeoutMs: number; onStep: (step: Step) => void },
): Promise<{ step: Step; printed: string; why: string } | null> {
  const bash = spawn('bash', ['--noprofile', '--norc'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<'ended'>((resolve) => bash.once('exit', () => resolve('ended')))
  let output = ''
  bash.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  bash.stdin.on('error', () => {}) // A shell that is gone is told by `ended`.
  try {
    for (const step of steps) {
      onStep(step)
      output = ''
      const mark = randomUUID()
      const done = new RegExp(`\\n${mark} (\\d+)\\n`)
      bash.stdin.write(`eval ${quote(step.command)} 2>&1 </dev/null; printf '\\n${mark} %d\\n' $?\n`)
      const giveUpAt = performance.now() + timeoutMs
      let status: string | undefined
      while (status === undefined && performance.now() < giveUpAt) {
        if ((await Promise.race([sleep(20), ended])) === 'ended')
          return { step, printed: output, why: 'ended the shell' }
        status = done.exec(output)?.[1]
      }
      const printed = output.replace(done, '')
      if (status === undefined) return { step, printed, why: `was not done after ${timeoutMs / 1_000} s` }
      if (status !== '0') return { step, printed, why: `failed with exit code ${status}` }
      if (!matches(step.expected, printed)) return { step, printed, why: 'printed something else' }
    }
    return null
  } finally {
    bash.kill('SIGKILL')
  }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** What was expected and what came, the lines that differ marked. */
export function describeDifference(expected: string, printed: string): string {
  const wanted = expected.trimEnd().split('\n')
  const got = printed.trim().split('\n')
  const missing = wanted.filter((line) => !got.some((each) => matches(line, each))).map((line) => `- ${line}`)
  return `${missing.join('\n')}\n${got.map((line) => `+ ${line}`).join('\n')}`
}

if (import.meta.main) {
  const [file, base] = process.argv.slice(2)
  if (file === undefined) throw new Error('npx node dev/tour.ts README.md [BASE_URL], while `npm run dev` runs')
  const described: { url: string } = JSON.parse(await readFile('.data/dev.json', 'utf8'))
  const url = base ?? described.url
  if (url !== described.url) throw new Error(`.data/dev.json speaks of ${described.url}, not of ${url}`)
  const steps = readSteps(await readFile(file, 'utf8'))
  const failure = await runSteps(steps, {
    env: process.env,
    timeoutMs: 60_000,
    onStep: ({ line, command }) => console.log(`${file}:${line}  $ ${command.split('\n')[0]}`),
  })
  if (failure !== null) {
    console.error(`\n${file}:${failure.step.line}  the command ${failure.why} (- expected, + printed):`)
    console.error(describeDifference(failure.step.expected, failure.printed))
    process.exitCode = 1
  } else if (steps.length === 0) {
    console.error(`${file} holds no console block: nothing was run.`)
    process.exitCode = 1
  } else console.log(`${steps.length} commands of ${file} do what it says.`)
}
