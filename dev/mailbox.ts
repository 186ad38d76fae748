import type { IncomingMessage, ServerResponse } from 'node:http'
import { BodyTooLarge, type HttpService, readBody, sendJson, sendText, serve } from './http-service.ts'
import { type Mail, type MailStore, openMailStore, type StoredMail } from './mail-store.ts'
import { renderMailbox } from './mailbox-page.ts'

const maxRequestBytes = 1024 * 1024

/** A refusal as Resend words it (resend.com/docs/api-reference/errors). */
class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/**
 * Resend's `POST /emails`, sending nothing: mails stay here to be read, at `GET /` by people and at `GET /messages?to=…` by programs, newest first,
 * each `{id, at, to, subject, text, html, code, link}` with the first 8-digit code and the first link of its text, or null.
 * @param file keeps the mails across restarts
 */
export async function startMailbox({
  key,
  file = null,
  port = 0,
  orAny = false,
}: {
  key: string
  file?: string | null
  port?: number
  orAny?: boolean
}): Promise<HttpService> {
  const store = await openMailStore(file)
  const service = await serve(
    async (request, response) => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const route = `${request.method} ${url.pathname}`
      if (route === 'POST /emails') return takeMail(request, response, { key, store })
      if (route === 'GET /messages') {
        return sendJson(response, 200, store.list(url.searchParams.get('to') ?? undefined).map(present))
      }
      if (route === 'GET /') {
        // Mails are a stranger's HTML: nothing on the page may run or load anything.
        response.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'")
        return sendText(response, 200, 'text/html; charset=utf-8', renderMailbox(store.list().map(present)))
      }
      refuse(response, new Refusal(404, 'not_found', 'The requested endpoint does not exist.'))
    },
    { port, orAny },
  )
  return {
    ...service,
    async close() {
      await service.close()
      await store.close()
    },
  }
}

async function takeMail(
  request: IncomingMessage,
  response: ServerResponse,
  { key, store }: { key: string; store: MailStore },
): Promise<void> {
  try {
    const { authorization } = request.headers
    if (authorization === undefined) {
      throw new Refusal(401, 'missing_api_key', 'Missing API key in the authorization header.')
    }
    if (authorization !== `Bearer ${key}`) throw new Refusal(403, 'invalid_api_key', 'API key is invalid.')
    const idempotencyKey = request.headers['idempotency-key']?.toString()
    if (idempotencyKey !== undefined && (idempotencyKey.length < 1 || idempotencyKey.length > 256)) {
      throw new Refusal(400, 'invalid_idempotency_key', 'The key must be between 1-256 chars.')
    }
    const added = store.add(readMail(await readBody(request, maxRequestBytes)), idempotencyKey)
    if (added === 'key used for another mail') {
      throw new Refusal(
        409,
        'invalid_idempotent_request',
        'Same idempotency key used with a different request payload.',
      )
    }
    sendJson(response, 200, { id: added.id })
  } catch (error) {
    if (error instanceof BodyTooLarge) refuse(response, new Refusal(413, 'validation_error', error.message))
    else if (error instanceof Refusal) refuse(response, error)
    else throw error
  }
}

function refuse(response: ServerResponse, { status, code, message }: Refusal): void {
  sendJson(response, status, { statusCode: status, name: code, message })
}

function readMail(text: string): Mail {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw new Refusal(400, 'validation_error', 'The request body is not valid JSON.')
  }
  const members: Readonly<Record<string, unknown>> = typeof body === 'object' && body !== null ? { ...body } : {}
  const read = (name: string): string => {
    const value = members[name]
    if (typeof value === 'string' && value !== '') return value
    throw new Refusal(422, 'missing_required_field', `Missing \`${name}\` field.`)
  }
  const from = read('from')
  if (!/^[^<>]*<[^<>@\s]+@[^<>@\s]+>$|^[^<>@\s]+@[^<>@\s]+$/.test(from)) {
    throw new Refusal(
      422,
      'validation_error',
      'Invalid `from` field. The email address needs to follow the `Name <email>` format.',
    )
  }
  const list: readonly unknown[] = Array.isArray(members.to) ? members.to : [read('to')]
  const to = list.filter((each): each is string => typeof each === 'string' && each.includes('@'))
  if (to.length !== list.length || to.length < 1 || to.length > 50) {
    throw new Refusal(422, 'validation_error', 'Invalid `to` field.')
  }
  const subject = read('subject')
  const optional = (name: string) => (members[name] === undefined ? '' : read(name))
  const mail = { from, to, subject, text: optional('text'), html: optional('html') }
  if (mail.text === '' && mail.html === '')
    throw new Refusal(422, 'missing_required_field', 'Missing `html` or `text` field.')
  return mail
}

/** A mail with what its reader is after. */
export interface PresentedMail {
  id: string
  at: string
  to: string
  subject: string
  text: string
  html: string
  code: string | null
  link: string | null
}

function present({ id, at, to, subject, text, html }: StoredMail): PresentedMail {
  const links = /https?:\/\/[^\s<>"']+/g
  // Digits inside a link are part of a token, not a code.
  const code = /(?<![\w-])\d{8}(?![\w-])/.exec(text.replace(links, ' '))?.[0] ?? null
  const link = links.exec(text)?.[0].replace(/[.,;:!?)]+$/, '') ?? null
  return { id, at, to: to.join(', '), subject, text, html, code, link }
}
