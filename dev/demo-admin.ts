import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Nobody's: `.test` is reserved (RFC 2606). */
const email = 'admin@example.test'

/**
 * Makes the administrator of a fresh database with `src/admin.ts create-admin`, the same as on any deployment.
 * @param env the Worker's settings
 * @returns `null` when the address has an account already, whose password nobody here knows
 * @throws with the command's own last line
 */
export async function ensureDemoAdmin(
  env: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<{ email: string; password: string } | null> {
  const command = [join(import.meta.dirname, '..', 'src', 'admin.ts'), 'create-admin', email, '--json']
  try {
    // Settings travel in the environment, not on the command line, where everybody could read them.
    const { stdout } = await promisify(execFile)(process.execPath, command, {
      env: { ...process.env, ...env },
      timeout: 60_000,
      ...(signal && { signal }),
    })
    const answer: unknown = JSON.parse(stdout)
    const made =
      typeof answer === 'object' && answer !== null && 'password' in answer && typeof answer.password === 'string'
    return made ? { email, password: String(answer.password) } : null
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : ''
    throw new Error(said || 'src/admin.ts create-admin did not answer with JSON', { cause: error })
  }
}
