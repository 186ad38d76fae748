import { type Argon2Instance, instantiateArgon2 } from './instance.ts'

/**
 * WebAssembly memory never shrinks. Today's cost makes it 20 MB, which an isolate keeps; an imported hash of 64 MiB makes it
 * 87 MB, too much to keep in an isolate of 128 MB, so such an instance is let go after use.
 */
const keptBytes = 32 * 2 ** 20

export type Argon2Engine = Argon2Instance['derive']

/** Argon2 in WebAssembly: one instance, made at the first use, so that isolates which never hash do not carry its memory. */
export function argon2Engine(module: WebAssembly.Module): Argon2Engine {
  let instance: Argon2Instance | null = null

  return (password, recipe, salt, length) => {
    const current = instance ?? instantiateArgon2(module)
    // Stays null if the call throws: after a crash the memory is in an unknown state.
    instance = null
    const tag = current.derive(password, recipe, salt, length)
    if (current.memory.buffer.byteLength <= keptBytes) instance = current
    return tag
  }
}
