/** Fewer different characters than this beside a known word do not make it another password. */
const weightOfDecoration = 4
/** Digits beside a known word up to a date (`19850712`) are guessed with it. */
export const digitsOfDate = 8

/** What is left of a password when everything is taken away that guessing programs vary first. */
export interface Skeleton {
  /** Letters and digits: lower case, without diacritics and compatibility forms. */
  body: string
  /** The different characters that are neither. */
  symbols: ReadonlySet<string>
}

/** Lower case, compatibility forms and diacritics resolved: `Ｐässwörd` is `password`. */
export function fold(text: string): string {
  return text.toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '')
}

export function readSkeleton(text: string): Skeleton {
  const folded = fold(text)
  return {
    body: folded.replace(/[^\p{L}\p{N}]/gu, ''),
    symbols: new Set(folded.replace(/[\p{L}\p{N}]/gu, '')),
  }
}

/** True when what stands beside a known word (`rest`, and symbols) adds next to nothing: a date, a few characters, one repeated. */
export function isDecoration(rest: string, symbols: ReadonlySet<string>): boolean {
  const others = rest.replace(/\p{Nd}/gu, '')
  const digits = [...rest].length - [...others].length
  return digits <= digitsOfDate && new Set([...others, ...symbols]).size < weightOfDecoration
}
