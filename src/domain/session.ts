import type { DeviceId, SessionId } from './ids.ts'

/** Where a request came from, as the platform told us. Everything is optional: previews and service bindings have no `request.cf`. */
export interface Origin {
  ip: string
  userAgent: string | null
  country: string | null
  city: string | null
}

/** The device as its owner recognises it in the list. */
export interface Device {
  id: DeviceId
  /** What the app called it at login, or else browser and system. */
  name: string
  browser: string | null
  os: string | null
}

/** A line of `GET /v1/me/sessions`. */
export interface SessionSummary {
  id: SessionId
  deviceName: string
  browser: string | null
  os: string | null
  ip: string
  country: string | null
  city: string | null
  createdAt: Date
  lastSeenAt: Date
}

/** Lifetimes in seconds: `idle` is extended by every rotation and never passes `absolute`, which counts from the login. */
export interface SessionLifetime {
  idle: number
  absolute: number
}
