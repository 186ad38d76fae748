/** One JSON line. Adapters keep addresses, tokens and parameters out of their errors' messages, so that these may stand here. */
export function logError(event: string, requestId: string, thrown: unknown): void {
  const described =
    thrown instanceof Error
      ? { error: thrown.name, message: thrown.message, stack: thrown.stack }
      : { error: typeof thrown, message: String(thrown) }
  console.error(JSON.stringify({ level: 'error', event, request_id: requestId, ...described }))
}
