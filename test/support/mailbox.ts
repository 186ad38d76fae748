import { inject } from 'vitest'

export interface ReceivedMail {
  to: string
  subject: string
  text: string
  html: string
  code: string | null
  link: string | null
}

/** The mails to an address, newest first, once there are that many: they are sent after the answer. */
export async function mailsTo(address: string, atLeast = 1): Promise<ReceivedMail[]> {
  const url = new URL('/messages', inject('mailboxUrl'))
  url.searchParams.set('to', address)
  for (let tries = 0; tries < 100; tries++) {
    const mails = (await (await fetch(url)).json()) as ReceivedMail[]
    if (mails.length >= atLeast) return mails
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`the mailbox did not get ${atLeast} mails for a test's address in five seconds`)
}
