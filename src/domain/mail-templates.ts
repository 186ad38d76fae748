import type { MailContent } from './mail.ts'

/** A mail's words. Texts are the master; the HTML says the same. */
interface Rendered {
  subject: string
  text: string
  html: string
}

/** One paragraph, or a code, or a link: all that our mails are made of. */
type Block = { say: string } | { code: string } | { link: string; label: string }

/** Where links lead: to this service's own pages, or to the app that people sign in to. */
interface Places {
  issuer: string
  appUrl: string
}

/** Renders a mail. */
export function renderMail(content: MailContent, places: Places): Rendered {
  const { subject, blocks } = compose(content, places)
  return {
    subject,
    text: `${blocks.map(textOf).join('\n\n')}\n`,
    html: `<!doctype html><meta charset="utf-8"><body style="font:16px/1.5 sans-serif;max-width:34em">${blocks.map(htmlOf).join('')}</body>`,
  }
}

function compose(content: MailContent, { issuer, appUrl }: Places): { subject: string; blocks: Block[] } {
  const asked = `It was asked for at ${content.askedAt} from ${content.askedFrom}.`
  switch (content.kind) {
    case 'verify_email':
      return {
        subject: 'Confirm your e-mail address',
        blocks: [
          { say: 'Enter this code to confirm your e-mail address. It is good for ten minutes.' },
          { code: content.code },
          { say: 'Or open this link within a day:' },
          // The token stands in the fragment: it reaches no server log and no Referer header.
          { link: `${issuer}/verify-email#token=${content.token}`, label: 'Confirm my e-mail address' },
          { say: `${asked} If that was not you, use neither: without them nothing happens.` },
        ],
      }
    case 'already_registered':
      return {
        subject: 'You already have an account',
        blocks: [
          {
            say: 'Somebody tried to register with this e-mail address, which already has an account. Nothing has changed.',
          },
          { say: `${asked} If that was you, sign in instead:` },
          { link: appUrl, label: 'Sign in' },
        ],
      }
    case 'register_again':
      return {
        subject: 'Please register once more',
        blocks: [
          {
            say: 'A new code was asked for, but we cannot tell whether the registration that waits for this e-mail address is yours: there are several, or it was started on another device or network.',
          },
          {
            say: 'Register once more and use the code from that mail: it confirms your registration and ends all others.',
          },
          { say: asked },
        ],
      }
    case 'session_reuse':
      return {
        subject: 'We ended one of your sessions',
        blocks: [
          {
            say: 'A sign-in token of yours that had already been replaced was used again. That happens when a token was copied, so we ended its session.',
          },
          {
            say: `${asked.replace('It was asked for', 'It was used')} Sign in again. If this keeps happening, change your password.`,
          },
          { link: appUrl, label: 'Sign in' },
        ],
      }
  }
}

function textOf(block: Block): string {
  if ('say' in block) return block.say
  return 'code' in block ? block.code : block.link
}

function htmlOf(block: Block): string {
  if ('say' in block) return `<p>${escapeHtml(block.say)}</p>`
  if ('code' in block)
    return `<p style="font-size:28px;letter-spacing:3px"><strong>${escapeHtml(block.code)}</strong></p>`
  return `<p><a href="${escapeHtml(block.link)}">${escapeHtml(block.label)}</a></p>`
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => entities[letter] ?? letter)
}
