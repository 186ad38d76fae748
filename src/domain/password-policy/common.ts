import { commonPasswords } from './common-passwords.ts'
import { digitsOfDate, fold, isDecoration, readSkeleton } from './skeleton.ts'

/** Lengths in the list. */
const shortestEntry = 8
const longestEntry = 20

const lines = commonPasswords.trim().split('\n')

/**
 * True for a password of the list, whatever its case and diacritics, and for the same written several times over, with separators,
 * or with a date behind it (`Password-2026`, `passwordpassword`): with a minimum of 15 code points hardly any stands alone.
 */
export function isCommon(password: string): boolean {
  if (isListedOrRepeats(fold(password))) return true
  const { body, symbols } = readSkeleton(password)
  if (!isDecoration('', symbols)) return false
  const [digits = ''] = /\d*$/.exec(body) ?? []
  for (let cut = 0; cut <= Math.min(digits.length, digitsOfDate); cut++) {
    if (isListedOrRepeats(body.slice(0, body.length - cut))) return true
  }
  return false
}

/** All entries, in order. */
export function listCommonPasswords(): string[] {
  return lines.flatMap(decodeLine)
}

/** Also true when the text is a listed password again and again, the last time perhaps in part. */
function isListedOrRepeats(text: string): boolean {
  if (isListed(text)) return true
  for (let length = shortestEntry; length <= longestEntry && length < text.length; length++) {
    if (text.startsWith(text.slice(length)) && isListed(text.slice(0, length))) return true
  }
  return false
}

/** Decodes the one line where the text would stand: nothing is built at start-up, and nothing is kept. */
function isListed(text: string): boolean {
  const line = lines.findLast((candidate) => text >= firstEntry(candidate))
  return line !== undefined && decodeLine(line).includes(text)
}

function firstEntry(line: string): string {
  return line.slice(1, line.slice(1).search(/[A-Z]/) + 1)
}

/**
 * Front coding of a sorted list: a capital letter says how many characters are taken from the entry before (`A` none, `B` one …),
 * the rest follows. Entries hold no capitals. Each line begins anew, so that it can be read alone.
 */
function decodeLine(line: string): string[] {
  let last = ''
  return Array.from(line.matchAll(/([A-Z])([^A-Z]*)/g), ([, shared = 'A', rest = '']) => {
    last = last.slice(0, shared.charCodeAt(0) - 65) + rest
    return last
  })
}
