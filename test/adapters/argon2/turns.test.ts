import { afterEach, describe, expect, it, vi } from 'vitest'
import { Turns } from '../../../src/adapters/argon2/turns.ts'

afterEach(() => vi.useRealTimers())

describe('turns', () => {
  it('go to one at a time, and to everybody', async () => {
    const turns = new Turns()
    let running = 0
    let most = 0
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        turns.take(async () => {
          most = Math.max(most, ++running)
          await new Promise((resolve) => setTimeout(resolve, 1))
          running -= 1
          return i
        }),
      ),
    )
    expect(most).toBe(1)
    expect(results).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  it('let what is waiting in the event loop go first', async () => {
    const turns = new Turns()
    const order: string[] = []
    const blocks = (name: string) => turns.take(async () => void order.push(name))
    const both = Promise.all([blocks('first'), blocks('second')])
    setTimeout(() => order.push('answer'), 0)
    await both
    expect(order).toEqual(['first', 'answer', 'second'])
  })

  it('pass on after a failure', async () => {
    const turns = new Turns()
    await expect(turns.take(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await turns.take(async () => 'next')).toBe('next')
  })

  it('are taken over from a request that was cancelled while it had one', async () => {
    vi.useFakeTimers()
    const turns = new Turns()
    void turns.take(() => new Promise(() => {}))
    const next = turns.take(async () => 'next')
    await vi.advanceTimersByTimeAsync(1_900)
    expect(await Promise.race([next, 'waiting'])).toBe('waiting')
    await vi.advanceTimersByTimeAsync(200)
    expect(await next).toBe('next')
  })
})
