/** Header and claims of a token, unverified: tests look at what we issue. */
export function decode(token: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const [header = '', claims = ''] = token.split('.')
  const read = (segment: string) => JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'))
  return { header: read(header), claims: read(claims) }
}

/** The same token with one bit of one character turned, in the segment of this number. */
export function flipBit(token: string, segment: number): string {
  const segments = token.split('.')
  const bytes = Buffer.from(segments[segment] ?? '', 'base64url')
  const middle = Math.floor(bytes.length / 2)
  bytes[middle] = (bytes[middle] ?? 0) ^ 1
  segments[segment] = bytes.toString('base64url')
  return segments.join('.')
}
