import { describe, expect, it } from 'vitest'
import { isCommon, listCommonPasswords } from '../../src/domain/password-policy/common.ts'
import { judgePassword, type PasswordFlaw, readPassword } from '../../src/domain/password-policy.ts'

const ownWords = ['Postern', 'ada.lovelace', 'example.com', 'Ada Lovelace']
const judge = (raw: string, minLength?: number) =>
  judgePassword(readPassword(raw), minLength === undefined ? { ownWords } : { ownWords, minLength })

const accepted: [string, string][] = [
  ['a passphrase', 'correct horse battery staple'],
  ['15 code points', 'xkvq wzpj bfgh!'],
  ['15 emoji', '🐎🔋📎✅🐌🦊🐢🦉🐝🦀🐙🦑🐬🦈🐳'],
  ['one letter, 64 times', 'x'.repeat(64)],
  ['128 code points', 'x'.repeat(128)],
  ['128 emoji, 512 bytes', '🐎'.repeat(128)],
  ['spaces at both ends', '  a quiet afternoon  '],
  ['nothing but spaces', ' '.repeat(15)],
  ['a NUL', 'before\u0000after the NUL'],
  ['control characters', 'tab\tline\nbell\u0007escape\u001b'],
  ['digits alone', '318275940627151'],
  ['no Latin letter', 'Москва слезам не верит'],
  ['no spaces in its script', '吾輩は猫である名前はまだ無いそうだ'],
  ['Arabic with marks', 'السَّلامُ عَلَيْكُمْ جميعا'],
  ['a passphrase with the product in it', 'postern is a small gate'],
  ['a passphrase with a common password in it', 'my password is a poem'],
  ['a passphrase with the own name in it', 'ada met a purple giraffe'],
  ['an own word and many symbols', 'ada!#%&/()=?*+-_^'],
  ['an own word and a number longer than a date', 'lovelace 318275940'],
]

const refused: [string, string, PasswordFlaw['reason']][] = [
  ['empty', '', 'too_short'],
  ['14 code points', 'xkvq wzpj bfgh', 'too_short'],
  ['14 emoji, 28 UTF-16 units', '🐎'.repeat(14), 'too_short'],
  ['15 that NFC makes 14', 'xkvq wzpj bfge\u0301', 'too_short'],
  ['129 code points', 'x'.repeat(129), 'too_long'],
  ['half a surrogate pair', 'xkvq wzpj bfgh!\ud83d', 'not_text'],
  ['a common password twice', 'passwordpassword', 'common'],
  ['a common password twice, decorated', 'Password Password!', 'common'],
  ['a common password, the second time in part', '123456789012345', 'common'],
  ['a common password with a date', 'superman19850712', 'common'],
  ['a common password in full width', 'ｐａｓｓｗｏｒｄ１２３４５６７', 'common'],
  ['a common password that repeats itself, repeated', '1111111111111111', 'common'],
  ['a common password with diacritics', 'pässwörd-pässwörd', 'common'],
  ['a common password of 15', 'QWERTY123456789', 'common'],
  ['the product and a year', 'postern-postern-2026', 'own_words'],
  ['the address', 'ada.lovelace@example.com', 'own_words'],
  ['the name and a date', 'AdaLovelace1815-12-10', 'own_words'],
  ['the name, spread out', 'l-o-v-e-l-a-c-e a-d-a', 'own_words'],
  ['the name with diacritics', 'Àdá Lövelàce Àdá!!!', 'own_words'],
  ['the name in small capitals of another block', 'ＡＤＡ　ＬＯＶＥＬＡＣＥ　ＡＤＡ', 'own_words'],
  ['the product and the name', 'lovelace@postern', 'own_words'],
]

