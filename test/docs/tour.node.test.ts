import { describe, expect, it } from 'vitest'
import { describeDifference, matches, readSteps, runSteps, type Step } from '../../dev/tour.ts'

const run = (steps: Step[], timeoutMs = 10_000) => runSteps(steps, { env: process.env, timeoutMs, onStep: () => {} })
const step = (command: string, expected = ''): Step => ({ line: 1, command, expected })

describe('reading a tour', () => {
  it('takes commands, the lines that go on with them, and what they print, from console blocks alone', () => {
    const markdown = [
      '```sh',
      '$ not a step',
      '```',
      'text',
      '```console',
      '$ echo one',
      'one',
      '',
      'two',
      '$ echo \\',
      '> three',
      '```',
      '$ nor this',
    ].join('\n')
    expect(readSteps(markdown)).toEqual([
      { line: 6, command: 'echo one', expected: 'one\n\ntwo\n' },
      { line: 10, command: 'echo \\\nthree', expected: '' },
    ])
  })

  it('refuses a block that begins with output', () => {
    expect(() => readSteps('```console\nno command\n```')).toThrow('line 2')
  })
})

describe('comparing what was printed', () => {
  it.each([
    ['same\n', 'same', true],
    ['{"a":"…"}', '{"a":"b.c"}', true],
    ['first\n…\nlast', 'first\n1\n2\nlast\n', true],
    ['…', 'anything', true],
    ['a.c', 'abc', false],
    ['{"a":"…"}', '{"a":"b"} and more', false],
    ['', 'something', false],
    ['something', '', false],
  ])('%j against %j: %s', (expected, printed, same) => {
    expect(matches(expected, printed)).toBe(same)
  })

  it('shows the lines that are missing and all that came', () => {
    expect(describeDifference('same\nid …\nlost\n', 'same\nid 1\nnew\n')).toBe('- lost\n+ same\n+ id 1\n+ new')
  })
})

describe('running a tour', () => {
  it('keeps variables and functions from one command to the next', async () => {
    const steps = [
      step('NAME="it' + "'" + 's me"'),
      step('greet() {\n echo "hello $1"\n}'),
      step('greet "$NAME"', "hello it's me"),
    ]
    expect(await run(steps)).toBeNull()
  })

  it('stops at the first command that prints something else', async () => {
    const wrong = step('echo two', 'three')
    expect(await run([step('echo one', 'one'), wrong, step('exit 9')])).toMatchObject({
      step: wrong,
      printed: expect.stringContaining('two'),
      why: 'printed something else',
    })
  })

  it.each([
    ['a command that fails', 'echo why >&2; false', 'failed with exit code 1'],
    ['a command that ends the shell', 'exit 3', 'ended the shell'],
  ])('stops at %s', async (_, command, why) => {
    expect(await run([step(command, '…')])).toMatchObject({ why })
  })

  it('stops at a command that does not end', async () => {
    expect(await run([step('sleep 60')], 300)).toMatchObject({ why: 'was not done after 0.3 s' })
  })
})
