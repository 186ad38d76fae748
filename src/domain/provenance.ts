import type { Origin } from './session.ts'

/** When and from where something was asked, in words for the mail that tells of it. `device` is browser and system, if they can be told. */
export function provenanceOf(
  origin: Origin,
  device: string | null,
  now: number,
): { askedAt: string; askedFrom: string } {
  const place = [origin.city, origin.country].filter((part) => part !== null).join(', ')
  const parts = [device, place === '' ? null : place, `IP address ${origin.ip}`].filter((part) => part !== null)
  return { askedAt: `${new Date(now).toISOString().slice(0, 16).replace('T', ' ')} UTC`, askedFrom: parts.join(', ') }
}
