import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { AuthError } from '../../domain/auth-error.ts'

const largestBody = 16 * 1_024

const limitSize = bodyLimit({
  maxSize: largestBody,
  onError: () => {
    throw new AuthError('payload_too_large')
  },
})

/** Takes a JSON body of at most 16 KiB in valid UTF-8, before any schema looks at it. `optional` lets an empty one pass. */
export function jsonBody({ optional }: { optional: boolean }): MiddlewareHandler {
  return async function jsonBody(c, next) {
    return limitSize(c, async () => {
      const bytes = await c.req.arrayBuffer()
      if (optional && bytes.byteLength === 0) {
        // An app that always names the content type: its nothing means no members. Without a type nobody looks at the body.
        if (c.req.header('content-type') !== undefined) c.req.bodyCache = { json: Promise.resolve({}) }
      } else {
        const [mediaType] = (c.req.header('content-type') ?? '').split(';')
        if (mediaType?.trim().toLowerCase() !== 'application/json') throw new AuthError('unsupported_media_type')
        requireJson(bytes)
      }
      await next()
    })
  }
}

/**
 * A lone surrogate can be spelled in JSON and stored nowhere: two passwords that differ in it would be one. Nor can `1e999`, which
 * would come back as null.
 */
function requireJson(bytes: ArrayBuffer): void {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), (name, value: unknown) => {
      if (!name.isWellFormed() || (typeof value === 'string' && !value.isWellFormed()))
        throw new SyntaxError('lone surrogate')
      if (typeof value === 'number' && !Number.isFinite(value)) throw new SyntaxError('a number beyond range')
      return value
    })
  } catch {
    throw new AuthError('invalid_json')
  }
}
