/**
 * A path as the kernel takes it: bytes that end with a NUL, in one place of memory
 * that all calls with a path share, one after another.
 *
 * Linux knows no characters: a name is any bytes but NUL and '/'. Nearly all are
 * UTF-8, and so are written here. A byte that belongs to no UTF-8 stands in a
 * string as the lone surrogate U+DC00 + byte (as PEP 383 has it), which no UTF-8
 * can mean; http/path-text.ts makes such strings. So every name has one string,
 * and every such string one name.
 */
import { allocate } from './memory.ts'

/** The longest path the kernel takes, with its NUL (limits.h, PATH_MAX). */
const PATH_MAX = 4096
/** Of one character. */
const UTF8_BYTES_MAX = 4
const path = allocate(PATH_MAX)

/** Where writePath has written. */
export const pathAddress = path.address

/** False when it does not fit, or holds a NUL, which would make it another path. */
export function writePath(text: string): boolean {
  if (text.includes('\0')) return false
  const length = path.bytes.write(text, 0, PATH_MAX - 1)
  // As many bytes as characters, and room for more: all of it is ASCII, and there.
  if (length === text.length && length < PATH_MAX - UTF8_BYTES_MAX) return endPath(length, length)
  return LONE_BYTE.test(text) ? writeEscaped(text) : endPath(length, Buffer.byteLength(text))
}

/** With the flag u, halves of a pair are no match. */
const LONE_BYTE = /[\udc80-\udcff]/u
const LONE_BYTES = /([\udc80-\udcff])/u

function writeEscaped(text: string): boolean {
  const pieces = text.split(LONE_BYTES) // what the parentheses matched is every second piece
  const bytes = Buffer.concat(
    pieces.map((piece, at) => (at % 2 === 1 ? Buffer.of(piece.charCodeAt(0) & 0xff) : Buffer.from(piece))),
  )
  return endPath(bytes.copy(path.bytes, 0, 0, PATH_MAX - 1), bytes.length)
}

function endPath(written: number, wanted: number): boolean {
  path.bytes[written] = 0
  return written === wanted
}
