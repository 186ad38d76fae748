import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { takeLock } from '../../dev/lock.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

async function lockFile() {
  const file = join(await temporaryFolder(), 'lock')
  const notices: string[] = []
  const take = () => takeLock(file, 'http://localhost:1', (line) => notices.push(line))
  return { file, notices, take }
}

/** A process that does nothing until it is killed. */
async function idleProcess() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'spawn')
  const end = async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { pid: child.pid ?? 0, end }
}

describe('a lock', () => {
  it('is held by one, who is named to the next', async () => {
    const { file, take, notices } = await lockFile()
    const lock = await take()
    await expect(take()).rejects.toThrow(
      `Postern already runs in this folder: process ${process.pid}, http://localhost:1. Stop it first: kill ${process.pid}`,
    )
    await lock.release()
    expect(existsSync(file)).toBe(false)
    await (await take()).release()
    expect(notices).toEqual([])
  })

  it('goes to one of many who ask at once', async () => {
    const { take } = await lockFile()
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, take))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('of a process that has ended is taken over, with one line', async () => {
    const { file, take, notices } = await lockFile()
    const gone = await idleProcess()
    await gone.end()
    await writeFile(file, JSON.stringify({ url: 'x', holders: [{ pid: gone.pid, started: '1' }] }))
    const lock = await take()
    expect(notices).toEqual([`Taking over the lock of process ${gone.pid}, which has ended.`])
    expect(JSON.parse(await readFile(file, 'utf8')).holders[0].pid).toBe(process.pid)
    await lock.release()
  })

  it('of another process that had the same number is taken over', async () => {
    const { file, take, notices } = await lockFile()
    await writeFile(file, JSON.stringify({ url: 'x', holders: [{ pid: process.pid, started: 'long ago' }] }))
    await (await take()).release()
    expect(notices).toHaveLength(1)
  })

  it.each(['', '{', 'null', '{"holders":1}'])('that reads %j is nobody’s', async (text) => {
    const { file, take, notices } = await lockFile()
    await writeFile(file, text)
    await (await take()).release()
    expect(notices).toHaveLength(1)
  })

  it('waits for the database’s process when the main one has ended', async () => {
    const { file, take, notices } = await lockFile()
    const database = await idleProcess()
    const first = await take()
    await first.addHolder(database.pid)
    const content = JSON.parse(await readFile(file, 'utf8'))
    content.holders[0].started = 'long ago'
    await writeFile(file, JSON.stringify(content))

    const second = take()
    await expect.poll(() => notices).toEqual([`Waiting for process ${database.pid} to close the database.`])
    await database.end()
    await (await second).release()
    expect(notices).toHaveLength(2)
  })
})
