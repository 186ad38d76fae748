import { describe, expect, inject, it, vi } from 'vitest'
import { logMailer } from '../../../src/adapters/mail/log.ts'
import { resendMailer } from '../../../src/adapters/mail/resend.ts'
import type { EmailAddress } from '../../../src/domain/email.ts'
import { type MailId, newId } from '../../../src/domain/ids.ts'
import { answering, hanging, refusingConnections, watchNetwork } from '../../support/network.ts'
import { newAddress } from '../../support/people.ts'
import { mailsTo } from '../../support/received-mail.ts'

const newMessage = (to = newAddress()) => ({
  id: newId<MailId>(Date.now()),
  to: to as EmailAddress,
  subject: 'Confirm your e-mail address',
  text: 'The code: 12345678\n',
  html: '<p>The code: 12345678</p>',
})
const mailer = (apiKey = inject('mailKey')) =>
  resendMailer({ endpoint: `${inject('mailboxUrl')}/emails`, apiKey, from: 'Postern <no-reply@auth.test>' })

describe('mail by Resend', () => {
  it('arrives as it was written, once however often it is sent', async () => {
    const message = newMessage()
    for (let i = 0; i < 3; i++) await mailer().send(message)
    const { subject, text, html } = message
    expect(await mailsTo(message.to)).toMatchObject([{ to: message.to, subject, text, html }])
  })

  it('goes to the domain as DNS has it', async () => {
    const [local] = newAddress().split('@')
    await mailer().send(newMessage(`${local}@b\u00fccher.example`))
    expect(await mailsTo(`${local}@xn--bcher-kva.example`)).toHaveLength(1)
  })

  it.each([
    ['refuses connections', refusingConnections],
    ['answers 500', answering(500, '{}')],
    ['answers 422', answering(422, '{"message":"to ada@example.com"}')],
    ['answers 429', answering(429, '{}')],
  ])('is not taken for sent when the provider %s, and the error tells nothing of it', async (_, disturbance) => {
    watchNetwork().disturb('mail', disturbance)
    const message = newMessage()
    const error: unknown = await mailer()
      .send(message)
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    for (const secret of [message.to, '12345678', inject('mailKey')]) expect(String(error)).not.toContain(secret)
  })

  it('is given up when the provider does not answer', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => AbortSignal.abort(new Error('timed out')))
    watchNetwork().disturb('mail', (forward, signal, body) =>
      signal?.aborted ? Promise.reject(signal.reason) : hanging(forward, signal, body),
    )
    await expect(mailer().send(newMessage())).rejects.toThrow('timed out')
    expect(timeout).toHaveBeenCalledWith(5_000)
    timeout.mockRestore()
  })

  it('with a wrong key is refused', async () => {
    await expect(mailer('wrong').send(newMessage())).rejects.toThrow('the mail provider answered 403')
  })
})

describe('mail to the log', () => {
  it('prints what a developer needs', async () => {
    const print = vi.fn()
    const message = newMessage()
    await logMailer(print).send(message)
    expect(print).toHaveBeenCalledExactlyOnceWith(`mail to ${message.to}: ${message.subject}\n${message.text}`)
  })
})
