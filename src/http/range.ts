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

/**
 * So many PDF viewers ask for at once, each page's objects lying where they lie. More are asked for only to make a server
 * work, RFC 9110 §17.15. An answer gets hardly longer than the whole by them: byteranges.ts sends no byte twice, and leaves
 * out more between two parts than the head of the second costs.
 */
export const RANGES_MAX = 100
/** "A reasonable number of empty list elements" is passed over by a recipient, RFC 9110 §5.6.1.2. */
export const EMPTY_ELEMENTS_MAX = 16

/**
 * The ranges of a `length` byte representation that a Range field asks for, in its order, cut off at the end.
 * 'ignore' means 200 with everything; 'unsatisfiable' means 416.
 */
export function parseRange(field: string, length: number): ByteRange[] | 'unsatisfiable' | 'ignore' {
  if (length === 0) return 'ignore' // no range of nothing can be written as a Content-Range
  const equals = field.indexOf('=')
  if (equals === -1 || field.slice(0, equals).toLowerCase() !== 'bytes') return 'ignore'
  const specs = specsIn(field.slice(equals + 1))
  if (specs === null) return 'ignore'
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const range = parseSpec(spec, length)
    if (range === null) return 'ignore'
    if (range.first > range.last) continue // well-formed, but beyond the end
    ranges.push(range)
  }
  return ranges.length === 0 ? 'unsatisfiable' : ranges
}

/** 1#range-spec, RFC 9110 §14.1.1: its elements that are not empty. Null for none, and for more than an honest client has. */
function specsIn(list: string): string[] | null {
  const elements = list.split(',', RANGES_MAX + EMPTY_ELEMENTS_MAX + 1).map(trimBlanks)
  const specs = elements.filter((element) => element !== '')
  const isHonest = specs.length <= RANGES_MAX && elements.length - specs.length <= EMPTY_ELEMENTS_MAX
  return specs.length > 0 && isHonest ? specs : null
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
  if (last < first || (first === Number.MAX_SAFE_INTEGER && isLess(spec.slice(dash + 1), spec.slice(0, dash))))
    return null
  return { first, last: Math.min(last, length - 1) }
}

/** Of two *DIGIT, also where both count as the largest number that there is. */
function isLess(one: string, other: string): boolean {
  const [a, b] = [one.replace(/^0+/, ''), other.replace(/^0+/, '')]
  return a.length === b.length ? a < b : a.length < b.length
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
