/**
 * Paths as text. A path is bytes; nearly always they are UTF-8, and must not be.
 *
 * A byte that belongs to no UTF-8 stands in the text as the lone surrogate
 * U+DC00 + byte, as PEP 383 has it. No UTF-8 decodes to one, so every path of bytes
 * has a text of its own, and its bytes can be had back: percentEncode here, and
 * kernel/path-bytes.ts where a file is opened. A name that an old system left in
 * Latin-1 or EUC-KR can thus be served, listed and linked like any other.
 */
import { isUtf8 } from 'node:buffer'

/** The text of a path's bytes. */
export function textOfBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at)
    text += length === 0 ? String.fromCharCode(ESCAPE + bytes[at]!) : bytes.toString('utf8', at, at + length)
    at += length || 1
  }
  return text
}

const ESCAPE = 0xdc00

/** How many bytes the character at bytes[at] has; 0 when none begins there. Unicode 15, table 3-7. */
function characterLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  return isUtf8(bytes.subarray(at, at + length)) ? length : 0
}

/**
 * One segment of a path, or any text, with everything percent-encoded but RFC
 * 3986's unreserved characters and !*'(). A byte that stood for itself stands for
 * itself again.
 */
export function percentEncode(text: string): string {
  if (!LONE_BYTE.test(text)) return encodeURIComponent(text)
  return text
    .split(LONE_BYTES) // what the parentheses matched is every second piece
    .map((piece, at) =>
      at % 2 === 1 ? `%${(piece.charCodeAt(0) - ESCAPE).toString(16).toUpperCase()}` : encodeURIComponent(piece),
    )
    .join('')
}

/** With the flag u, halves of a pair are no match. */
const LONE_BYTE = /[\udc80-\udcff]/u
const LONE_BYTES = /([\udc80-\udcff])/u
