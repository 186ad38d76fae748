import { isArgon2, parsePhc } from '../../domain/phc.ts'
import type { Argon2Engine } from './engine.ts'

/** Made by the reference implementation and checked against it by a test. The password is not ASCII and holds a NUL: bytes must pass whole. */
export const knownAnswer = {
  password: 'ééééXYZ1\u0000🐎',
  hash: '$argon2id$v=19$m=32,t=2,p=1$cG9zdGVybi1zZWxmdGVzdA$Gg4cNTMNQODjkIrrhCfapmHrhqLdlU00TpaVh0pJMYo',
} as const

/** Computes one known answer, in well under a millisecond. @throws Error when the engine gives another. */
export function testArgon2(engine: Argon2Engine): void {
  const { recipe, salt, tag } = parsePhc(knownAnswer.hash)
  if (!isArgon2(recipe)) throw new TypeError('argon2: the known answer is not an Argon2 hash')
  const answer = engine(new TextEncoder().encode(knownAnswer.password), recipe, salt, tag.length)
  if (answer.length !== tag.length || answer.some((byte, at) => byte !== tag[at])) {
    throw new Error('argon2: the self-test gave a wrong answer')
  }
}
