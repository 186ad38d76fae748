import { posix } from 'node:path'

/** What one part of the house may import, beside itself. Paths start at the repository's root; a folder ends with a slash. */
interface Part {
  own: string
  inner: readonly string[]
  packages: readonly string[]
  /** Modules of the platform; `node:crypto` goes everywhere. */
  platform?: readonly string[]
}

const domain = 'src/domain/'
const ports = 'src/ports.ts'
const services = 'src/services/'

/** The packages of each adapter, and what it needs of the platform; files and paths only where it also serves the command line. */
const adapters: Record<
  string,
  { packages: readonly string[]; platform?: readonly string[]; inner?: readonly string[] }
> = {
  argon2: { packages: ['@phi-ag/argon2'], platform: ['node:fs/promises', 'node:url'] },
  breach: { packages: [] },
  jose: { packages: ['jose'] },
  mail: { packages: [] },
  neon: {
    packages: ['@neondatabase/serverless', 'drizzle-orm'],
    platform: ['node:async_hooks', 'node:fs/promises', 'node:path'],
    inner: ['migrations/meta/_journal.json'],
  },
  noble: { packages: ['@noble/hashes'] },
  upstash: { packages: ['@upstash/redis', '@upstash/ratelimit'] },
}

/** Direction: http → services → ports → domain; adapters → ports and domain. The first part whose folder holds a file is its own. */
const parts: readonly Part[] = [
  { own: domain, inner: [], packages: [] },
  { own: ports, inner: [domain], packages: [] },
  { own: services, inner: [ports, domain], packages: [] },
  ...Object.entries(adapters).map(([name, { inner = [], ...outside }]) => ({
    own: `src/adapters/${name}/`,
    inner: [ports, domain, ...inner],
    ...outside,
  })),
  {
    own: 'src/http/',
    inner: [services, ports, domain],
    packages: ['hono', '@hono/zod-openapi', 'zod', 'bowser'],
  },
  { own: 'src/config.ts', inner: [domain], packages: [] },
  // The two that wire see everything of ours, and leave other people's packages to the adapters.
  ...['src/index.ts', 'src/admin.ts'].map((own) => ({
    own,
    inner: ['src/adapters/', 'src/http/', 'src/config.ts', services, ports, domain],
    packages: [],
    platform: ['node:util'],
  })),
]

const everywhere = ['node:crypto']
const longestFile = 250
/** A generated list is as long as its data, and all tables stand on one page. */
const asLongAsItMust = new Set(['src/domain/password-policy/common-passwords.ts', 'src/adapters/neon/schema.ts'])
const wordsThatSayNothing = /(?:^|[/-])(?:utils?|helpers?|managers?|misc|common-utils)(?=[./-])/
const untyped = /(?:[:<|&,=(]|\bas\b|\bextends\b)\s*any\b(?!\s*\()/

/**
 * Reads source files and tells every breach of the house rules, one line each: forbidden imports, files over 250 lines, `any`, names
 * that say nothing.
 * @param files content by path from the repository's root, such as `src/domain/user.ts`
 */
export function findBreaches(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([file, content]) => {
    const code = withoutComments(content)
    return [...breachesOfDirection(file, code), ...breachesOfForm(file, content, code)].map((why) => `${file}: ${why}`)
  })
}

function breachesOfDirection(file: string, code: string): string[] {
  const part = parts.find(({ own }) => isIn(own, file))
  if (part === undefined) return ['has no place in the house: give its folder a rule']
  return importsOf(code).flatMap((specifier) => {
    if (specifier === null) return ['imports what only runs will tell: write the name out']
    return mayImport(part, file, specifier) ? [] : [`must not import ${specifier}`]
  })
}

function mayImport({ own, inner, packages, platform = [] }: Part, file: string, specifier: string): boolean {
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(file), specifier)
    return [own, ...inner].some((allowed) => isIn(allowed, target))
  }
  if (specifier.startsWith('node:')) return [...everywhere, ...platform].includes(specifier)
  return packages.some((name) => specifier === name || specifier.startsWith(`${name}/`))
}

function isIn(place: string, file: string): boolean {
  return place.endsWith('/') ? file.startsWith(place) : file === place
}

/** Every module that the code names, statically or not, for values or for types; `null` for one that is not written out. */
function importsOf(code: string): (string | null)[] {
  const statements = /^\s*(?:import|export)\b(?:[^'"`;()]*?\bfrom)?\s*['"]([^'"]+)['"]/gm
  const calls = /\b(?:import|require|import\.meta\.resolve)\s*\(\s*(?:['"]([^'"]+)['"]\s*[,)])?/g
  return [statements, calls].flatMap((pattern) => [...code.matchAll(pattern)].map(([, specifier]) => specifier ?? null))
}

function breachesOfForm(file: string, content: string, code: string): string[] {
  const breaches: string[] = []
  const lines = content.trimEnd().split('\n').length
  if (lines > longestFile && !asLongAsItMust.has(file)) breaches.push(`has ${lines} lines, more than ${longestFile}`)
  if (untyped.test(code)) breaches.push('uses the type any')
  if (wordsThatSayNothing.test(file)) breaches.push('has a name that says nothing')
  if (!/^[a-z0-9./-]+$/.test(file)) breaches.push('is not named in kebab-case')
  return breaches
}

/** Strings stay as they are, so that a `//` in an address begins no comment. */
function withoutComments(content: string): string {
  const token = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g
  return content.replace(token, (found) => (found.startsWith('/*') || found.startsWith('//') ? '' : found))
}
