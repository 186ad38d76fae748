import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openMailStore } from '../../dev/mail-store.ts'
import { startMailbox } from '../../dev/mailbox.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const mail = {
  from: 'Postern <no-reply@localhost>',
  to: 'ada@example.test',
  subject: 'Hello',
  text: 'Your code: 12345678',
  html: '<p>Hi</p>',
}

async function open(file: string | null = null) {
  const mailbox = await startMailbox({ key: 'the-key', file })
  let closed: Promise<void> | null = null
  const close = () => {
    closed ??= mailbox.close()
    return closed
  }
  onTestFinished(close)
  const send = async (body: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${mailbox.url}/emails`, {
      method: 'POST',
      headers: { authorization: 'Bearer the-key', 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as { id?: string; name?: string } }
  }
  const list = async (to?: string) => {
    const response = await fetch(`${mailbox.url}/messages${to === undefined ? '' : `?to=${encodeURIComponent(to)}`}`)
    return (await response.json()) as Record<string, unknown>[]
  }
  return { url: mailbox.url, close, send, list }
}

describe('a mail', () => {
  it('that was sent is listed, newest first', async () => {
    const { send, list } = await open()
    const { body } = await send(mail)
    await send({ ...mail, subject: 'Second', to: ['Bob <bob@example.test>', 'ADA@example.test'] })
    const [second, first, ...others] = await list()
    expect(others).toEqual([])
    expect(first).toEqual({
      id: body.id,
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      to: 'ada@example.test',
      subject: 'Hello',
      text: mail.text,
      html: mail.html,
      code: '12345678',
      link: null,
    })
    expect(second).toMatchObject({ subject: 'Second', to: 'Bob <bob@example.test>, ADA@example.test' })
  })

  it('is found by any of its recipients, whatever the case', async () => {
    const { send, list } = await open()
    await send({ ...mail, to: ['Bob <Bob@Example.test>', 'ada@example.test'] })
    await send({ ...mail, to: 'eve@example.test' })
    expect(await list('bob@example.TEST')).toHaveLength(1)
    expect(await list('ada@example.test')).toHaveLength(1)
    expect(await list('ob@example.test')).toEqual([])
  })

  it.each([
    ['Code 12345678.', '12345678', null],
    ['Code 1234567 or 123456789', null, null],
    ['abc12345678 then 87654321', '87654321', null],
    [
      'see https://app.test/verify?token=12345678 or enter\n23456789',
      '23456789',
      'https://app.test/verify?token=12345678',
    ],
    ['(http://a.test/x), and https://b.test/', null, 'http://a.test/x'],
    ['nothing', null, null],
  ])('with the text %j has its code and link', async (text, code, link) => {
    const { send, list } = await open()
    await send({ ...mail, text })
    expect(await list()).toMatchObject([{ code, link }])
  })

  it('sent twice under one idempotency key arrives once', async () => {
    const { send, list } = await open()
    const first = await send(mail, { 'idempotency-key': 'k1' })
    const again = await send(mail, { 'idempotency-key': 'k1' })
    const other = await send(mail, { 'idempotency-key': 'k2' })
    expect(again).toEqual(first)
    expect(other.body.id).not.toBe(first.body.id)
    expect(await list()).toHaveLength(2)
    const misused = await send({ ...mail, subject: 'Another' }, { 'idempotency-key': 'k1' })
    expect(misused).toMatchObject({ status: 409, body: { name: 'invalid_idempotent_request' } })
  })

  it.each([
    ['has no key', mail, { authorization: '' }, 403, 'invalid_api_key'],
    ['has a wrong key', mail, { authorization: 'Bearer other' }, 403, 'invalid_api_key'],
    ['is not JSON', '{', {}, 400, 'validation_error'],
    ['is null', 'null', {}, 422, 'missing_required_field'],
    ['has no sender', { ...mail, from: undefined }, {}, 422, 'missing_required_field'],
    ['has an odd sender', { ...mail, from: 'nobody' }, {}, 422, 'validation_error'],
    ['has no recipient', { ...mail, to: [] }, {}, 422, 'validation_error'],
    ['has an odd recipient', { ...mail, to: ['x'] }, {}, 422, 'validation_error'],
    ['has no subject', { ...mail, subject: '' }, {}, 422, 'missing_required_field'],
    ['says nothing', { ...mail, text: undefined, html: undefined }, {}, 422, 'missing_required_field'],
    ['is huge', { ...mail, text: 'x'.repeat(1024 * 1024) }, {}, 413, 'validation_error'],
    ['has a long idempotency key', mail, { 'idempotency-key': 'k'.repeat(257) }, 400, 'invalid_idempotency_key'],
  ])('that %s is refused as Resend does', async (_, body, headers, status, name) => {
    const { send, list } = await open()
    expect(await send(body, headers as Record<string, string>)).toEqual({
      status,
      body: { statusCode: status, name, message: expect.stringMatching(/.+/) },
    })
    expect(await list()).toEqual([])
  })

  it('without an authorization header is refused', async () => {
    const { url } = await open()
    const response = await fetch(`${url}/emails`, { method: 'POST', body: JSON.stringify(mail) })
    expect([response.status, await response.json()]).toMatchObject([401, { name: 'missing_api_key' }])
  })
})

describe('the mailbox', () => {
  it('keeps its mails across a restart', async () => {
    const file = join(await temporaryFolder(), 'mailbox.json')
    const first = await open(file)
    await first.send(mail)
    await first.close()
    const second = await open(file)
    expect(await second.list()).toMatchObject([{ subject: 'Hello', to: 'ada@example.test' }])
  })

  it('names a file it cannot read', async () => {
    const file = join(await temporaryFolder(), 'mailbox.json')
    await writeFile(file, '{"half": ')
    await expect(startMailbox({ key: 'k', file })).rejects.toThrow(`the mailbox file ${file} is damaged: delete it`)
    expect(await readFile(file, 'utf8')).toBe('{"half": ')
  })

  it('keeps the newest 1,000 and forgets keys after a day', async () => {
    let now = Date.UTC(2026, 0, 1)
    const store = await openMailStore(null, () => now)
    const one = { ...mail, to: [mail.to] }
    const first = store.add(one, 'key')
    for (let index = 0; index < 1_000; index += 1) store.add({ ...one, subject: `n${index}` }, undefined)
    expect(store.list()).toHaveLength(1_000)
    expect(store.list()[0]?.subject).toBe('n999')
    expect(store.list().at(-1)?.subject).toBe('n0')
    now += 24 * 3_600_000 - 1
    expect(store.add(one, 'key')).toEqual({ ...(typeof first === 'object' && first), fresh: false })
    now += 1
    expect(store.add(one, 'key')).toMatchObject({ fresh: true })
    await store.close()
  })

  it('shows a page on which no mail can run or load anything', async () => {
    const { url, send } = await open()
    const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`
    await send({
      ...mail,
      to: `${evil}@x.test`,
      subject: evil,
      text: `${evil} https://app.test/?a=1&b=2 12345678`,
      html: `<script>${evil}</script>`,
    })
    const response = await fetch(url)
    const page = await response.text()
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(page).not.toMatch(/<script|<img/)
    expect(page).toContain('<iframe sandbox title="HTML of the mail" srcdoc="&lt;script&gt;')
    expect(page).toContain('<span class="code">12345678</span>')
    expect(page).toContain('href="https://app.test/?a=1&amp;b=2"')
    expect(page).toContain('http-equiv="refresh"')
    expect(page.match(/(?:src|href)="[^"]*"/g)).toEqual(['href="https://app.test/?a=1&amp;b=2"'])
  })

  it('says when there is none, and what it does not serve', async () => {
    const { url } = await open()
    expect(await (await fetch(url)).text()).toContain('No mail yet.')
    const response = await fetch(`${url}/other`)
    expect([response.status, await response.json()]).toMatchObject([404, { name: 'not_found' }])
  })

  it('takes any port when the friendly one is taken', async () => {
    const first = await startMailbox({ key: 'k' })
    const second = await startMailbox({ key: 'k', port: first.port, orAny: true })
    expect(second.port).not.toBe(first.port)
    await expect(startMailbox({ key: 'k', port: first.port })).rejects.toThrow('EADDRINUSE')
    await Promise.all([first.close(), second.close()])
  })
})
