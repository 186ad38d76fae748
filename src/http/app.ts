import { OpenAPIHono } from '@hono/zod-openapi'
import { AuthError } from '../domain/auth-error.ts'
import type { Postern } from '../services/postern.ts'
import { answerError } from './errors.ts'
import { methodsOf } from './method-not-allowed.ts'
import { crossOrigin } from './middleware/cross-origin.ts'
import { errorBoundary } from './middleware/error-boundary.ts'
import { type AppEnv, type RequestSettings, requestContext } from './middleware/request-context.ts'
import { securityHeaders } from './middleware/security-headers.ts'
import { documentationRoutes } from './pages/documentation.ts'
import { verifyEmailPage } from './pages/verify-email.ts'
import { authenticationRoutes } from './routes/authentication.ts'
import { healthRoutes } from './routes/health.ts'
import { keySetRoutes } from './routes/key-set.ts'
import { meRoutes } from './routes/me.ts'
import { registrationRoutes } from './routes/registration.ts'
import { validationRoutes } from './routes/validation.ts'
import { refuseInvalid } from './validation.ts'

export interface HttpSettings extends RequestSettings {
  issuer: string
  allowedOrigins: ReadonlySet<string>
  /** Fetches a static asset of the documentation page by path. */
  assets: { fetch(request: Request): Promise<Response> } | null
}

/** Every route with the middleware that all of them share. */
export function createApp(postern: Postern, settings: HttpSettings): OpenAPIHono<AppEnv> {
  const app = new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid })
  app.use(requestContext(settings))
  app.use(securityHeaders)
  app.use(crossOrigin(settings.allowedOrigins))
  app.use(errorBoundary)
  app.onError((error, c) => answerError(error, c.get('context').audit.requestId))
  app.notFound((c) => {
    const methods = methodsOf(app, c.req.path)
    const refusal =
      methods.length === 0
        ? new AuthError('not_found')
        : new AuthError('method_not_allowed', { headers: { allow: methods.join(', ') } })
    return answerError(refusal, c.get('context').audit.requestId)
  })

  app.route('/', registrationRoutes(postern))
  app.route('/', authenticationRoutes(postern, settings.allowedOrigins))
  app.route('/', validationRoutes(postern))
  app.route('/', meRoutes(postern))
  app.route('/', keySetRoutes(postern))
  app.route('/', healthRoutes(postern))
  app.route('/', verifyEmailPage())
  app.route('/', documentationRoutes(app, settings))
  return app
}
