/** Wrangler's `CompiledWasm` rule: a `.wasm` import is a module compiled before the Worker starts. */
declare module '*.wasm' {
  const compiled: WebAssembly.Module
  export default compiled
}
