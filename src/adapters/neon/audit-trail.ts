import { sql } from 'drizzle-orm'
import type { AuditTrail } from '../../ports.ts'
import { type Database, rowsOf } from './database.ts'
import { auditEvent } from './statements.ts'

export function neonAuditTrail(database: Database): AuditTrail {
  return {
    async record(type, detail, userId, audit) {
      await rowsOf(
        database,
        auditEvent(type, audit, {
          userId: sql`${userId}::uuid`,
          detail: sql`${JSON.stringify(detail)}::jsonb`,
          source: sql`(values (1)) as once`,
        }),
      )
    },
  }
}
