import { existsSync } from 'node:fs'
import { glob, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md']
for await (const file of glob('docs/**/*.md')) documents.push(file)

it.each(documents)('%s links to files that exist', async (file) => {
  const text = await readFile(file, 'utf8')
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  const files = links.filter((target) => !/^(?:https?:|#)/.test(target)).map((target) => target.replace(/#.*$/, ''))
  expect(files.filter((target) => !existsSync(join(dirname(file), target)))).toEqual([])
  const paths = [...text.matchAll(/`((?:src|dev|bench|test|docs|migrations)\/[\w./-]+)`/g)].map(([, path = '']) => path)
  expect(paths.filter((path) => !existsSync(path))).toEqual([])
})

it('comments that point into docs/ point at pages that exist', async () => {
  const pointers = new Set<string>()
  for (const pattern of ['src/**/*.ts', 'dev/**/*.ts', 'migrations/*.sql', 'wrangler.toml']) {
    for await (const file of glob(pattern)) {
      for (const [page] of (await readFile(file, 'utf8')).matchAll(/\bdocs\/[\w/-]+\.md\b/g)) pointers.add(page)
    }
  }
  expect(pointers).toContain('docs/storage.md')
  expect([...pointers].filter((page) => !existsSync(page))).toEqual([])
})
