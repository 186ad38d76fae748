import { OpenAPIHono } from '@hono/zod-openapi'
import { AuthError } from '../../domain/auth-error.ts'
import type { HttpSettings } from '../app.ts'
import type { AppEnv } from '../middleware/request-context.ts'

/**
 * No `unsafe-inline`: Swagger UI sets its styles through the CSSOM, which `style-src` does not govern. `data:` is for the icons inside its
 * style sheet, and for the empty favicon, which keeps browsers from asking for one.
 */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Postern API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
`

const start = `SwaggerUIBundle({ url: '/openapi.json', domNode: document.getElementById('ui'), deepLinking: true })
`

/** What the page loads, of all that stands in the assets folder. */
const assets = ['swagger-ui.css', 'swagger-ui-bundle.js']

/** `GET /openapi.json`, made from the schemas that validate, and `GET /docs`, a page to read and try it, served by this origin alone. */
export function documentationRoutes(
  api: OpenAPIHono<AppEnv>,
  settings: Pick<HttpSettings, 'issuer' | 'assets'>,
): OpenAPIHono<AppEnv> {
  api.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
  })
  let document: string | null = null
  const routes = new OpenAPIHono<AppEnv>()
  routes.get('/openapi.json', (c) => {
    document ??= JSON.stringify(
      api.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'Postern',
          version: '0.1.0',
          description:
            'Edge-native authentication: users, sessions, access tokens that other origins verify on their own.',
          license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
        },
        servers: [{ url: settings.issuer }],
      }),
    )
    return c.body(document, 200, { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' })
  })
  routes.get('/', (c) => c.redirect('/docs'))
  routes.get('/docs', (c) => c.html(page, 200, { 'content-security-policy': policy }))
  routes.get('/docs/start.js', (c) => c.body(start, 200, { 'content-type': 'text/javascript; charset=utf-8' }))
  for (const asset of assets) {
    routes.get(`/docs/${asset}`, async (c) => {
      if (settings.assets === null) throw new AuthError('not_found', { reason: 'no assets are bound' })
      const found = await settings.assets.fetch(new Request(new URL(`/${asset}`, c.req.url)))
      if (!found.ok) throw new Error(`the documentation page's assets answered ${found.status}`)
      const response = new Response(found.body, found)
      response.headers.set('cache-control', 'public, max-age=86400')
      return response
    })
  }
  return routes
}
