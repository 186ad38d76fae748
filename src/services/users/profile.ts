import { AuthError } from '../../domain/auth-error.ts'
import type { UserId } from '../../domain/ids.ts'
import type { Profile, ProfileChange } from '../../domain/user.ts'
import type { Postern, RequestContext } from '../postern.ts'

/** The caller's own profile. Round trips: Postgres 1. @throws {AuthError} `invalid_token` when the account is gone */
export async function readProfile({ users }: Pick<Postern, 'users'>, id: UserId): Promise<Profile> {
  return orRefuse(await users.profile(id))
}

/** Changes the given members of the caller's own profile. Round trips: Postgres 1. @throws {AuthError} `invalid_token` */
export async function changeProfile(
  { users }: Pick<Postern, 'users'>,
  id: UserId,
  change: ProfileChange,
  { audit }: RequestContext,
): Promise<Profile> {
  return orRefuse(await users.changeProfile(id, change, audit))
}

function orRefuse(profile: Profile | null): Profile {
  if (profile === null) throw new AuthError('invalid_token', { reason: 'the account is gone or disabled' })
  return profile
}
