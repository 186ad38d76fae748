import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Makes src/domain/password-policy/common-passwords.ts, by hand and seldom:
 *   npm pack @zxcvbn-ts/language-common && tar xzf zxcvbn-ts-language-common-*.tgz
 *   npx node dev/common-passwords.ts package/src/passwords.json
 * The source is a JSON array, the commonest password first, beside its package's package.json and LICENSE.txt.
 */
const wanted = 10_000
const shortest = 8
const longestLine = 500
const target = join(import.meta.dirname, '../src/domain/password-policy/common-passwords.ts')

const [source] = process.argv.slice(2)
if (source === undefined) throw new Error('Name the list: npx node dev/common-passwords.ts package/src/passwords.json')

const bytes = await readFile(source)
const list: unknown = JSON.parse(bytes.toString('utf8'))
if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string'))
  throw new Error(`${source} is not a JSON array of strings`)
const commonest = [...new Set(list.map((entry) => entry.normalize('NFC').toLowerCase()))]
  .filter((entry) => [...entry].length >= shortest)
  .slice(0, wanted)
if (commonest.length < wanted)
  throw new Error(`${source} has ${commonest.length} passwords of ${shortest} code points, not ${wanted}`)
const foreign = commonest.find((entry) => !/^[\x20-\x7e]+$/.test(entry) || /[A-Z`\\$]/.test(entry))
if (foreign !== undefined) throw new Error(`the encoding has no room for ${JSON.stringify(foreign)}`)

const packageFolder = join(dirname(source), '..')
const { name, version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'))
const license = await readFile(join(packageFolder, 'LICENSE.txt'), 'utf8')

const header = [
  `The ${wanted.toLocaleString('en')} commonest passwords of at least ${shortest} code points, in lower case, sorted and front-coded (see common.ts).`,
  `Source: src/passwords.json of ${name} ${version} on npm (SHA-256 ${createHash('sha256').update(bytes).digest('hex')}).`,
  'Made by dev/common-passwords.ts; its licence (MIT):',
  '',
  ...license.trim().split('\n'),
]
const comment = header.map((text) => ` * ${text}`.trimEnd()).join('\n')
await writeFile(target, `/*\n${comment}\n */\nexport const commonPasswords = \`\n${encode(commonest.sort())}\`\n`)
console.log(`${target}: ${commonest.length} passwords`)

/** Front coding in lines of bounded length, each beginning anew; the inverse of `decodeLine` in common.ts. */
function encode(sorted: readonly string[]): string {
  let lines = ''
  let line = ''
  let last = ''
  for (const entry of sorted) {
    if (line.length + entry.length >= longestLine) {
      lines += `${line}\n`
      line = ''
      last = ''
    }
    let shared = 0
    while (shared < 25 && shared < last.length && entry[shared] === last[shared]) shared++
    line += String.fromCharCode(65 + shared) + entry.slice(shared)
    last = entry
  }
  return `${lines}${line}\n`
}
