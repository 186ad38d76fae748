import { type MailId, newId } from '../../domain/ids.ts'
import type { ClaimedMail, MailContent, OutboxMail } from '../../domain/mail.ts'
import { renderMail } from '../../domain/mail-templates.ts'
import type { Postern } from '../postern.ts'
import { seal, unseal } from '../tokens/seal.ts'

/** Seals a mail for the outbox: codes never stand there in clear. */
export async function sealMail(
  { tokenKeys, clock }: Pick<Postern, 'tokenKeys' | 'clock'>,
  content: MailContent,
): Promise<OutboxMail> {
  const id = newId<MailId>(clock.now())
  const plain = Uint8Array.from(Buffer.from(JSON.stringify(content)))
  return { id, kind: content.kind, sealed: await seal(tokenKeys.current.outbox, plain, id) }
}

type DeliveryPorts = Pick<Postern, 'outbox' | 'mailer' | 'tokenKeys' | 'settings'>

/** The first try, right after the statement that wrote the mail. What fails here is tried again by `deliverDueMail`. */
export async function deliverMail(postern: DeliveryPorts, id: MailId): Promise<void> {
  const mail = await postern.outbox.claim(id)
  if (mail !== null) await send(postern, mail)
}

/** Sends what is due, each mail once; one that fails keeps its next try and does not stop the others. Returns the failures. */
export async function deliverDueMail(postern: DeliveryPorts, limit: number): Promise<unknown[]> {
  const mails = await postern.outbox.claimDue(limit)
  const outcomes = await Promise.allSettled(mails.map((mail) => send(postern, mail)))
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
}

/** A crash between sending and settling sends one copy more, under the same id. */
async function send({ outbox, mailer, tokenKeys, settings }: DeliveryPorts, mail: ClaimedMail): Promise<void> {
  const content = await open(tokenKeys, mail)
  await mailer.send({ id: mail.id, to: mail.to, ...renderMail(content, settings) })
  await outbox.settle(mail.id)
}

/** @throws when neither secret opens it */
async function open(tokenKeys: Postern['tokenKeys'], mail: OutboxMail): Promise<MailContent> {
  const plain = await unseal(tokenKeys.current.outbox, mail.sealed, mail.id).catch((error: unknown) => {
    if (tokenKeys.previous === null) throw error
    return unseal(tokenKeys.previous.outbox, mail.sealed, mail.id)
  })
  // What opens under our key is what `sealMail` wrote.
  return JSON.parse(new TextDecoder().decode(plain))
}
