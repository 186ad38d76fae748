import type { Mailer } from '../../ports.ts'

/** Prints the mail instead of sending it. It holds codes: `config.ts` allows it in development only. */
export function logMailer(print: (line: string) => void): Mailer {
  return {
    async send({ to, subject, text }) {
      print(`mail to ${to}: ${subject}\n${text}`)
    },
  }
}
