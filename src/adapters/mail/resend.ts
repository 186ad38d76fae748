import { deliverableForm } from '../../domain/email.ts'
import type { Mailer } from '../../ports.ts'

const timeoutMs = 5_000

/** Resend's HTTP API: one POST a mail, with the outbox id as idempotency key, which it honours for a day. */
export function resendMailer({ endpoint, apiKey, from }: { endpoint: string; apiKey: string; from: string }): Mailer {
  return {
    async send({ id, to, subject, text, html }) {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', 'idempotency-key': id },
        body: JSON.stringify({ from, to: [deliverableForm(to)], subject, text, html }),
        redirect: 'manual', // the body holds a code: it goes to the configured endpoint and nowhere else
        signal: AbortSignal.timeout(timeoutMs),
      })
      await response.body?.cancel()
      if (!response.ok) throw new Error(`the mail provider answered ${response.status}`)
    },
  }
}
