import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { tableUnder } from './markdown.ts'

it('docs/audit.md lists every type of event, each once', async () => {
  const listed = tableUnder(await readFile('docs/audit.md', 'utf8'), '# Audit events').map(([type]) => type)
  const source = await readFile('src/domain/audit.ts', 'utf8')
  const [, union = ''] = /export type AuditType =((?:\s*\| '[a-z_.]+')+)/.exec(source) ?? []
  const types = [...union.matchAll(/'([a-z_.]+)'/g)].map(([, type]) => type)
  expect(types.length).toBeGreaterThan(0)
  expect(listed.sort()).toEqual(types.sort())
})