describe('a password that someone chooses', () => {
  it.each(accepted)('may be %s', (_, raw) => {
    expect(judge(raw)).toBe('ok')
  })

  it.each(refused)('may not be %s', (_, raw, reason) => {
    expect(judge(raw)).toMatchObject({ reason })
  })

  it('is counted in code points after NFC, against the length that is configured', () => {
    expect(judge('xkvqwzpj', 8)).toBe('ok')
    expect(judge('xkvqwzp', 8)).toEqual({ reason: 'too_short', minLength: 8 })
    expect(judge('x'.repeat(129))).toEqual({ reason: 'too_long', maxLength: 128 })
    expect(judge('e\u0301'.repeat(128))).toBe('ok')
  })

  it.each([7, 0, -1, 129, 15.5, Number.NaN])('cannot have a minimum length of %s', (minLength) => {
    expect(() => judge('correct horse battery staple', minLength)).toThrow(RangeError)
  })

  it('is not compared with words that are empty, symbols, or one letter', () => {
    const words = ['', ' ', '.', '🐎', 'x', '$^|', 'A B']
    expect(judgePassword(readPassword('x x x 🐎 a.b $^| .*'), { ownWords: words })).toBe('ok')
    expect(judgePassword(readPassword('correct horse battery staple'), { ownWords: [] })).toBe('ok')
  })

  it('is compared with names of other scripts', () => {
    const words = ['山田太郎', 'Иван Иванов']
    expect(judgePassword(readPassword('山田太郎山田太郎山田太郎2026'), { ownWords: words })).toEqual({
      reason: 'own_words',
    })
    expect(judgePassword(readPassword('иван-иванов-1985'), { ownWords: words })).toEqual({ reason: 'own_words' })
  })
})

describe('a password as it is hashed', () => {
  it('is the same however it was typed', () => {
    expect(readPassword('cafe\u0301 au lait')).toBe(readPassword('caf\u00e9 au lait'))
    expect(readPassword('\u1100\u1161')).toBe(readPassword('\uac00'))
  })

  it.each([' spaces stay ', 'a\u0000b', 'ＡＢＣ', 'ﬁ', 'Case'])('is neither trimmed nor folded: %j', (raw) => {
    expect(readPassword(raw)).toBe(raw)
  })

  it('is not cut', () => {
    const long = '🐎'.repeat(2_000)
    expect(readPassword(long)).toBe(long)
  })
})

describe('the list of common passwords', () => {
  const list = listCommonPasswords()

  it('holds 10,000 different passwords of at least 8 code points', () => {
    expect(new Set(list).size).toBe(10_000)
    expect(list.filter((entry) => entry.length < 8 || entry.length > 20)).toEqual([])
    expect(list.filter((entry, at) => at > 0 && entry <= (list[at - 1] ?? ''))).toEqual([])
    expect(list).toEqual(
      expect.arrayContaining(['password', '12345678', 'iloveyou', 'trustno1', 'qwertyuiop', 'p@ssw0rd', '%%passwo']),
    )
  })

  it('is refused entry by entry', () => {
    expect(list.filter((entry) => !isCommon(entry))).toEqual([])
  })

  it('is refused in capitals, repeated, and with a year', () => {
    const some = list.filter((entry, at) => at % 25 === 0 && /^[a-z0-9]+$/.test(entry))
    expect(some.length).toBeGreaterThan(390)
    expect(some.filter((entry) => !isCommon(entry.toUpperCase()))).toEqual([])
    expect(some.filter((entry) => !isCommon(entry + entry))).toEqual([])
    expect(some.filter((entry) => !isCommon(`${entry} 2026`))).toEqual([])
  })

  it('refuses nothing else: no entry with a letter in front', () => {
    const known = new Set(list)
    const others = list.filter((_, at) => at % 10 === 0).map((entry) => `ø${entry}`)
    expect(others.filter((entry) => known.has(entry) || isCommon(entry))).toEqual([])
    expect(['', 'a', 'zzzzzzzzzzzzzzz', '\u0000', '~~~~~~~~'].filter(isCommon)).toEqual([])
  })
})
