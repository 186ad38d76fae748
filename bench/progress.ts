/** Says what is being done, on stderr, so that stdout holds the result alone. */
export type Progress = (text: string) => void

export function startProgress(): Progress {
  const began = performance.now()
  return (text) => {
    const seconds = ((performance.now() - began) / 1_000).toFixed(0).padStart(3)
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${seconds} s  ${text}`)
    else process.stderr.write(`${seconds} s  ${text}\n`)
  }
}
