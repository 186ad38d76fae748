/** Whoever has had the turn for so long is gone: its request was cancelled while it waited for the event loop. */
const longestTurnMs = 2_000
const pollMs = 2

/**
 * One hash at a time, with a turn of the event loop after each. A hash blocks the isolate; thirty in a row would keep the answers of
 * Postgres and Redis unread until their time-outs fire. Nobody waits on another request's promise: each looks for itself.
 */
export class Turns {
  #takenAt: number | null = null

  async take<T>(act: () => Promise<T>): Promise<T> {
    while (this.#takenAt !== null && Date.now() - this.#takenAt < longestTurnMs) await sleep(pollMs)
    const takenAt = Date.now()
    this.#takenAt = takenAt
    try {
      return await act()
    } finally {
      await sleep(0)
      if (this.#takenAt === takenAt) this.#takenAt = null
    }
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
