import type { PresentedMail } from './mailbox.ts'

const shown = 100

const style = `
  :root { color-scheme: light dark; --line: #8884; --soft: #8882; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
  h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; margin: 0 }
  article { border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin: 1rem 0 }
  p { margin: .3rem 0 } .quiet { opacity: .7; font-size: .9rem }
  .code { font: 600 1.3rem ui-monospace, monospace; letter-spacing: .1em; background: var(--soft); padding: .1em .4em; border-radius: 4px }
  pre { white-space: pre-wrap; background: var(--soft); padding: .8rem; border-radius: 4px; font-size: .9rem }
  iframe { width: 100%; height: 24rem; border: 1px solid var(--line); background: #fff }`

/** The mailbox as a page: newest first, reloading itself. Whatever came by mail is escaped, and its HTML stands in a sandbox. */
export function renderMailbox(mails: readonly PresentedMail[]): string {
  const title = `Mailbox (${mails.length})`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<h1>${title}</h1>
<p class="quiet">Mails that Postern sent on this machine; nothing left it. Programs read <code>/messages?to=…</code>.</p>
${mails.length === 0 ? '<p>No mail yet.</p>' : mails.slice(0, shown).map(renderMail).join('\n')}
${mails.length > shown ? `<p class="quiet">The newest ${shown} are shown.</p>` : ''}
</body>
</html>
`
}

function renderMail({ at, to, subject, text, html, code, link }: PresentedMail): string {
  return `<article>
<h2>${escapeHtml(subject)}</h2>
<p class="quiet">to ${escapeHtml(to)} · <time datetime="${escapeHtml(at)}">${escapeHtml(at.replace('T', ' ').slice(0, 19))} UTC</time></p>
${code === null ? '' : `<p><span class="code">${escapeHtml(code)}</span></p>`}
${link === null ? '' : `<p><a href="${escapeHtml(link)}" rel="noreferrer">${escapeHtml(link)}</a></p>`}
<pre>${escapeHtml(text)}</pre>
${html === '' ? '' : `<details><summary>HTML</summary><iframe sandbox title="HTML of the mail" srcdoc="${escapeHtml(html)}"></iframe></details>`}
</article>`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => entities[letter] ?? letter)
}
