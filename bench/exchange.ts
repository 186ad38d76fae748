export interface Exchange {
  method: 'GET' | 'POST'
  path: string
  headers: Readonly<Record<string, string>>
  body: string
}

/** A crowd of clients as the load generators see it. */
export interface Crowd {
  /** The next request of whoever is idle. */
  next(): Exchange
  /** A 200's body, in any order. */
  answered(body: string): void
}

export interface Scenario {
  name: string
  /** Requests a second of the open loop: gentle, well below what the Worker can do. */
  rate: number
  /** Connections of the closed loop. */
  connections: number
  /** Makes ready for one measurement with at most so many requests under way at once. */
  begin(inFlight: number): Promise<Crowd>
}
