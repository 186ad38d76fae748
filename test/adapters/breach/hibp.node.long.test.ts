import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { hibpBreachedPasswords } from '../../../src/adapters/breach/hibp.ts'
import { readPassword } from '../../../src/domain/password-policy.ts'

const password = readPassword('password')
const line = '1E4C9B93F3F0682250B6CF8331B7EE68FD8:7\r\n'
const servers = new Set<ReturnType<typeof createServer>>()

/** An API on a port of its own. */
async function serve(listener: RequestListener): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  servers.add(server)
  const { port } = server.address() as AddressInfo
  const stop = () =>
    new Promise<void>((resolve) => {
      servers.delete(server)
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { endpoint: `http://127.0.0.1:${port}/range/`, stop }
}

afterAll(() => {
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
})

describe.concurrent('the breach check before an API in trouble', () => {
  it('could not ask one that accepts the request and says nothing', async () => {
    const { endpoint } = await serve(() => {})
    expect(await hibpBreachedPasswords({ endpoint }).count(password)).toBeNull()
  })

  it('could not ask one that never comes to the end, and hangs up', async () => {
    const hungUp = Promise.withResolvers<'hung up'>()
    const { endpoint } = await serve((_, response) => {
      response.write(line)
      const drip = setInterval(() => response.write(line), 50)
      response.on('close', () => {
        clearInterval(drip)
        hungUp.resolve('hung up')
      })
    })
    expect(await hibpBreachedPasswords({ endpoint }).count(password)).toBeNull()
    expect(await hungUp.promise).toBe('hung up')
  })

  it('follows no redirection', async () => {
    const asked: (string | undefined)[] = []
    const { endpoint } = await serve((request, response) => {
      asked.push(request.url)
      if (request.url === '/elsewhere') response.end(line)
      else response.writeHead(302, { Location: '/elsewhere' }).end()
    })
    expect(await hibpBreachedPasswords({ endpoint }).count(password)).toBeNull()
    expect(asked).toEqual(['/range/5BAA6'])
  })

  it('could not ask one that went away', async () => {
    const { endpoint, stop } = await serve((_, response) => {
      response.end(line)
    })
    const breaches = hibpBreachedPasswords({ endpoint })
    expect(await breaches.count(password)).toBe(7)
    await stop()
    expect(await breaches.count(password)).toBeNull()
  })
})
