import type { Brand } from './brand.ts'

/** An address as its owner typed it, trimmed and NFC: what mail is sent to. */
export type EmailAddress = Brand<string, 'EmailAddress'>

/** What makes two addresses the same account: NFC, lower case, domain in ASCII (IDNA). Unique in `users`. */
export type CanonicalEmail = Brand<string, 'CanonicalEmail'>

export interface Email {
  address: EmailAddress
  canonical: CanonicalEmail
}

const maximumLength = 254 // RFC 5321 section 4.5.3.1.3, less the angle brackets
const maximumLocalOctets = 64 // RFC 5321 section 4.5.3.1.1
const localPart = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+)*$/u
const domainName = /^[\p{L}\p{N}\p{M}-]+(?:\.[\p{L}\p{N}\p{M}-]+)+$/u
const asciiLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Parses a mailbox (`local@domain`, no quoting, no comments, no address literals), or gives `null`. */
export function parseEmail(raw: string): Email | null {
  const address = raw.trim().normalize('NFC')
  const at = address.lastIndexOf('@')
  const local = address.slice(0, at)
  const domain = asciiDomain(address.slice(at + 1))
  if (at < 1 || domain === null || Math.max(address.length, local.length + 1 + domain.length) > maximumLength)
    return null
  if (!localPart.test(local) || new TextEncoder().encode(local).length > maximumLocalOctets) return null
  if (disguisesAscii(local)) return null
  return {
    address: address as EmailAddress,
    canonical: `${local.toLowerCase().normalize('NFC')}@${domain}` as CanonicalEmail,
  }
}

/** The address with its domain as it stands in DNS. A provider that maps Unicode domains its own way would send to another (`ß` to `ss`). */
export function deliverableForm(address: EmailAddress): string {
  const at = address.lastIndexOf('@')
  return `${address.slice(0, at)}@${asciiDomain(address.slice(at + 1)) ?? address.slice(at + 1)}`
}

/**
 * Refuses letters that turn into ASCII when folded (full-width `ａ` into `a`, `ſ` into `s`): two mailboxes would
 * share one canonical address, and the second owner could stand before the first one's account.
 */
function disguisesAscii(local: string): boolean {
  return [...local].some((letter) => letter > '\u007f' && hasAscii(letter.normalize('NFKC').toLowerCase()))
}

function hasAscii(text: string): boolean {
  return [...text].some((letter) => letter <= '\u007f')
}

/** The domain as it stands in DNS. The pattern comes first: the URL parser would also take ports, escapes and IP addresses. */
function asciiDomain(domain: string): string | null {
  if (!domainName.test(domain)) return null
  const url = `http://${domain}/`
  if (!URL.canParse(url)) return null
  const labels = new URL(url).hostname.split('.')
  const topLevel = labels.at(-1) ?? ''
  if (!labels.every((label) => asciiLabel.test(label)) || /^\d+$/.test(topLevel)) return null
  return labels.join('.')
}
