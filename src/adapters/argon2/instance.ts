import type { Argon2Recipe } from '../../domain/phc.ts'

/** One instance of the C code with its memory, which only ever grows. */
export interface Argon2Instance {
  /** @throws Error with the C code's own words when it refuses; `WebAssembly.RuntimeError` when it crashes. */
  derive(password: Uint8Array, recipe: Argon2Recipe, salt: Uint8Array, length: number): Uint8Array
  readonly memory: WebAssembly.Memory
}

type Pointer = number

interface Exports {
  memory: WebAssembly.Memory
  malloc(bytes: number): Pointer
  free(pointer: Pointer): void
  argon2_error_message(code: number): Pointer
  // biome-ignore format: the C signature of argon2.h
  argon2_hash(t: number, m: number, p: number, password: Pointer, passwordBytes: number, salt: Pointer, saltBytes: number,
    tag: Pointer, tagBytes: number, encoded: Pointer, encodedBytes: number, type: number, version: number): number
}

const types = { argon2d: 0, argon2i: 1, argon2id: 2 } as const
const version13 = 0x13
const nowhere: Pointer = 0

/**
 * Our own glue, in bytes throughout: the package's wrapper passes the count of UTF-16 units as the count of bytes and so cuts
 * passwords that are not ASCII. @throws TypeError when the module is not the one we know.
 */
export function instantiateArgon2(module: WebAssembly.Module): Argon2Instance {
  const instance = new WebAssembly.Instance(module, {})
  const { memory, malloc, free, argon2_error_message, argon2_hash } = readExports(instance)

  /** Copies into memory for the time of `use`, then wipes and frees whatever happens. The result of `use` may not be a view of memory. */
  function lend<T>(bytes: Uint8Array, use: (pointer: Pointer) => T): T {
    const size = Math.max(bytes.length, 1)
    const pointer = malloc(size)
    if (pointer === nowhere) throw new Error('argon2: out of memory')
    try {
      new Uint8Array(memory.buffer).set(bytes, pointer)
      return use(pointer)
    } finally {
      // A new view: memory that grew meanwhile has another buffer.
      new Uint8Array(memory.buffer, pointer, size).fill(0)
      free(pointer)
    }
  }

  function sentence(code: number): string {
    const heap = new Uint8Array(memory.buffer)
    const start = argon2_error_message(code)
    return new TextDecoder().decode(heap.subarray(start, heap.indexOf(0, start)))
  }

  return {
    memory,
    derive(password, { algorithm, m, t, p }, salt, length) {
      return lend(password, (passwordAt) =>
        lend(salt, (saltAt) =>
          lend(new Uint8Array(length), (tagAt) => {
            // biome-ignore format: one line for each pair of pointer and length
            const code = argon2_hash(t, m, p,
              passwordAt, password.length,
              saltAt, salt.length,
              tagAt, length,
              nowhere, 0,
              types[algorithm], version13)
            if (code !== 0) throw new Error(`argon2: ${sentence(code)} (${code})`)
            return new Uint8Array(memory.buffer).slice(tagAt, tagAt + length)
          }),
        ),
      )
    },
  }
}

function readExports(instance: WebAssembly.Instance): Exports {
  const { memory, _initialize, ...functions } = instance.exports
  const callable = ['malloc', 'free', 'argon2_error_message', 'argon2_hash'].every(
    (name) => typeof functions[name] === 'function',
  )
  if (!(memory instanceof WebAssembly.Memory) || typeof _initialize !== 'function' || !callable) {
    throw new TypeError('argon2: the WebAssembly module has other exports than expected')
  }
  _initialize()
  return { memory, ...functions } as unknown as Exports
}
