import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type Lockfile, missingPlatformPackages } from '../../dev/lock-check.ts'

const lock = (): Lockfile => JSON.parse(readFileSync('package-lock.json', 'utf8'))

it('this project’s lockfile holds every platform’s packages', () => {
  const { packages } = lock()
  for (const name of [
    '@cloudflare/workerd-linux-64',
    '@cloudflare/workerd-darwin-arm64',
    '@cloudflare/workerd-windows-64',
  ]) {
    expect(packages).toHaveProperty([`node_modules/${name}`])
  }
  expect(missingPlatformPackages({ packages })).toEqual([])
})

it('a package left out, or of another version, is named', () => {
  const { packages } = lock()
  const without = Object.fromEntries(
    Object.entries(packages).filter(([path]) => path !== 'node_modules/@cloudflare/workerd-darwin-arm64'),
  )
  expect(missingPlatformPackages({ packages: without })).toEqual([
    expect.stringMatching(/^@cloudflare\/workerd-darwin-arm64@1\.\d+\.\d+, for workerd@1\./),
  ])
  const other = { ...packages, 'node_modules/@cloudflare/workerd-darwin-arm64': { version: '1.0.0' } }
  expect(missingPlatformPackages({ packages: other })).toHaveLength(1)
})

it('a range is met by any version, and a nested copy counts', () => {
  const packages = {
    '': { optionalDependencies: { a: '^1.0.0', b: '2.0.0', c: '~3.0.0' } },
    'node_modules/a': { version: '1.9.0' },
    'node_modules/x/node_modules/b': { version: '2.0.0' },
  }
  expect(missingPlatformPackages({ packages })).toEqual(['c@~3.0.0, for this project@?'])
})
