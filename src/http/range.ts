/**
 * Range requests, RFC 9110 §14: which bytes of a representation a client wants.
 *
 * A server may always ignore Range and send everything; so does this one whenever the field is malformed, in a unit it
 * does not know, or a list too long for an honest client. Overlaps cost nothing: byteranges.ts joins them.
 */

export interface ByteRange {
  /** Both are places in the representation, counted from 0 and inclusive, as Content-Range has them. */
  readonly first: number
  readonly last: number
}

/** More are asked for only to make a server work, RFC 9110 §17.15. */
export const RANGES_MAX = 16

/**
 * The ranges of a `length` byte representation that a Range field asks for, in its order, cut off at the end.
 * 'ignore' means 200 with everything; 'unsatisfiable' means 416.
 */
export function parseRange(field: string, length: number): ByteRange[] | 'unsatisfiable' | 'ignore' {
  if (length === 0) return 'ignore' // no range of nothing can be written as a Content-Range
  const equals = field.indexOf('=')
  if (equals === -1 || field.slice(0, equals).toLowerCase() !== 'bytes') return 'ignore'
  const specs = field.slice(equals + 1).split(',', RANGES_MAX + 1)
  if (specs.length > RANGES_MAX) return 'ignore'
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const range = parseSpec(trimBlanks(spec), length)
    if (range === null) return 'ignore'
    if (range.first > range.last) continue // well-formed, but beyond the end
    ranges.push(range)
  }
  return ranges.length === 0 ? 'unsatisfiable' : ranges
}

/** int-range or suffix-range, RFC 9110 §14.1.1; null if it is neither. A range without a byte comes out with first > last. */
function parseSpec(spec: string, length: number): ByteRange | null {
  const dash = spec.indexOf('-')
  if (dash === -1) return null
  const first = numberIn(spec, 0, dash)
  const last = numberIn(spec, dash + 1, spec.length)
  if (first === null || last === null) return null
  if (dash === 0) return spec.length === 1 ? null : { first: Math.max(0, length - last), last: length - 1 }
  if (dash === spec.length - 1) return { first, last: length - 1 }
  return last < first ? null : { first, last: Math.min(last, length - 1) }
}

/** *DIGIT as a number. What no number can hold exactly is beyond every file: it counts as the largest that can. */
function numberIn(text: string, from: number, to: number): number | null {
  let value = 0
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (!(digit >= 0 && digit <= 9)) return null
    value = Math.min(value * 10 + digit, Number.MAX_SAFE_INTEGER)
  }
  return value
}

/** OWS only: String.trim would take line breaks and no-break spaces too. */
function trimBlanks(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isBlank(text[from])) from += 1
  while (to > from && isBlank(text[to - 1])) to -= 1
  return text.slice(from, to)
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t'
}
