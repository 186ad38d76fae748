import { isDecoration, readSkeleton } from './skeleton.ts'

/** Initials and articles tell nothing. */
const shortestWord = 2

/**
 * True when the password consists of nothing but these words and their parts, in any order and number, whatever their case and
 * diacritics, with separators or a date between them. A passphrase that merely contains one is another password.
 */
export function isMadeOf(words: readonly string[], password: string): boolean {
  const pieces = [...new Set(words.flatMap(toPieces))].sort((one, other) => other.length - one.length)
  if (pieces.length === 0) return false
  const { body, symbols } = readSkeleton(password)
  const rest = body.replace(new RegExp(pieces.join('|'), 'gu'), '')
  return rest !== body && isDecoration(rest, symbols)
}

/** `ada.lovelace` as a whole and as `ada` and `lovelace`. Letters and digits only: nothing in them is special to a pattern. */
function toPieces(word: string): string[] {
  return [word, ...word.split(/[^\p{L}\p{M}\p{N}]+/u)]
    .map((part) => readSkeleton(part).body)
    .filter((piece) => [...piece].length >= shortestWord)
}
