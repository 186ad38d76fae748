import type { Brand } from './brand.ts'
import type { CodeHash } from './one-time-code.ts'

/** An HMAC of network and user agent: tells whether two requests came from one client, and nothing more. */
export type ClientKey = Brand<string, 'ClientKey'>

/** What the database keeps of a code and a link, and for how many seconds the code and the attempt live. */
export interface RegistrationProof {
  codeHash: CodeHash
  tokenHash: CodeHash
  codeLifetimeSeconds: number
  attemptLifetimeSeconds: number
}

/** `unknown`: no such code or link, or it is used, expired, out of tries, or its address got an account meanwhile. */
export type Activation = 'verified' | 'unknown'
