import { readFile, rm } from 'node:fs/promises'
import { writeAtomically } from './atomic-file.ts'

const marker =
  '# Written by `npm run stack`, which removes it when it ends. A file without this line is never touched.\n'

/** Writes settings to a `.dev.vars`, from which a plain `npx wrangler dev` reads. `false`: a person wrote the file, it stays. */
export async function writeDevVars(file: string, text: string): Promise<boolean> {
  const found = await read(file)
  if (found !== null && !found.startsWith(marker)) return false
  await writeAtomically(file, marker + text)
  return true
}

/** Removes a `.dev.vars` of ours: what it names is gone. */
export async function removeDevVars(file: string): Promise<void> {
  const found = await read(file)
  if (found?.startsWith(marker)) await rm(file)
}

async function read(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
