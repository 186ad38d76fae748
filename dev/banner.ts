/** What a newcomer needs next. */
export function banner({
  url,
  mailboxUrl,
  admin,
  devVars,
}: {
  url: string
  mailboxUrl: string
  admin: { email: string; password: string } | null
  /** How to start the Worker, when the stack does not. */
  devVars: string | null
}): string {
  const json = `-H 'Content-Type: application/json'`
  const tour = [
    `curl -i ${url}/v1/register ${json} -d '{"email":"ada@example.test","password":"a gate at the edge of town"}'`,
    `CODE=$(curl -s '${mailboxUrl}/messages?to=ada@example.test' | grep -o '"code":"[0-9]*"' | head -1 | tr -dc 0-9)`,
    `curl -i ${url}/v1/email/verify ${json} -d '{"email":"ada@example.test","code":"'$CODE'"}'`,
    `curl -i ${url}/v1/login ${json} -d '{"email":"ada@example.test","password":"a gate at the edge of town"}'`,
  ]
  const rows: [string, string][] = [
    ['Postern', devVars === null ? url : `not started here: ${devVars}`],
    ['Docs', `${url}/docs`],
    ['Mailbox', mailboxUrl],
    ['Admin', admin === null ? 'none made' : `${admin.email}  ${admin.password}`],
    ['For scripts', '.data/dev.json'],
  ]
  return `
${rows.map(([name, value]) => `  ${name.padEnd(13)}${value}`).join('\n')}

  Try it${devVars === null ? '' : ' once the Worker runs'} (the whole tour is in README.md):
${tour.map((line) => `    ${line}`).join('\n')}

  Ctrl-C stops everything. What you made stays in .data/; delete that folder to begin anew.
`
}
