import { describe, expect, it, vi } from 'vitest'
import { hanging, refusingConnections, watchNetwork } from '../support/network.ts'
import { startWorker } from '../support/worker.ts'

const well = { ok: true, latency_ms: expect.any(Number) }
const ill = { ok: false, latency_ms: expect.any(Number) }

describe('health and readiness', () => {
  it('healthz asks nobody', async () => {
    const worker = await startWorker()
    const network = watchNetwork()
    expect((await worker.get('/healthz')).body).toEqual({ status: 'ok' })
    expect([...network.sent('postgres'), ...network.sent('redis')]).toEqual([])
  })

  it('readyz names each part with its latency', async () => {
    const answer = await (await startWorker()).get('/readyz')
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      status: 'ready',
      checks: { postgres: well, migrations: well, redis: well, keys: well },
    })
  })

  it.each([
    ['postgres', { postgres: ill, migrations: ill, redis: well, keys: ill }],
    ['redis', { postgres: well, migrations: well, redis: ill, keys: well }],
  ] as const)('readyz says which part is away, and no more: %s', async (service, checks) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const worker = await startWorker()
    watchNetwork().disturb(service, refusingConnections)
    const answer = await worker.get('/readyz')
    expect(answer.status).toBe(503)
    expect(answer.body).toEqual({ status: 'not_ready', checks })
    expect(log).toHaveBeenCalled()
    log.mockRestore()
  })

  it('readyz waits for a hanging Redis no longer than requests do', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const worker = await startWorker()
    watchNetwork().disturb('redis', hanging)
    expect((await worker.get('/readyz')).body).toMatchObject({ status: 'not_ready', checks: { redis: ill } })
    log.mockRestore()
  })
})

describe('the documentation', () => {
  it('describes every endpoint, with its refusals, from the schemas that validate', async () => {
    const { body } = await (await startWorker()).get<{
      openapi: string
      paths: Record<string, Record<string, { responses: object; security?: unknown }>>
      components: { securitySchemes: unknown }
      servers: unknown
    }>('/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    expect(body.servers).toEqual([{ url: 'https://auth.test' }])
    const operations = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    )
    expect(operations.sort()).toEqual([
      'delete /v1/me/sessions/{id}',
      'get /.well-known/jwks.json',
      'get /healthz',
      'get /readyz',
      'get /v1/me',
      'get /v1/me/sessions',
      'get /v1/verify',
      'patch /v1/me',
      'post /v1/email/resend',
      'post /v1/email/verify',
      'post /v1/login',
      'post /v1/logout',
      'post /v1/logout-all',
      'post /v1/refresh',
      'post /v1/register',
    ])
    expect(Object.keys(body.paths['/v1/login']?.post?.responses ?? {})).toEqual([
      '200',
      '400',
      '401',
      '403',
      '429',
      '503',
    ])
    expect(body.paths['/v1/me']?.get?.security).toEqual([{ bearer: [] }])
    expect(body.components.securitySchemes).toEqual({ bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } })
  })

  it('the page loads nothing from elsewhere, and everything it loads is there', async () => {
    const worker = await startWorker()
    for (const page of ['/docs', '/verify-email']) {
      const { text } = await worker.get(page)
      const loaded = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => url)
      expect(loaded.length).toBeGreaterThan(1)
      for (const url of loaded.filter((each) => !each.startsWith('data:'))) {
        expect(url).toMatch(/^\/[\w-]/)
        const answer = await worker.get(url)
        expect(answer.status, url).toBe(200)
        expect(answer.headers.get('content-type'), url).toMatch(/^text\/(?:css|javascript)/)
        expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      }
      expect(text).not.toMatch(/<script>|<style>|\son\w+=/)
    }
  })

  it('the page is 404 in parts where no assets are bound', async () => {
    const worker = await startWorker({ ASSETS: undefined })
    expect((await worker.get('/docs/swagger-ui.css')).status).toBe(404)
    expect((await worker.get('/docs')).status).toBe(200)
  })

  it('the front page leads there', async () => {
    const answer = await (await startWorker()).get('/')
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/docs'])
  })
})
