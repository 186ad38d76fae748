/**
 * Fires the Worker's cron trigger every minute, as the platform does in production. One at a time; a failure is told once, until it works again.
 * @param optional nothing is said while no Worker is there
 * @returns what stops it
 */
export function startCron(url: string, { optional }: { optional: boolean }): () => void {
  let running = false
  let failing = false
  const fire = async () => {
    if (running) return
    running = true
    try {
      const trigger = new URL('/cdn-cgi/local/scheduled?cron=*+*+*+*+*', url)
      const response = await fetch(trigger, { signal: AbortSignal.timeout(50_000) })
      await response.arrayBuffer()
      if (!response.ok && !failing)
        console.error(`The cron trigger answered ${response.status}; the Worker's log says why.`)
      failing = !response.ok
    } catch (error) {
      if (!failing && !optional)
        console.error(`The cron trigger cannot be fired: ${error instanceof Error ? error.message : error}`)
      failing = true
    } finally {
      running = false
    }
  }
  const timer = setInterval(fire, 60_000)
  return () => clearInterval(timer)
}
