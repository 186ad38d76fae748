import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { SessionId } from '../../domain/ids.ts'
import type { Profile, ProfileChange } from '../../domain/user.ts'
import { endSession } from '../../services/authentication/logout.ts'
import type { Postern } from '../../services/postern.ts'
import { authenticate } from '../../services/tokens/authenticate.ts'
import { changeProfile, readProfile } from '../../services/users/profile.ts'
import { bearerToken } from '../bearer.ts'
import { jsonBody } from '../middleware/json-body.ts'
import type { AppEnv } from '../middleware/request-context.ts'
import { json, line, refusals, uuid } from '../schemas.ts'

const largestMetadata = 4_096
const security = [{ bearer: [] }]
const instant = z.iso.datetime()

const metadata = z
  .record(z.string(), z.unknown())
  .refine(
    (value) => new TextEncoder().encode(JSON.stringify(value)).length <= largestMetadata,
    'must be at most 4 KiB of JSON',
  )
  .refine((value) => !holdsNul(value), 'must not contain the character U+0000')

const locale = z
  .string()
  .max(35)
  .refine(isLocale, 'must be a language tag such as en or pt-BR')
  .openapi({ type: 'string', example: 'en' })

const profile = z
  .object({
    id: uuid,
    email: z.string(),
    name: z.string().nullable(),
    locale: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    roles: z.array(z.string()),
    permissions: z.array(z.string()),
    created_at: instant,
    updated_at: instant,
  })
  .openapi('Profile')

const readRoute = createRoute({
  method: 'get',
  path: '/v1/me',
  tags: ['Me'],
  summary: 'Read the own profile',
  security,
  responses: { 200: json(profile, 'The profile.'), ...refusals(401, 503) },
})

const changeRoute = createRoute({
  method: 'patch',
  path: '/v1/me',
  tags: ['Me'],
  summary: 'Change the own profile',
  description: 'Members that are sent are replaced, the others stay; null clears a name or locale.',
  security,
  middleware: [jsonBody({ optional: false })] as const,
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({
            name: line(200).nullable().optional(),
            locale: locale.nullable().optional(),
            metadata: metadata.optional(),
          }),
        },
      },
    },
  },
  responses: { 200: json(profile, 'The profile as it is now.'), ...refusals(400, 401, 503) },
})

const session = z
  .object({
    id: uuid,
    device_name: z.string(),
    browser: z.string().nullable(),
    os: z.string().nullable(),
    ip: z.string(),
    country: z.string().nullable(),
    city: z.string().nullable(),
    created_at: instant,
    last_seen_at: instant,
    current: z.boolean(),
  })
  .openapi('Session')

const sessionsRoute = createRoute({
  method: 'get',
  path: '/v1/me/sessions',
  tags: ['Me'],
  summary: 'List the own devices',
  security,
  responses: {
    200: json(z.object({ sessions: z.array(session) }), 'Live sessions, last used first.'),
    ...refusals(401, 503),
  },
})

const endSessionRoute = createRoute({
  method: 'delete',
  path: '/v1/me/sessions/{id}',
  tags: ['Me'],
  summary: 'Sign a device out',
  security,
  request: { params: z.object({ id: uuid }) },
  responses: { 204: { description: 'Ended.' }, ...refusals(400, 401, 404, 503) },
})

export function meRoutes(postern: Postern): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>()
    .openapi(readRoute, async (c) => {
      const { claims } = await authenticate(postern, bearerToken(c), c.get('context'))
      return c.json(shapeProfile(await readProfile(postern, claims.sub)), 200)
    })
    .openapi(changeRoute, async (c) => {
      const context = c.get('context')
      const { claims } = await authenticate(postern, bearerToken(c), context)
      const sent = c.req.valid('json')
      const change: ProfileChange = {
        ...(sent.name === undefined ? {} : { name: sent.name }),
        ...(sent.locale === undefined ? {} : { locale: sent.locale }),
        ...(sent.metadata === undefined ? {} : { metadata: sent.metadata }),
      }
      return c.json(shapeProfile(await changeProfile(postern, claims.sub, change, context)), 200)
    })
    .openapi(sessionsRoute, async (c) => {
      const { claims } = await authenticate(postern, bearerToken(c), c.get('context'))
      const sessions = await postern.sessions.list(claims.sub)
      return c.json(
        {
          sessions: sessions.map(({ id, deviceName, browser, os, ip, country, city, createdAt, lastSeenAt }) => ({
            id,
            device_name: deviceName,
            browser,
            os,
            ip,
            country,
            city,
            created_at: createdAt.toISOString(),
            last_seen_at: lastSeenAt.toISOString(),
            current: id === claims.sid,
          })),
        },
        200,
      )
    })
    .openapi(endSessionRoute, async (c) => {
      const context = c.get('context')
      const { claims } = await authenticate(postern, bearerToken(c), context)
      await endSession(postern, claims.sub, c.req.valid('param').id as SessionId, context)
      return c.body(null, 204)
    })
}

function shapeProfile({ id, email, name, locale, metadata, roles, permissions, createdAt, updatedAt }: Profile) {
  return {
    id,
    email,
    name,
    locale,
    metadata,
    roles: [...roles],
    permissions: [...permissions],
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  }
}

function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1
  } catch {
    return false
  }
}

/** Postgres' `jsonb` cannot hold it. */
function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\u0000')
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, member]) => name.includes('\u0000') || holdsNul(member))
}
