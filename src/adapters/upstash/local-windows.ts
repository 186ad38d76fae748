/** So many keys are remembered; the oldest give way, so that a flood of addresses cannot fill the isolate. */
const capacity = 10_000

/** Fixed windows in this isolate's memory: small, bounded, gone with the isolate. Times are Unix milliseconds. */
export class LocalWindows {
  readonly #windows = new Map<string, { used: number; until: number }>()

  /** Counts one more and says how many were used in the window that ends at `until`. */
  add(key: string, now: number, lengthMs: number): { used: number; until: number } {
    const open = this.#windows.get(key)
    const window =
      open !== undefined && open.until > now ? { ...open, used: open.used + 1 } : { used: 1, until: now + lengthMs }
    this.#remember(key, window)
    return window
  }

  /** Closes the key until then. */
  close(key: string, until: number): void {
    this.#remember(key, { used: 0, until })
  }

  /** Until when the key is closed, or `null`. */
  until(key: string, now: number): number | null {
    const window = this.#windows.get(key)
    return window !== undefined && window.until > now ? window.until : null
  }

  #remember(key: string, window: { used: number; until: number }): void {
    this.#windows.delete(key)
    this.#windows.set(key, window)
    if (this.#windows.size <= capacity) return
    for (const oldest of this.#windows.keys()) {
      this.#windows.delete(oldest)
      return
    }
  }
}
