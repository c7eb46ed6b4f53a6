/**
 * Several ranges in one answer: multipart/byteranges, RFC 9110 §14.6 and §15.3.7.2.
 *
 *     --boundary CRLF Content-Type, Content-Range CRLF CRLF bytes        for each part
 *     CRLF --boundary-- CRLF                                             the end
 *
 * Text and numbers only: the bytes of the parts are put between by whoever has them.
 */
import type { ByteRange } from './range.ts'

/** A body in the making: `heads[i]` stands before the bytes of `ranges[i]`, `end` after the last. */
export interface Multipart {
  readonly contentType: string
  readonly ranges: readonly ByteRange[]
  readonly heads: readonly string[]
  readonly end: string
  /** Of the whole body, in bytes. */
  readonly length: number
}

/**
 * The parts of a `length` byte representation of that type. `boundary` must be one that nobody can have put into the
 * representation: random, made for this answer.
 */
export function multipartOf(ranges: readonly ByteRange[], length: number, type: string, boundary: string): Multipart {
  // The empty line that a boundary follows belongs to the boundary, RFC 2046 §5.1.1; the first needs none.
  const heads = ranges.map((range, at) => `${at === 0 ? '' : '\r\n'}${partHead(range, length, type, boundary)}`)
  const end = `\r\n--${boundary}--\r\n`
  const bytes = ranges.reduce((sum, range) => sum + sizeOf(range), 0)
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    ranges,
    heads,
    end,
    length: bytes + heads.join('').length + end.length,
  }
}

/** The value of a Content-Range field, RFC 9110 §14.4. */
export function contentRangeOf({ first, last }: ByteRange, length: number): string {
  return `bytes ${first}-${last}/${length}`
}

/**
 * Ranges that overlap, touch, or leave out less than a part costs, as one, RFC 9110 §15.3.7.2. Else they stay in the
 * order that was asked for; a joined one stands where its first member stood. So nobody can have the same byte sent
 * twice, and all parts together cost hardly more than the whole.
 */
export function coalesce(ranges: readonly ByteRange[], partBytes: number): ByteRange[] {
  let joined: ByteRange[] = []
  for (const range of ranges) joined = addTo(joined, range, partBytes)
  return joined
}

/** What a part costs beside its bytes, for a representation of `length` bytes. */
export function partBytesOf(length: number, type: string, boundary: string): number {
  return partHead({ first: length, last: length }, length, type, boundary).length + '\r\n'.length
}

/** `joined` are apart from each other. The new one may bridge several of them. */
function addTo(joined: readonly ByteRange[], range: ByteRange, partBytes: number): ByteRange[] {
  let { first, last } = range
  let place = joined.length
  let apart = joined
  for (;;) {
    const at = apart.findIndex((other) => other.first <= last + 1 + partBytes && first <= other.last + 1 + partBytes)
    if (at === -1) return apart.toSpliced(Math.min(place, apart.length), 0, { first, last })
    first = Math.min(first, apart[at]!.first)
    last = Math.max(last, apart[at]!.last)
    place = Math.min(place, at)
    apart = apart.toSpliced(at, 1)
  }
}

function partHead(range: ByteRange, length: number, type: string, boundary: string): string {
  return `--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRangeOf(range, length)}\r\n\r\n`
}

function sizeOf({ first, last }: ByteRange): number {
  return last - first + 1
}
