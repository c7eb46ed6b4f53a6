/**
 * The page that lists a folder: complete in itself, without a script, in the
 * reader's own light or dark, on any width. Columns are sorted by following a
 * link.
 *
 * A file may be called anything, and a stranger may have chosen its name. A name
 * stands on the page in two forms only: escaped, with what cannot be seen made
 * visible (shownName), and percent-encoded in a link that is relative and can
 * therefore lead nowhere but into this folder.
 */
import { createHash } from 'node:crypto'
import { rfc3339 } from '../../http/date.ts'
import { percentEncode } from '../../http/path-text.ts'
import { COLORS, documentOf, escapeHtml } from '../pages.ts'
import { type ListedPlace, segmentsOf } from './listing-place.ts'
import type { Entry, FolderContents } from './read-folder.ts'
import { queryOf, type Sorting, type SortKey, sortingBy } from './sorting.ts'

/** The entries are in their order already. */
export function listingPage(place: ListedPlace, contents: FolderContents, sorting: Sorting): string {
  const query = queryOf(sorting)
  const folders = foldersOf(place)
  const rows = contents.entries.map((entry) => rowOf(entry, query))
  if (place.above > 0) rows.unshift(parentRow(query))
  const body = `${ICONS}
<main>
<nav aria-label="Breadcrumb"><ol>${crumbs(folders, query)}</ol></nav>
<h1><bdi>${shownName(folders.at(-1)!)}</bdi></h1>
<p>${summaryOf(contents)}</p>
<table>
<thead>
<tr>${COLUMNS.map(([key, label]) => headingOf(key, label, sorting)).join('')}</tr>
</thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
</main>`
  return documentOf(`Index of ${shownName(place.path)}`, STYLE, body)
}

const ROOT_NAME = 'Index'

/** The folder itself, and before it those above that can be listed, too: from the highest. */
function foldersOf({ path, above }: ListedPlace): string[] {
  return [ROOT_NAME, ...segmentsOf(path)].slice(-1 - above)
}

/** A way up by counting steps: the page does not know by which path its root is reached. */
function crumbs(folders: readonly string[], query: string): string {
  const shown = folders.map((folder) => `<bdi>${shownName(folder)}</bdi>`)
  const last = shown.pop()
  const links = shown.map((text, at) => `<li>${linkTo('../'.repeat(shown.length - at) + query, text)}</li>`)
  return `${links.join('')}<li><span aria-current="page">${last}</span></li>`
}

function summaryOf({ entries, isWhole }: FolderContents): string {
  const folders = entries.filter((entry) => entry.isFolder).length
  const counts = [counted(folders, 'folder'), counted(entries.length - folders, 'file')].filter((text) => text !== '')
  const summary = counts.length === 0 ? 'There is nothing here.' : `${counts.join(', ')}.`
  return isWhole ? summary : `${summary} <strong>There is more in this folder than is listed.</strong>`
}

function counted(count: number, noun: string): string {
  if (count === 0) return ''
  return `${GROUPED.format(count)} ${noun}${count === 1 ? '' : 's'}`
}

const COLUMNS: readonly (readonly [key: SortKey, label: string])[] = [
  ['name', 'Name'],
  ['size', 'Size'],
  ['time', 'Modified <small>UTC</small>'],
]

function headingOf(key: SortKey, label: string, sorting: Sorting): string {
  const isSorted = key === sorting.key
  const state = isSorted ? ` aria-sort="${sorting.order}ending"` : ''
  const arrow = isSorted ? `<i aria-hidden="true">${sorting.order === 'asc' ? '↑' : '↓'}</i>` : ''
  const { key: by, order } = sortingBy(key, sorting)
  return `<th scope="col"${state}>${linkTo(`?sort=${by}&order=${order}`, label + arrow)}</th>`
}

/** Without a size or a date: what is above is no part of this folder. */
function parentRow(query: string): string {
  return `<tr><th scope="row">${linkTo(`../${query}`, `${icon('up')}Parent folder`)}</th><td></td><td></td></tr>`
}

function rowOf({ name, isFolder, size, mtimeMs }: Entry, query: string): string {
  const shown = `<bdi>${shownName(name)}${isFolder ? '/' : ''}</bdi>`
  const link = isFolder
    ? linkTo(`${percentEncode(name)}/${query}`, icon('folder') + shown)
    : linkTo(percentEncode(name), icon('file') + shown)
  return `<tr><th scope="row">${link}</th><td>${isFolder ? '' : sizeOf(size)}</td><td>${timeOf(mtimeMs)}</td></tr>`
}

/** `content` is HTML already. */
function linkTo(reference: string, content: string): string {
  return `<a href="${escapeHtml(reference)}">${content}</a>`
}

function icon(shape: string): string {
  return `<svg aria-hidden="true"><use href="#${shape}"/></svg>`
}

