import { describe, expect, it } from 'vitest'
import type { MailContent } from '../../src/domain/mail.ts'
import { renderMail } from '../../src/domain/mail-templates.ts'
import { provenanceOf } from '../../src/domain/provenance.ts'

const places = { issuer: 'https://auth.test', appUrl: 'https://app.test/?a=1&b="2"' }
const hostile = `<script>alert("1")</script> & 'quotes' http://evil.test`
const asked = { askedAt: '2026-11-23 20:00 UTC', askedFrom: hostile }

const everyKind: { [Kind in MailContent['kind']]: Extract<MailContent, { kind: Kind }> } = {
  verify_email: { kind: 'verify_email', code: '01234567', token: 'T'.repeat(43), ...asked },
  already_registered: { kind: 'already_registered', ...asked },
  register_again: { kind: 'register_again', ...asked },
  session_reuse: { kind: 'session_reuse', ...asked },
} as never

describe.each(Object.values(everyKind))('the mail $kind', (content) => {
  const mail = renderMail(content, places)

  it('has a subject of one line that holds nothing from outside', () => {
    expect(mail.subject).toMatch(/^[A-Za-z -]{10,60}$/)
  })

  it('says when and from where it was asked for, and escapes it', () => {
    expect(mail.text).toContain('2026-11-23 20:00 UTC')
    expect(mail.text).toContain(hostile)
    expect(mail.html).not.toContain('<script>')
    expect(mail.html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;quotes&#39;')
  })

  it('says the same in text and HTML', () => {
    const words = (html: string) =>
      html
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&quot;', '"')
        .replaceAll('&#39;', "'")
        .replaceAll('&amp;', '&')
    const paragraphs = mail.text.trim().split('\n\n')
    expect(paragraphs.length).toBeGreaterThan(1)
    for (const paragraph of paragraphs) expect(words(mail.html)).toContain(paragraph)
  })

  it('links nowhere but to us and the app', () => {
    for (const [, url = ''] of mail.html.matchAll(/href="([^"]*)"/g)) {
      expect(url).toMatch(/^https:\/\/(?:auth|app)\.test\//)
    }
    expect(mail.html).not.toMatch(/<(?!\/?(?:!doctype|meta|body|p|strong|a)\b)/i)
  })
})

describe('the mail that verifies', () => {
  it('holds the code alone on its line, and the token in the fragment', () => {
    const { text, html } = renderMail(everyKind.verify_email, places)
    expect(text).toMatch(/^01234567$/m)
    expect(text).toContain(`https://auth.test/verify-email#token=${'T'.repeat(43)}`)
    expect(html).toContain('<strong>01234567</strong>')
  })
})

describe('provenance', () => {
  const nowhere = { ip: '192.0.2.1', userAgent: null, country: null, city: null }

  it.each([
    [nowhere, null, 'IP address 192.0.2.1'],
    [nowhere, 'Firefox on Linux', 'Firefox on Linux, IP address 192.0.2.1'],
    [{ ...nowhere, country: 'FR', city: 'Paris' }, null, 'Paris, FR, IP address 192.0.2.1'],
    [{ ...nowhere, country: 'FR' }, 'Safari', 'Safari, FR, IP address 192.0.2.1'],
  ])('tells what is known: %o, %o', (origin, device, askedFrom) => {
    expect(provenanceOf(origin, device, Date.UTC(2026, 0, 2, 3, 4, 59))).toEqual({
      askedAt: '2026-01-02 03:04 UTC',
      askedFrom,
    })
  })
})
