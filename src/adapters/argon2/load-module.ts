import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The same module as `argon2Module`, read from `node_modules`: for the command line, which runs in Node. */
export async function loadArgon2Module(): Promise<WebAssembly.Module> {
  const bytes = await readFile(fileURLToPath(import.meta.resolve('@phi-ag/argon2/argon2.wasm')))
  // Workers' types have no constructor here, since workerd refuses to compile at run time.
  const { Module } = WebAssembly as unknown as { Module: new (bytes: Uint8Array) => WebAssembly.Module }
  return new Module(bytes)
}
