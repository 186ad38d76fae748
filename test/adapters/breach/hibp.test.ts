import { describe, expect, inject, it, vi } from 'vitest'
import { breachedPassphrases } from '../../../dev/breached-passphrases.ts'
import { hibpBreachedPasswords } from '../../../src/adapters/breach/hibp.ts'
import { readPassword } from '../../../src/domain/password-policy.ts'

// SHA-1 of «password»: 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8.
const password = readPassword('password')
const suffix = '1E4C9B93F3F0682250B6CF8331B7EE68FD8'
const other = '0018A45C4D1DEF81644B54AB7F969B88D65'
const endpoint = 'https://breach.test/range/'

/** The adapter before an API that gives this answer, and what it was asked. */
function answering(answer: () => Response | Promise<Response>) {
  const fetch = vi.fn<(url: string, init: RequestInit) => Promise<Response>>(async () => answer())
  return { breaches: hibpBreachedPasswords({ endpoint, fetch }), fetch }
}

function endless(chunk: Uint8Array): ReadableStream<Uint8Array> & { cancelled: boolean } {
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(chunk),
    cancel: () => {
      Object.assign(stream, { cancelled: true })
    },
  })
  return Object.assign(stream, { cancelled: false })
}

describe('the breach check', () => {
  it('counts what the API knows, over HTTP', async () => {
    const breaches = hibpBreachedPasswords({ endpoint: `${inject('breachUrl')}/range/` })
    expect(await breaches.count(readPassword(breachedPassphrases[0]))).toBeGreaterThan(0)
    expect(await breaches.count(readPassword('nobody has ever chosen this one'))).toBe(0)
  })

  it('sends five digits of the SHA-1 and no more, and asks for padding', async () => {
    const { breaches, fetch } = answering(() => new Response(`${other}:2\r\n${suffix}:52256179\r\n`))
    expect(await breaches.count(password)).toBe(52_256_179)
    const [[url, init] = []] = fetch.mock.calls
    expect(url).toBe('https://breach.test/range/5BAA6')
    expect(new Headers(init?.headers).get('Add-Padding')).toBe('true')
    expect(init?.redirect).toBe('manual')
    expect(JSON.stringify([url, init?.headers])).not.toContain(suffix.slice(0, 5))
  })

  it.each([
    ['lines end in LF', `${other}:2\n${suffix}:7`, 7],
    ['the password is not there', `${other}:2\r\n`, 0],
    ['the password is padding', `${other}:2\r\n${suffix}:0\r\n`, 0],
    ['all is padding', `${other}:0`, 0],
  ])('reads an answer in which %s', async (_, body, count) => {
    expect(await answering(() => new Response(body)).breaches.count(password)).toBe(count)
  })

  it.each([
    ['an empty answer', ''],
    ['a page', '<!doctype html><title>Sign in to the network</title>'],
    ['JSON', '{"count":1}'],
    ['lower-case digits', `${suffix.toLowerCase()}:7`],
    ['a suffix too short', `${suffix.slice(1)}:7`],
    ['a suffix too long', `0${suffix}:7`],
    ['no count', `${suffix}:`],
    ['a negative count', `${suffix}:-1`],
    ['a count too large for a number', `${suffix}:${'9'.repeat(30)}`],
    ['a third column', `${suffix}:7:7`],
    ['one bad line among good ones', `${suffix}:7\r\n?\r\n${other}:2`],
    ['an empty line among good ones', `${suffix}:7\r\n\r\n${other}:2`],
    ['bytes that are not text', new Uint8Array([0xff, 0xfe, 0x00])],
  ])('could not ask when the answer is %s', async (_, body) => {
    expect(await answering(() => new Response(body)).breaches.count(password)).toBeNull()
  })

  it.each([301, 400, 403, 404, 429, 500, 503])('could not ask when the status is %i', async (status) => {
    const { breaches } = answering(
      () => new Response(`${suffix}:7`, { status, headers: { Location: 'https://elsewhere.test/' } }),
    )
    expect(await breaches.count(password)).toBeNull()
  })

  it('could not ask when the connection is refused or breaks in the middle', async () => {
    const refused = answering(() => Promise.reject(new TypeError('connection refused')))
    expect(await refused.breaches.count(password)).toBeNull()
    const broken = answering(
      () =>
        new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue(new TextEncoder().encode(`${suffix}:7\r\n`))
              controller.error(new Error('reset'))
            },
          }),
        ),
    )
    expect(await broken.breaches.count(password)).toBeNull()
  })

  it('stops reading an answer that has no end', async () => {
    const body = endless(new TextEncoder().encode(`${other}:2\r\n`.repeat(1_000)))
    expect(await answering(() => new Response(body)).breaches.count(password)).toBeNull()
    expect(body.cancelled).toBe(true)
  })

  it('gives up on an API that does not answer', async () => {
    const fetch = (_: string, { signal }: RequestInit) =>
      new Promise<Response>((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason))
      })
    expect(await hibpBreachedPasswords({ endpoint, fetch }).count(password)).toBeNull()
  })
})
