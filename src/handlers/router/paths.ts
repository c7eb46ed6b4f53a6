/**
 * From the path a client sent to the path that routes are compared with, and
 * back. Strings only.
 *
 * Rules for who may see what hang on this path, while whoever answers reads the
 * one that was sent, each in its own way: a file server makes '//' one slash, a
 * URL parser takes '\' for a slash, an app may decode '%2f'. Where two ways lead
 * to two routes, a client could pick the rule by one and the answer by the other.
 * So there is one way that counts, `meantPath`, and others that must agree with
 * it: host-routes.ts asks them.
 */
import { BACKSLASH, DOT, PERCENT, SLASH } from '../../http/bytes.ts'
import { decodePath, normalizePath } from '../../http/target.ts'

/**
 * Stands for a slash that was sent as '%2f', which does not part segments, as
 * http/path-text.ts has it for bytes that are no text: no UTF-8 decodes to half a
 * pair.
 */
const HIDDEN_SLASH = '\udc2f'
/** With `u`, halves of a pair are no match. What the parentheses match is every second piece of a split. */
const BYTES = /([\udc2f\udc80-\udcff])/u
const ESCAPE = 0xdc00

/** Whether a path can be read in one way only: as it stands. Nearly all can. No '%', no '\\', no '//', no '/.'. */
export function isPlain(raw: string): boolean {
  let before = 0
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i)
    if (code === PERCENT || code === BACKSLASH) return false
    if (before === SLASH && (code === SLASH || code === DOT)) return false
    before = code
  }
  return true
}

/**
 * Decoded, without empty segments and dot segments. Null for what names nothing: a
 * '%' without two digits, NUL, a path that climbs above the root.
 */
export function meantPath(raw: string): string | null {
  const decoded = decode(raw)
  return decoded === null ? null : normalizePath(decoded)
}

/** As the URL standard has it: '\' parts segments, empty segments are segments, and '..' undoes one of those, too. */
export function pathAsUrl(raw: string): string | null {
  return decode(new URL(`http://any${raw}`).pathname)
}

/**
 * The paths that are left when what could be taken for a slash is taken for one:
 * '%2f', '\\', or both; before dot segments are looked for, or after. None where
 * there is no such thing.
 */
export function pathsWithOtherSlashes(raw: string): (string | null)[] {
  if (!/%2f|%5c|\\/i.test(raw)) return []
  const read = [meantPath(raw), pathAsUrl(raw)]
  return OTHER_SLASHES.flatMap(({ early, late }) => {
    const slashed = raw.replace(early, '/')
    return [meantPath(slashed), pathAsUrl(slashed), ...read.map((path) => path?.replace(late, '/') ?? null)]
  })
}

const OTHER_SLASHES = [
  { early: /%2f/gi, late: /\udc2f/gu },
  { early: /%5c|\\/gi, late: /\\/g },
  { early: /%2f|%5c|\\/gi, late: /[\\\udc2f]/gu },
] as const

/** '//' as one slash, where dot segments are gone already. */
export function withSingleSlashes(path: string): string {
  return path.replace(/\/{2,}/g, '/')
}

/** A path meant as a client would send it, so that it cannot be read in another way. */
export function encodePath(meant: string): string {
  return encodeWith(encodeText, meant)
}

/** The same for a part of a query, where '&', '=' and '+' mean something. */
export function encodeForQuery(text: string): string {
  return encodeWith(encodeURIComponent, text)
}

function encodeWith(encode: (text: string) => string, text: string): string {
  if (!BYTES.test(text)) return encode(text)
  const hex = (byte: string) => (byte.charCodeAt(0) - ESCAPE).toString(16).toUpperCase()
  return text
    .split(BYTES)
    .map((piece, at) => (at % 2 === 1 ? `%${hex(piece)}` : encode(piece)))
    .join('')
}

/** Whatever is no pchar is percent-encoded, RFC 3986 §3.3. */
function encodeText(text: string): string {
  return encodeURI(text).replace(/[?#]/g, encodeURIComponent)
}

function decode(raw: string): string | null {
  if (!raw.includes('%')) return raw
  const pieces = raw.split(/%2f/i).map(decodePath)
  return pieces.includes(null) ? null : pieces.join(HIDDEN_SLASH)
}
