/** Why the local stack cannot start, in one line that names the mend. Anything else that is thrown is a bug and shows its stack. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
