import { scryptSync } from 'node:crypto'
import { argon2id } from '@noble/hashes/argon2.js'
import { hashSync } from 'bcryptjs'
import { argon2Engine } from '../src/adapters/argon2/engine.ts'
import { argon2Module } from '../src/adapters/argon2/module.ts'
import { todaysRecipe } from '../src/adapters/argon2/password-hasher.ts'

// Runs inside workerd, where the service does its cryptography. `GET /<operation>` does it some times and answers the milliseconds for one.

interface Operation {
  times: number
  run(): unknown
}

const password = new TextEncoder().encode('seven green lanterns at noon')
const salt = new TextEncoder().encode('a salt of 16 byt')
const message = new Uint8Array(700)
const wasm = argon2Engine(argon2Module)
const { m, t, p } = todaysRecipe

const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]) }
const ecdsa = { name: 'ECDSA', hash: 'SHA-256' }
const signatures = {
  rs256: { make: { ...rsa, modulusLength: 2_048 }, use: rsa },
  'rs256-3072': { make: { ...rsa, modulusLength: 3_072 }, use: rsa },
  es256: { make: { name: 'ECDSA', namedCurve: 'P-256' }, use: ecdsa },
}

const hashes: Readonly<Record<string, Operation>> = {
  'argon2id-wasm': { times: 3, run: () => wasm(password, todaysRecipe, salt, 32) },
  'argon2id-noble': { times: 1, run: () => argon2id(password, salt, { m, t, p }) },
  scrypt: { times: 1, run: () => scryptSync(password, salt, 32, { N: 2 ** 14, r: 8, p: 5, maxmem: 2 ** 26 }) },
  bcryptjs: { times: 1, run: () => hashSync('seven green lanterns at noon', 12) },
}

/** Keys cannot be made before the first request, and an RSA key takes longer than all that is measured here: they are kept. */
const made = new Map<string, { sign: Operation; verify: Operation }>()

async function signingOperation(algorithm: string, act: 'sign' | 'verify'): Promise<Operation | undefined> {
  const known = made.get(algorithm)
  if (known !== undefined) return known[act]
  const parameters = Object.entries(signatures).find(([name]) => name === algorithm)?.[1]
  if (parameters === undefined) return undefined
  const pair = await crypto.subtle.generateKey(parameters.make, false, ['sign', 'verify'])
  const { privateKey, publicKey } = pair as CryptoKeyPair
  const signature = await crypto.subtle.sign(parameters.use, privateKey, message)
  const operations = {
    sign: { times: 100, run: () => crypto.subtle.sign(parameters.use, privateKey, message) },
    verify: { times: 1_000, run: () => crypto.subtle.verify(parameters.use, publicKey, signature, message) },
  }
  made.set(algorithm, operations)
  return operations[act]
}

export default {
  async fetch(request: Request): Promise<Response> {
    const [name = '', act] = new URL(request.url).pathname.slice(1).split('/')
    const operation = act === 'sign' || act === 'verify' ? await signingOperation(name, act) : hashes[name]
    if (operation === undefined) return new Response('no such operation', { status: 404 })
    // Local workerd's clock moves while it computes; production's moves with I/O only, so this measures nothing there.
    const began = performance.now()
    for (let i = 0; i < operation.times; i++) await operation.run()
    return new Response(String((performance.now() - began) / operation.times))
  },
}
