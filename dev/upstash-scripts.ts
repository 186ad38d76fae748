import { createHash } from 'node:crypto'

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')

/**
 * `@upstash/ratelimit` ≥ 2.1 marks its scripts `#!lua flags=allow-key-locking`, a flag that only Upstash knows: Redis 7 answers
 * "Unexpected flag in script shebang". This takes the flag out and remembers, for callers who name a script by its hash, which script the
 * server has instead. A hash it does not know goes through as it is, and the server's NOSCRIPT makes the client send the script.
 */
export function scriptRewriter() {
  /** Hash of the script as the client has it → hash as the server has it. As many as there are scripts in the project. */
  const hashes = new Map<string, string>()
  const rewrite = (script: string): string => {
    const plain = withoutUpstashFlag(script)
    if (plain !== script) hashes.set(sha1(script), sha1(plain))
    return plain
  }
  const serverHash = (hash: string) => hashes.get(hash.toLowerCase()) ?? hash

  return {
    /** The command as the server understands it. */
    forServer(command: readonly string[]): string[] {
      const [name = '', first = '', ...rest] = command
      switch (name.toUpperCase()) {
        case 'EVAL':
        case 'EVAL_RO':
          return [name, rewrite(first), ...rest]
        case 'EVALSHA':
        case 'EVALSHA_RO':
          return [name, serverHash(first), ...rest]
        case 'SCRIPT':
          if (first.toUpperCase() === 'LOAD') return [name, first, ...rest.map(rewrite)]
          if (first.toUpperCase() === 'EXISTS') return [name, first, ...rest.map(serverHash)]
      }
      return [...command]
    },
    /** `SCRIPT LOAD` answers with the hash of the script that was sent; `null` for other commands. */
    ownHash([name = '', first = '', script]: readonly string[]): string | null {
      const load = name.toUpperCase() === 'SCRIPT' && first.toUpperCase() === 'LOAD'
      return load && script !== undefined ? sha1(script) : null
    },
  }
}

function withoutUpstashFlag(script: string): string {
  return script.replace(/^#!lua([^\n]*)/, (line, options: string) => {
    const flags = /\bflags=(\S*)/.exec(options)
    if (!flags?.[1]?.split(',').includes('allow-key-locking')) return line
    const others = flags[1].split(',').filter((flag) => flag !== '' && flag !== 'allow-key-locking')
    const rest = options.replace(flags[0], others.length === 0 ? '' : `flags=${others.join(',')}`).trim()
    // An empty first line stays, so that line numbers in the script's errors stay right.
    return rest === '' ? '' : `#!lua ${rest}`
  })
}
