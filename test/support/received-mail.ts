import { expect, inject } from 'vitest'
import type { PresentedMail } from '../../dev/mailbox.ts'

/** Taken before any test puts something between the Worker and the network. */
const outside = globalThis.fetch.bind(globalThis)

/** The mails that an address has got, newest first. Nothing to wait for: a test's Worker answers when they have gone out. */
export async function mailsTo(address: string): Promise<PresentedMail[]> {
  const response = await outside(`${inject('mailboxUrl')}/messages?to=${encodeURIComponent(address)}`)
  expect(response.status).toBe(200)
  return (await response.json()) as PresentedMail[]
}

/** The newest mail to an address, which must have come. */
export async function newestMailTo(address: string): Promise<PresentedMail> {
  const [mail] = await mailsTo(address)
  if (mail === undefined) throw new Error('no mail has come')
  return mail
}

export function codeOf(mail: PresentedMail): string {
  if (mail.code === null) throw new Error(`the mail «${mail.subject}» holds no code`)
  return mail.code
}

export function linkTokenOf(mail: PresentedMail): string {
  const token = new URL(mail.link ?? '').hash.replace('#token=', '')
  expect(token).toMatch(/^[\w-]{43}$/)
  return token
}
