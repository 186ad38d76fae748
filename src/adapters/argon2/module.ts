import compiled from '@phi-ag/argon2/argon2.wasm'

/** The SIMD build of Argon2's reference C code, for workerd, which runs WebAssembly only from a static import. In Node: `loadArgon2Module`. */
export const argon2Module: WebAssembly.Module = compiled
