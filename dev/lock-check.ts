import { readFileSync } from 'node:fs'

/** The part of package-lock.json (version 3) that is read here. */
export interface Lockfile {
  packages: Readonly<Record<string, { version?: string; optionalDependencies?: Readonly<Record<string, string>> }>>
}

/**
 * The optional platform packages (binaries for Linux, macOS, Windows …) that packages ask for and the lockfile does not hold, as
 * `name@wanted, for package@version`. npm leaves out what the registry lacks at the time, and `npm ci` then fails on the platforms concerned.
 */
export function missingPlatformPackages({ packages }: Lockfile): string[] {
  const held = new Map<string, Set<string>>()
  for (const [path, { version }] of Object.entries(packages)) {
    const name = nameOf(path)
    if (name === null || version === undefined) continue
    held.set(name, (held.get(name) ?? new Set()).add(version))
  }

  const missing: string[] = []
  for (const [path, { version, optionalDependencies = {} }] of Object.entries(packages)) {
    for (const [name, wanted] of Object.entries(optionalDependencies)) {
      const versions = held.get(name)
      // A range may be met by any version: npm checks that itself. Binaries are pinned.
      const exact = /^\d+\.\d+\.\d+/.test(wanted)
      if (versions === undefined || (exact && !versions.has(wanted))) {
        missing.push(`${name}@${wanted}, for ${nameOf(path) ?? 'this project'}@${version ?? '?'}`)
      }
    }
  }
  return missing.sort()
}

function nameOf(path: string): string | null {
  const [, ...names] = path.split(/(?:^|\/)node_modules\//)
  return names.at(-1) ?? null
}

if (import.meta.main) {
  const file = process.argv[2] ?? 'package-lock.json'
  const missing = missingPlatformPackages(JSON.parse(readFileSync(file, 'utf8')) as Lockfile)
  for (const line of missing) console.error(`missing from ${file}: ${line}`)
  if (missing.length > 0) process.exitCode = 1
  else console.log(`${file} holds every optional platform package.`)
}
