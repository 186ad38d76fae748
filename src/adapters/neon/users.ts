import { type SQL, sql } from 'drizzle-orm'
import type { LoginRecord, Profile } from '../../domain/user.ts'
import type { Users } from '../../ports.ts'
import { type Database, rowsOf } from './database.ts'
import { auditEvent, grantsOf, milliseconds } from './statements.ts'

type ProfileRow = Omit<Profile, 'createdAt' | 'updatedAt'> & { createdAt: number; updatedAt: number }

export function neonUsers(database: Database): Users {
  return {
    async findForLogin(email) {
      const [row] = await rowsOf<LoginRecord & Record<string, unknown>>(
        database,
        sql`select u.id, u.status, u.password_hash as "passwordHash", u.token_version as "tokenVersion",
          u.session_epoch as "sessionEpoch", ${grantsOf(sql`u.id`)}
        from users u where u.email_canonical = ${email}`,
      )
      return row ?? null
    },

    async profile(id) {
      const [row] = await rowsOf<ProfileRow>(
        database,
        sql`select ${profileColumns} from users u where u.id = ${id}::uuid and u.status = 'active'`,
      )
      return row === undefined ? null : profileOf(row)
    },

    async changeProfile(id, change, audit) {
      const members = Object.keys(change)
      const [row] = await rowsOf<ProfileRow>(
        database,
        sql`with u as (
          update users set updated_at = now(),
            name = ${'name' in change ? sql`${change.name}::text` : sql`name`},
            locale = ${'locale' in change ? sql`${change.locale}::text` : sql`locale`},
            metadata = ${'metadata' in change ? sql`${JSON.stringify(change.metadata)}::jsonb` : sql`metadata`}
          where id = ${id}::uuid and status = 'active' returning *
        ), event as (${auditEvent('user.profile_updated', audit, {
          userId: sql`id`,
          detail: sql`${JSON.stringify({ members })}::jsonb`,
          source: sql`u`,
        })})
        select ${profileColumns} from u`,
      )
      return row === undefined ? null : profileOf(row)
    },

    async addAdministrator(id, account, audit) {
      const rows = await rowsOf(
        database,
        sql`with added as (
          insert into users (id, email, email_canonical, password_hash, name, email_verified_at)
          values (${id}::uuid, ${account.email}, ${account.canonical}, ${account.passwordHash}, ${account.name}, now())
          on conflict (email_canonical) do nothing returning id
        ), granted as (
          insert into user_roles (user_id, role_id) select added.id, roles.id from added, roles where roles.name in ('user', 'admin')
        ), event as (${auditEvent('user.created_by_operator', audit, { userId: sql`id`, source: sql`added` })})
        select id from added`,
      )
      return rows.length === 1 ? 'added' : 'taken'
    },
  }
}

const profileColumns: SQL = sql`u.id, u.email, u.name, u.locale, u.metadata, ${milliseconds(sql`u.created_at`)} as "createdAt",
  ${milliseconds(sql`u.updated_at`)} as "updatedAt", ${grantsOf(sql`u.id`)}`

function profileOf(row: ProfileRow): Profile {
  return { ...row, createdAt: new Date(row.createdAt), updatedAt: new Date(row.updatedAt) }
}
