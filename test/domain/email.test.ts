import { describe, expect, it } from 'vitest'
import { deliverableForm, type EmailAddress, parseEmail } from '../../src/domain/email.ts'

const longLocal = 'a'.repeat(64)
/** 254 characters in all, which is the most that SMTP carries. */
const longest = `${longLocal}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(57)}.com`

describe('an e-mail address', () => {
  it.each([
    ['as it is', 'ada@example.com', 'ada@example.com', 'ada@example.com'],
    ['with white space around', '  ada@example.com\n', 'ada@example.com', 'ada@example.com'],
    ['in capitals', 'Ada.Lovelace@Example.COM', 'Ada.Lovelace@Example.COM', 'ada.lovelace@example.com'],
    ['with a tag', 'ada+postern@example.com', 'ada+postern@example.com', 'ada+postern@example.com'],
    [
      'with every special letter',
      "!#$%&'*+/=?^_`{|}~-@example.com",
      "!#$%&'*+/=?^_`{|}~-@example.com",
      "!#$%&'*+/=?^_`{|}~-@example.com",
    ],
    ['with an IDN', 'ada@bücher.example', 'ada@bücher.example', 'ada@xn--bcher-kva.example'],
    ['with an IDN in ASCII', 'ada@xn--bcher-kva.example', 'ada@xn--bcher-kva.example', 'ada@xn--bcher-kva.example'],
    ['with an IDN in capitals', 'ada@BÜCHER.example', 'ada@BÜCHER.example', 'ada@xn--bcher-kva.example'],
    ['with a full-width domain', 'ada@ｅxample.com', 'ada@ｅxample.com', 'ada@example.com'],
    ['in another script', 'дарья@пример.рф', 'дарья@пример.рф', 'дарья@xn--e1afmkfd.xn--p1ai'],
    ['with combining marks', 'rene\u0301@example.com', 'ren\u00e9@example.com', 'ren\u00e9@example.com'],
    ['of many labels', 'a@b.c.d.e.example.com', 'a@b.c.d.e.example.com', 'a@b.c.d.e.example.com'],
    ['with digits in the domain', 'a@1.2.3.4com', 'a@1.2.3.4com', 'a@1.2.3.4com'],
  ])('%s has one canonical form, and keeps what was typed', (_, raw, address, canonical) => {
    expect(parseEmail(raw)).toEqual({ address, canonical })
  })

  it.each([
    ['nothing', ''],
    ['no at sign', 'ada.example.com'],
    ['no local part', '@example.com'],
    ['no domain', 'ada@'],
    ['no dot in the domain', 'ada@localhost'],
    ['a dot first', '.ada@example.com'],
    ['a dot last', 'ada.@example.com'],
    ['two dots', 'a..da@example.com'],
    ['two at signs', 'ada@x@example.com'],
    ['a quoted local part', '"ada lovelace"@example.com'],
    ['a comment', 'ada(comment)@example.com'],
    ['a name around it', 'Ada <ada@example.com>'],
    ['two addresses', 'ada@example.com,eve@example.com'],
    ['a space inside', 'a da@example.com'],
    ['a line end inside', 'ada\r\nBcc:eve@example.com'],
    ['a NUL', 'ada\u0000@example.com'],
    ['a zero-width space', 'a\u200bda@example.com'],
    ['a right-to-left override', 'a\u202eda@example.com'],
    ['a soft hyphen', 'a\u00adda@example.com'],
    ['a lone surrogate', 'a\ud800da@example.com'],
    ['an IPv4 literal', 'ada@[127.0.0.1]'],
    ['an IPv6 literal', 'ada@[IPv6:::1]'],
    ['a bare IPv4 address', 'ada@127.0.0.1'],
    ['an IPv4 address in hex', 'ada@0x7f.1'],
    ['an IPv4 address in full-width digits', 'ada@１２７.０.０.１'],
    ['a port', 'ada@example.com:25'],
    ['a path', 'ada@example.com/x'],
    ['an escape', 'ada@ex%61mple.com'],
    ['a user in the domain', 'ada@eve@example.com'],
    ['a label that begins with a hyphen', 'ada@-example.com'],
    ['a label that ends with a hyphen', 'ada@example-.com'],
    ['an underscore in the domain', 'ada@ex_ample.com'],
    ['a dot at the end', 'ada@example.com.'],
    ['an empty label', 'ada@example..com'],
    ['a label of 64', `ada@${'b'.repeat(64)}.com`],
    ['a numeric top level', 'ada@example.123'],
  ])('is not %s', (_, raw) => {
    expect(parseEmail(raw)).toBeNull()
  })

  it.each([
    ['a full-width letter', '\uff41da@example.com', 'ada@example.com'],
    ['a long s', 'ro\u017fe@example.com', 'rose@example.com'],
    ['an fi ligature', '\ufb01@example.com', 'fi@example.com'],
    ['a capital I with a dot', '\u0130da@example.com', 'i\u0307da@example.com'],
    ['a mathematical letter', '\u{1d41a}da@example.com', 'ada@example.com'],
    ['a circled letter', '\u24d0da@example.com', 'ada@example.com'],
  ])('never stands for an ASCII one by %s', (_, disguised) => {
    expect(parseEmail(disguised)).toBeNull()
  })

  it('holds the letter itself where Unicode has a sign for it: mail goes to the plain one', () => {
    expect(parseEmail('mi\u212ae@example.com')).toEqual({ address: 'miKe@example.com', canonical: 'mike@example.com' })
    expect(parseEmail('\u212bsa@example.com')?.canonical).toBe('\u00e5sa@example.com')
  })

  it('with a dotless i is another address than with i', () => {
    expect(parseEmail('\u0131da@example.com')?.canonical).not.toBe(parseEmail('ida@example.com')?.canonical)
  })

  it('has at most 64 octets before the at sign and 254 characters in all', () => {
    expect(longest).toHaveLength(254)
    expect(parseEmail(longest)?.canonical).toBe(longest)
    expect(parseEmail(longest.replace('.com', 'x.com'))).toBeNull()
    expect(parseEmail(`a${longLocal}@example.com`)).toBeNull()
    expect(parseEmail(`${'é'.repeat(32)}@example.com`)).not.toBeNull()
    expect(parseEmail(`${'é'.repeat(33)}@example.com`)).toBeNull()
  })

  it.each([
    ['Ada@Example.COM', 'Ada@example.com'],
    ['ada@b\u00fccher.example', 'ada@xn--bcher-kva.example'],
    ['ada@stra\u00dfe.example', 'ada@xn--strae-oqa.example'],
  ])('is handed to the mail provider with its domain as DNS has it: %s', (typed, deliverable) => {
    expect(deliverableForm(typed as EmailAddress)).toBe(deliverable)
  })

  it('is read in the same way again from its canonical form', () => {
    for (const raw of ['Ada@Bücher.Example', 'дарья@пример.рф', "o'Hara+x@EXAMPLE.com"]) {
      const once = parseEmail(raw)?.canonical ?? ''
      expect(parseEmail(once)?.canonical).toBe(once)
    }
  })
})
