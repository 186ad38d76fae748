import type { MiddlewareHandler } from 'hono'
import { answerError } from '../errors.ts'
import type { AppEnv } from './request-context.ts'

/** Catches what Hono's own handler does not: anything thrown that is no `Error`, such as `null`. */
export const errorBoundary: MiddlewareHandler<AppEnv> = async (c, next) => {
  try {
    await next()
  } catch (thrown) {
    c.res = answerError(thrown, c.get('context').audit.requestId)
  }
}