/** 1,234,567 */
const GROUPED = new Intl.NumberFormat('en')

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const

/** Two digits or more; the bytes themselves on pointing at it. */
export function sizeOf(bytes: number): string {
  let value = bytes
  let unit = 0
  for (; Math.round(value) >= 1_024 && unit < UNITS.length - 1; unit++) value /= 1_024
  const digits = unit > 0 && value < 9.95 ? value.toFixed(1) : String(Math.round(value))
  return `<data value="${bytes}" title="${GROUPED.format(bytes)} bytes">${digits} ${UNITS[unit]}</data>`
}

/** To the minute; the second is for programs. On a narrow page the day alone is shown. */
function timeOf(ms: number): string {
  const text = rfc3339(ms)
  return `<time datetime="${text}">${text.slice(0, 10)}<span> ${text.slice(11, 16)}</span></time>`
}

/**
 * A name as it may stand on the page, escaped. Control characters are shown by
 * their pictures (U+2400…), and so are blanks at either end. What has none is
 * U+FFFD: bytes that are no UTF-8, and what would break the line or turn the
 * direction of what follows.
 */
export function shownName(name: string): string {
  return escapeHtml(name.replace(OUTER_BLANKS, '\u2423').replace(CONTROLS, pictureOf).replace(UNSHOWABLE, '\ufffd'))
}

const OUTER_BLANKS = /^ | $/g

const CONTROLS = /[\x00-\x1f\x7f]/g
const UNSHOWABLE = /[\x80-\x9f\u2028-\u202e\u2066-\u2069\p{Surrogate}]/gu

function pictureOf(control: string): string {
  return control === '\x7f' ? '\u2421' : String.fromCharCode(0x2400 + control.charCodeAt(0))
}

const ICONS = `<svg hidden>
<symbol id="folder" viewBox="0 0 16 16"><path d="M1.5 3.5h4.6l1.4 1.6h7v7.4a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1z" fill="currentColor"/></symbol>
<symbol id="file" viewBox="0 0 16 16"><path d="M3.5 1.5h6l3 3v10h-9zM9.3 1.7v3h3" fill="none" stroke="currentColor"/></symbol>
<symbol id="up" viewBox="0 0 16 16"><path d="M3 7l5-5 5 5M8 2.5V14" fill="none" stroke="currentColor" stroke-width="1.4"/></symbol>
</svg>`

const STYLE = `
${COLORS}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: clamp(1rem, 4vw, 3rem) clamp(1rem, 4vw, 2rem) 4rem }
a { color: inherit; text-decoration: none }
a:hover { color: var(--accent); text-decoration: underline; text-underline-offset: .2em }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px }
ol { display: flex; flex-wrap: wrap; margin: 0; padding: 0; list-style: none; color: var(--accent);
  font: 600 1rem/1.5 ui-monospace, monospace }
li { overflow-wrap: anywhere }
li + li::before { content: "/"; margin: 0 .5em; color: var(--soft); font-weight: 400 }
h1 { margin: .2rem 0 .4rem; font-size: clamp(1.6rem, 5vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em;
  overflow-wrap: anywhere }
p { margin: 0 0 1.5rem; color: var(--soft) }
strong { color: var(--accent); font-weight: 600 }
table { width: 100%; border-collapse: collapse }
th, td { padding: .45rem .5rem; text-align: start; font-weight: 400; vertical-align: baseline;
  border-bottom: 1px solid color-mix(in srgb, var(--soft) 25%, transparent) }
thead th { padding-bottom: .3rem; color: var(--soft); font-size: .875rem; white-space: nowrap;
  border-bottom-color: color-mix(in srgb, var(--soft) 60%, transparent) }
[aria-sort] { color: var(--accent) }
i { margin-inline-start: .35em; font-style: normal }
small { font-size: .75em; letter-spacing: .04em }
th:first-child { padding-inline-start: 0 }
td:last-child, th:last-child { padding-inline-end: 0 }
tbody th a { display: flex; gap: .6em }
tbody bdi { min-width: 0; overflow-wrap: anywhere; white-space: pre-wrap }
tbody tr:hover { background: color-mix(in srgb, var(--accent) 8%, transparent) }
th + th, th + td, td + td { text-align: end; white-space: nowrap; width: 1% }
td { color: var(--soft); font-variant-numeric: tabular-nums }
td + td { padding-inline-start: 1.5rem }
svg { flex: none; align-self: baseline; width: 1em; height: 1em; translate: 0 .125em; color: var(--accent) }
@media (max-width: 36rem) { time span { display: none } td + td { padding-inline-start: .5rem } body { font-size: .9375rem } }
`

/** The page as a browser is told to take it: its own style and the site's icon, and nothing else whatever a name may hold. CSP Level 3. */
export function listingPolicy(): string {
  const style = createHash('sha256').update(STYLE).digest('base64')
  return `default-src 'none'; style-src 'sha256-${style}'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`
}
