import { Hono } from 'hono'
import type { AppEnv } from '../middleware/request-context.ts'

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Confirm your e-mail address</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/verify-email.css">
<main>
<h1>Confirm your e-mail address</h1>
<p id="say" role="status">Press the button to confirm the address that this link was sent to.</p>
<button id="confirm" type="button" hidden>Confirm my e-mail address</button>
<noscript><p>This page needs JavaScript. You can enter the code from the mail in the app instead.</p></noscript>
</main>
<script src="/verify-email.js" defer></script>
</html>
`

// The token stays in the fragment until the button is pressed, so a scanner that opens the link uses nothing up.
const script = `const token = new URLSearchParams(location.hash.slice(1)).get('token')
const say = document.getElementById('say')
const button = document.getElementById('confirm')
if (token === null) {
  say.textContent = 'This link is not complete. Open it from the mail once more, or enter the code from the mail in the app.'
} else {
  button.hidden = false
  button.addEventListener('click', async () => {
    button.disabled = true
    try {
      const answer = await fetch('/v1/email/verify', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      })
      const body = await answer.json()
      say.textContent = answer.ok ? 'Your address is confirmed. You can sign in now.' : body.detail
      button.hidden = answer.ok
      if (answer.ok || answer.status === 400) history.replaceState(null, '', location.pathname)
    } catch {
      say.textContent = 'That did not work. Check your connection and try again.'
    }
    button.disabled = false
  })
}
`

const style = `body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 }
main { max-width: 30rem; margin: 15vh auto 0; padding: 0 1.25rem }
h1 { font-size: 1.4rem }
button { font: inherit; padding: .6em 1.2em; cursor: pointer }
`

/** The page behind the mailed link. GET never consumes: mail scanners open links too. A button POSTs. */
export function verifyEmailPage(): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .get('/verify-email', (c) => c.html(page, 200, { 'content-security-policy': policy }))
    .get('/verify-email.js', (c) => c.body(script, 200, { 'content-type': 'text/javascript; charset=utf-8' }))
    .get('/verify-email.css', (c) => c.body(style, 200, { 'content-type': 'text/css; charset=utf-8' }))
}
