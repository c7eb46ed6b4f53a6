/**
 * The alphabet of HTTP: the bytes with names, and the classes the grammar puts them in.
 *
 * A class is a table of 256 answers, so asking costs one load; every parser of this folder shares these.
 * Nothing here knows about messages.
 */
export const HTAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const QUOTE = 0x22
export const PERCENT = 0x25
export const ASTERISK = 0x2a
export const COMMA = 0x2c
export const DOT = 0x2e
export const SLASH = 0x2f
export const ZERO = 0x30
export const ONE = 0x31
export const NINE = 0x39
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const EQUALS = 0x3d
export const QUESTION = 0x3f
export const OPEN_BRACKET = 0x5b
export const BACKSLASH = 0x5c
export const CLOSE_BRACKET = 0x5d

const DIGITS = '0123456789'
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** tchar, RFC 9110 §5.6.2: what methods, field names and list words are made of. */
export const TOKEN = classOf(`!#$%&'*+-.^_\`|~${DIGITS}${LETTERS}`)

/** field-vchar / SP / HTAB, RFC 9110 §5.5. No other control character, so no NUL, CR or LF; obs-text is let through. */
export const FIELD_VALUE = classOf('\t', [0x20, 0x7e], [0x80, 0xff])

/** qdtext, RFC 9110 §5.6.4: a field value's bytes without the quote and the backslash. */
export const QUOTED_TEXT = without(FIELD_VALUE, '"\\')

/**
 * What a request-target may be made of, up to its query. Wider than RFC 3986: browsers send `|`, `^` or `{` as they are.
 * Not `#`, which never leaves a client, and no byte above ASCII, which every server in a chain would read differently.
 */
export const TARGET = without(classOf('', [0x21, 0x7e]), '#?')

/** What may follow the first '?' of a request-target. */
export const QUERY = without(classOf('', [0x21, 0x7e]), '#')

/**
 * reg-name without its percent-encoded part, RFC 3986 §3.2.2: unreserved and sub-delims. But for the comma, which is in no
 * name that resolves, and is what two Host lines look like when somebody before us has joined them (RFC 9110 §5.2).
 */
export const HOST_NAME = classOf(`-._~!$&'()*+;=${DIGITS}${LETTERS}`)

/** The value of a hexadecimal digit; NOT_HEX for every other byte. */
export const NOT_HEX = 0xff
export const HEX_VALUE = hexValues()

/** A to Z as a to z, every other byte as itself. */
export const LOWER = lowerCase()

/** A piece of a buffer as a string, byte for byte. `latin1Slice` is what toString('latin1') calls after looking up the name. */
export function latin1(input: Buffer, from: number, to: number): string {
  return (input as unknown as Latin1Buffer).latin1Slice(from, to)
}

/** Whether input[from..to) is this lower-case word, in any case. */
export function isWord(input: Uint8Array, from: number, to: number, word: string): boolean {
  if (to - from !== word.length) return false
  const lower = LOWER // an imported or module-wide table is looked up anew at every turn of a loop, a local one is not
  for (let i = 0; i < word.length; i++) {
    if (lower[input[from + i]] !== word.charCodeAt(i)) return false
  }
  return true
}

/** Where the run of bytes of one class that begins at input[from] ends: at the first other byte, or at `to`. */
export function skip(members: Uint8Array, input: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && members[input[at]] === 1) at += 1
  return at
}

/**
 * skip(FIELD_VALUE, …), four bytes at a time while they are plain ASCII: most of a browser's head is field values.
 *
 * In each comparison the top bit of a byte says no: of the byte itself above ASCII, after subtracting 0x20 for a control
 * character, after subtracting 1 for DEL made zero. A borrow only ever comes from a byte that said no itself.
 */
export function skipFieldValue(input: Buffer, from: number, to: number): number {
  const view = viewOf(input)
  const lastWord = to - 4
  let at = from
  while (at <= lastWord) {
    const word = view.getInt32(at, true)
    if (((word | (word - 0x20202020) | ((word ^ 0x7f7f7f7f) - 0x01010101)) & 0x80808080) !== 0) break
    at += 4
  }
  return skip(FIELD_VALUE, input, at, to)
}

export function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE
}

/** OWS, RFC 9110 §5.6.3. */
export function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB
}

let viewedBuffer: Buffer = Buffer.alloc(0)
let view = new DataView(viewedBuffer.buffer, viewedBuffer.byteOffset, 0)

/** The last view is kept: a worker receives everything into one buffer, and making a view costs more than a short head. */
function viewOf(input: Buffer): DataView {
  if (input !== viewedBuffer) {
    viewedBuffer = input
    view = new DataView(input.buffer, input.byteOffset, input.length)
  }
  return view
}

/** Every node:buffer has this method; its types leave it out. */
interface Latin1Buffer {
  latin1Slice(from: number, to: number): string
}

function classOf(characters: string, ...ranges: readonly [first: number, last: number][]): Uint8Array {
  const members = new Uint8Array(256)
  for (const character of characters) members[character.charCodeAt(0)] = 1
  for (const [first, last] of ranges) members.fill(1, first, last + 1)
  return members
}

function without(base: Uint8Array, characters: string): Uint8Array {
  const members = base.slice()
  for (const character of characters) members[character.charCodeAt(0)] = 0
  return members
}

function hexValues(): Uint8Array {
  const values = new Uint8Array(256).fill(NOT_HEX)
  for (const digit of `${DIGITS}abcdefABCDEF`) values[digit.charCodeAt(0)] = Number.parseInt(digit, 16)
  return values
}

function lowerCase(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte))
}
