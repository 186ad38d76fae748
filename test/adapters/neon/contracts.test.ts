import { neonOutbox } from '../../../src/adapters/neon/outbox.ts'
import { neonRegistrations } from '../../../src/adapters/neon/registrations.ts'
import { neonRevocationRecord } from '../../../src/adapters/neon/revocation-record.ts'
import { neonSessions } from '../../../src/adapters/neon/sessions.ts'
import { neonSigningKeys } from '../../../src/adapters/neon/signing-keys.ts'
import { neonUsers } from '../../../src/adapters/neon/users.ts'
import { outboxContract } from '../../contracts/outbox.ts'
import { registrationsContract } from '../../contracts/registrations.ts'
import { revocationRecordContract } from '../../contracts/revocation-record.ts'
import { sessionsContract } from '../../contracts/sessions.ts'
import { signingKeysContract } from '../../contracts/signing-keys.ts'
import { usersContract } from '../../contracts/users.ts'
import { openDatabase } from '../../support/adapters.ts'
import { databaseUrl, quietDatabase, rowsIn } from '../../support/database.ts'

const database = openDatabase()
usersContract('Neon', neonUsers(database))
registrationsContract('Neon', neonRegistrations(database))
sessionsContract('Neon', neonSessions(database))
revocationRecordContract('Neon', neonRevocationRecord(database))
outboxContract('Neon', neonOutbox(database))

signingKeysContract('Neon', neonSigningKeys(openDatabase(quietDatabase)), rowsIn(databaseUrl(quietDatabase)))
