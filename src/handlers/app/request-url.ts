/**
 * The URL a request is for, as the URL standard writes it: what `new URL(…).href`
 * would say, mostly without making one.
 *
 * Pure. The head's parser has seen to it that the path begins with '/' (or is the
 * '*' of OPTIONS) and holds neither '?' nor '#'.
 */
import { DOT, PERCENT, SLASH } from '../../http/bytes.ts'
import { ByAuthority } from '../by-authority.ts'

/**
 * `http://host`, or `https://host` for what has come over TLS, with the port where it is not that of the scheme; null for
 * an authority that no URL can have.
 */
export function originOf(authority: string, isSecure: boolean): string | null {
  return (isSecure ? secureOrigins : plainOrigins).find(authority)
}

const plainOrigins = new ByAuthority((authority) => parseOrigin('http', authority))
const secureOrigins = new ByAuthority((authority) => parseOrigin('https', authority))

function parseOrigin(scheme: 'http' | 'https', authority: string): string | null {
  if (/[/\\?#@\s]/.test(authority) || !URL.canParse(`${scheme}://${authority}/`)) return null
  return new URL(`${scheme}://${authority}/`).origin
}

/** `query` is '' or begins with '?'. */
export function hrefOf(origin: string, path: string, query: string): string {
  if (isPlainPath(path) && isPlainQuery(query)) return `${origin}${path}${query}`
  return new URL(`${origin}${path.startsWith('/') ? '' : '/'}${path}${query}`).href
}

/**
 * Whether the URL parser would leave it alone: it begins with '/', is made of plain characters, and no segment begins
 * with '.' or '%', which could be a dot segment ('%2e' is a dot as well). Character by character, for paths are short:
 * beginning to look with a regular expression costs more.
 */
function isPlainPath(path: string): boolean {
  let before = 0
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (PLAIN_PATH[code] !== 1 || (before === SLASH && (code === DOT || code === PERCENT))) return false
    before = code
  }
  return path.charCodeAt(0) === SLASH
}

function isPlainQuery(query: string): boolean {
  for (let i = 0; i < query.length; i++) if (PLAIN_QUERY[query.charCodeAt(i)] !== 1) return false
  return true
}

/** Characters that the URL parser leaves alone; not all of them, but all that are common. */
const PLAIN_PATH = charactersOf(/[\w\-.~!$&'()*+,;=:@%/]/)
const PLAIN_QUERY = charactersOf(/[\w\-.~!$&()*+,;=:@%/?[\]]/)

function charactersOf(group: RegExp): Uint8Array {
  return Uint8Array.from({ length: 0x80 }, (_, code) => (group.test(String.fromCharCode(code)) ? 1 : 0))
}
