/**
 * The page that goes with a status nobody else has words for: 404, 405, 500…
 * Used by the static handler and by the worker's own refusals.
 *
 * One small document, complete in itself: no script, no picture, nothing loaded
 * from anywhere, in the reader's own light or dark. It never says more about the
 * server than the status does; what went wrong inside is the log's to tell.
 */
import { reasonPhrase } from '../http/status.ts'
import type { Reply } from './handler.ts'

/**
 * A reply of this status with its page. `detail` is a sentence for the reader in
 * place of the usual one; it may hold what a client sent. `fields` are added, as
 * `Allow` to a 405.
 */
export function errorReply(status: number, detail?: string, fields: readonly string[] = []): Reply {
  if (detail !== undefined) return pageReply(status, detail, fields)
  const usual = usualReplies.get(status) ?? pageReply(status, USUAL_SENTENCES[status] ?? '', [])
  // As many entries as there are statuses in use.
  usualReplies.set(status, usual)
  return fields.length === 0 ? usual : { ...usual, fields: [...usual.fields, ...fields] }
}

const usualReplies = new Map<number, Reply>()

/** nosniff: Fetch standard, "X-Content-Type-Options header". */
const PAGE_FIELDS = ['Content-Type', 'text/html; charset=utf-8', 'X-Content-Type-Options', 'nosniff'] as const

const USUAL_SENTENCES: Readonly<Record<number, string>> = {
  400: 'The request cannot be understood.',
  401: 'This is for those who have a name and a password for it.',
  403: 'This may not be read.',
  404: 'There is nothing at this address.',
  405: 'This cannot be done here.',
  406: 'There is nothing here in a form that the request takes.',
  408: 'The request took too long to arrive.',
  412: 'What is here is not what the request was made for.',
  413: 'The request is larger than this server takes.',
  414: 'The address is longer than this server takes.',
  416: 'The part that was asked for does not exist.',
  421: 'This server does not answer for the host that was asked.',
  431: 'The head of the request is larger than this server takes.',
  500: 'Something went wrong here. It was not the request.',
  501: 'This server does not know how to do that.',
  503: 'This cannot be answered just now. Please try again in a moment.',
}

function pageReply(status: number, sentence: string, fields: readonly string[]): Reply {
  return { status, fields: [...PAGE_FIELDS, ...fields], body: page(status, sentence) }
}

/** Of every page made here, in light and dark. */
export const COLORS = `\
:root { color-scheme: light dark; --paper: #fbfaf6; --ink: #1d2423; --soft: #55605d; --accent: #0b6e5f }
@media (prefers-color-scheme: dark) { :root { --paper: #12171a; --ink: #e7ebe8; --soft: #a3b0ac; --accent: #5fd0b8 } }`

/** The document around a page's own `style` and `body`; `title` and `body` are HTML. */
export function documentOf(title: string, style: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`
}

function page(status: number, sentence: string): string {
  const phrase = reasonPhrase(status) || 'Error'
  const body = `<main>
<b>${status}</b>
<h1>${phrase}</h1>
<p>${escapeHtml(sentence)}</p>
</main>`
  return documentOf(`${status} ${phrase}`, STYLE, body)
}

const STYLE = `
${COLORS}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 system-ui, sans-serif }
main { max-width: 34rem; padding: 2rem }
b { color: var(--accent); font: 600 1rem ui-monospace, monospace }
h1 { margin: .2rem 0 .6rem; font-size: clamp(1.8rem, 6vw, 2.8rem); line-height: 1.1; letter-spacing: -.02em }
p { margin: 0; color: var(--soft); overflow-wrap: anywhere }
`

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as it may stand between tags and within the quotes of an attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char]!)
}
