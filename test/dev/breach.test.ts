import { createHash } from 'node:crypto'
import { expect, inject, it } from 'vitest'
import { breachedPassphrases } from '../../dev/breached-passphrases.ts'

const range = (prefix: string, headers: Record<string, string> = {}) =>
  fetch(`${inject('breachUrl')}/range/${prefix}`, { headers })
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex').toUpperCase()

it.each(breachedPassphrases)('knows %j', async (passphrase) => {
  expect(passphrase.length).toBeGreaterThanOrEqual(15)
  const hash = sha1(passphrase)
  for (const prefix of [hash.slice(0, 5), hash.slice(0, 5).toLowerCase()]) {
    expect((await (await range(prefix)).text()).split('\r\n')).toContain(`${hash.slice(5)}:4711`)
  }
})

it('knows no others', async () => {
  const hash = sha1('an unheard-of passphrase of mine')
  expect(await (await range(hash.slice(0, 5))).text()).not.toContain(hash.slice(5))
})

it('pads with suffixes of count 0, so that the length tells nothing', async () => {
  const hash = sha1(breachedPassphrases[0])
  const lines = (await (await range(hash.slice(0, 5), { 'add-padding': 'true' })).text()).split('\r\n')
  expect(lines.length).toBeGreaterThanOrEqual(800)
  expect(lines.length).toBeLessThanOrEqual(1_000)
  for (const line of lines) expect(line).toMatch(/^[0-9A-F]{35}:\d+$/)
  expect(lines.filter((line) => !line.endsWith(':0'))).toEqual([`${hash.slice(5)}:4711`])
})

it.each(['ABCD', 'ABCDEF', 'GHIJK', '', 'ABCDE/x'])('refuses the prefix %j', async (prefix) => {
  expect((await range(prefix)).status).toBe(400)
})
