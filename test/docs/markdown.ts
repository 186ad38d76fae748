/** The rows of the first table after a heading, without head and rule; back quotes around a whole cell go. */
export function tableUnder(markdown: string, heading: string): string[][] {
  const start = markdown.split('\n').indexOf(heading)
  if (start < 0) throw new Error(`there is no heading ${JSON.stringify(heading)}`)
  const lines = markdown.split('\n').slice(start)
  const first = lines.findIndex((line) => line.startsWith('|'))
  const end = lines.findIndex((line, at) => at > first && !line.startsWith('|'))
  return lines.slice(first + 2, end < 0 ? undefined : end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1')),
  )
}
