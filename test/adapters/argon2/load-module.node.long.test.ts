import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { argon2Engine } from '../../../src/adapters/argon2/engine.ts'
import { instantiateArgon2 } from '../../../src/adapters/argon2/instance.ts'
import { loadArgon2Module } from '../../../src/adapters/argon2/load-module.ts'
import { passwordHasher } from '../../../src/adapters/argon2/password-hasher.ts'
import { knownAnswer, testArgon2 } from '../../../src/adapters/argon2/self-test.ts'
import { nobleDeriveTag } from '../../../src/adapters/noble/derive-tag.ts'
import { readPassword } from '../../../src/domain/password-policy.ts'
import { readPasswordHash } from '../../../src/domain/phc.ts'
import { agreesWithReference } from './reference.ts'

const compile = (bytes: Uint8Array) =>
  new (WebAssembly as unknown as { Module: new (bytes: Uint8Array) => WebAssembly.Module }).Module(bytes)

/** BLAKE2b's second initial value as it lies in the module's data: with one bit of it changed, every hash is another. */
const initialValue = Uint8Array.from([0x3b, 0xa7, 0xca, 0x84, 0x85, 0xae, 0x67, 0xbb])

async function readWasm(): Promise<Buffer> {
  return readFile(createRequire(import.meta.url).resolve('@phi-ag/argon2/argon2.wasm'))
}

describe('the module in Node', () => {
  it('is the one that workerd imports, and passes the self-test', async () => {
    const engine = argon2Engine(await loadArgon2Module())
    expect(() => testArgon2(engine)).not.toThrow()
  })

  it('agrees with the reference on 2,000 random inputs', async () => {
    agreesWithReference(argon2Engine(await loadArgon2Module()), 2_000)
  }, 60_000)

  it('is found out when it computes something else, and the reference takes over', async () => {
    const bytes = await readWasm()
    const at = bytes.indexOf(initialValue)
    expect(at).toBeGreaterThan(0)
    bytes[at] = 0x3a
    const wasm = compile(bytes)
    expect(() => testArgon2(argon2Engine(wasm))).toThrow('the self-test gave a wrong answer')

    const lines: string[] = []
    const hasher = passwordHasher({ wasm, reference: nobleDeriveTag, log: (line) => lines.push(line) })
    const verdict = await hasher.verify(readPassword(knownAnswer.password), readPasswordHash(knownAnswer.hash))
    expect(verdict).toEqual({ matches: true, outdated: true })
    expect(lines).toEqual([expect.stringContaining('the self-test gave a wrong answer')])
  })

  it('is refused when it exports something else', () => {
    const empty = Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00])
    expect(() => instantiateArgon2(compile(empty))).toThrow('the WebAssembly module has other exports than expected')
  })
})
