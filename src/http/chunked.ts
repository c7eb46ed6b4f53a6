/**
 * The chunked coding, RFC 9112 §7.1, both ways.
 *
 *     chunk-size [ chunk-ext ] CRLF     SIZE, EXTENSION, SIZE_LF
 *     chunk-data CRLF                   DATA, DATA_CR, DATA_LF
 *     1*"0" [ chunk-ext ] CRLF          the same three: a size of zero is the last
 *     *( field-line CRLF )              TRAILER_LINE, TRAILER_NAME, TRAILER_VALUE, TRAILER_LF
 *     CRLF                              END_LF
 *
 * The decoder hands data on where it lies and copies nothing. Extensions and trailer fields are checked for their
 * grammar and dropped: nobody has agreed on a meaning for them, and a trailer must never become a header.
 */
import {
  BACKSLASH,
  COLON,
  CR,
  EQUALS,
  FIELD_VALUE,
  HEX_VALUE,
  isBlank,
  LF,
  NOT_HEX,
  QUOTE,
  QUOTED_TEXT,
  SEMICOLON,
  TOKEN,
} from './bytes.ts'
import type { RefusalName } from './refusals.ts'

/** Where a body goes, piece by piece. The bytes are the sink's until it returns. */
export interface BodySink {
  data(input: Buffer, from: number, to: number): void
}

/** Sixteen digits hold any 64-bit size; more can only be zeros in front, or an attempt at overflow. */
const SIZE_DIGITS_MAX = 16
const EXTENSION_BYTES_MAX = 256
/** For one body. Without it, chunks of one byte with long extensions make a server read a hundred times what it counts. */
const ALL_EXTENSIONS_BYTES_MAX = 16_384
const TRAILER_BYTES_MAX = 8_192
const TRAILER_FIELDS_MAX = 64

const SIZE = 0
const EXTENSION = 1
const SIZE_LF = 2
const DATA = 3
const DATA_CR = 4
const DATA_LF = 5
const TRAILER_LINE = 6
const TRAILER_NAME = 7
const TRAILER_VALUE = 8
const TRAILER_LF = 9
const END_LF = 10
const FINISHED = 11
const TURNED_AWAY = 12

export class ChunkedDecoder {
  /** The last chunk and the trailer section have been read. */
  done = false
  /** Why this body was given up, if it was. */
  refusal: RefusalName | null = null

  readonly #bodyBytesMax: number
  #state = SIZE
  #sizeDigits = 0
  /** The present chunk's size, then what is left of it. */
  #left = 0
  #bodyBytes = 0
  #extension = AFTER_SIZE
  #extensionBytes = 0
  #allExtensionBytes = 0
  #trailerBytes = 0
  #trailerFields = 0
  #nameBytes = 0

  constructor(bodyBytesMax: number) {
    this.#bodyBytesMax = bodyBytesMax
  }

  /** Reads input[from..to) and returns how many bytes of it were the body's; the rest belongs to the next request. */
  decode(input: Buffer, from: number, to: number, sink: BodySink): number {
    let at = from
    while (at < to && this.#state < FINISHED) {
      switch (this.#state) {
        case SIZE:
          at = this.#readSize(input, at, to)
          break
        case EXTENSION:
          at = this.#readExtension(input, at, to)
          break
        case SIZE_LF:
          at = this.#expect(LF, input, at, this.#left > 0 ? DATA : TRAILER_LINE, 'BAD_CHUNK')
          break
        case DATA:
          at = this.#passData(input, at, to, sink)
          break
        case DATA_CR:
          at = this.#expect(CR, input, at, DATA_LF, 'BAD_CHUNK')
          break
        case DATA_LF:
          at = this.#beginChunk(input, at)
          break
        case TRAILER_LINE:
          at = this.#beginTrailerLine(input, at)
          break
        case TRAILER_NAME:
          at = this.#readTrailerName(input, at, to)
          break
        case TRAILER_VALUE:
          at = this.#readTrailerValue(input, at, to)
          break
        case TRAILER_LF:
          at = this.#expect(LF, input, at, TRAILER_LINE, 'BAD_TRAILER')
          break
        case END_LF:
          at = this.#expect(LF, input, at, FINISHED, 'BAD_TRAILER')
          break
      }
    }
    this.done = this.#state === FINISHED
    return at - from
  }

  /** chunk-size = 1*HEXDIG. Judged digit by digit, so that no size is ever waited for that would be refused. */
  #readSize(input: Buffer, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      const digit = HEX_VALUE[input[at]]
      if (digit === NOT_HEX) return this.#endSize(at)
      this.#sizeDigits += 1
      this.#left = this.#left * 16 + digit
      if (this.#sizeDigits > SIZE_DIGITS_MAX || this.#left > Number.MAX_SAFE_INTEGER)
        return this.#refuse('BAD_CHUNK', at)
      if (this.#left > this.#bodyBytesMax - this.#bodyBytes) return this.#refuse('BODY_TOO_LONG', at)
    }
    return to
  }

  #endSize(at: number): number {
    if (this.#sizeDigits === 0) return this.#refuse('BAD_CHUNK', at)
    this.#extension = AFTER_SIZE
    this.#extensionBytes = 0
    this.#state = EXTENSION
    return at
  }

  #readExtension(input: Buffer, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      if (input[at] === CR && mayEnd(this.#extension)) {
        this.#state = SIZE_LF
        return at + 1
      }
      this.#extension = nextInExtension(this.#extension, input[at])
      if (this.#extension === NO_EXTENSION) return this.#refuse('BAD_CHUNK', at)
      this.#extensionBytes += 1
      this.#allExtensionBytes += 1
      if (this.#extensionBytes > EXTENSION_BYTES_MAX) return this.#refuse('EXTENSIONS_TOO_LONG', at)
      if (this.#allExtensionBytes > ALL_EXTENSIONS_BYTES_MAX) return this.#refuse('EXTENSIONS_TOO_LONG', at)
    }
    return to
  }

  #passData(input: Buffer, from: number, to: number, sink: BodySink): number {
    const end = Math.min(to, from + this.#left)
    this.#left -= end - from
    this.#bodyBytes += end - from
    if (this.#left === 0) this.#state = DATA_CR
    sink.data(input, from, end)
    return end
  }

  #beginChunk(input: Buffer, at: number): number {
    this.#sizeDigits = 0
    return this.#expect(LF, input, at, SIZE, 'BAD_CHUNK')
  }

  #beginTrailerLine(input: Buffer, at: number): number {
    if (input[at] === CR) {
      this.#state = END_LF
      return at + 1
    }
    this.#trailerFields += 1
    if (this.#trailerFields > TRAILER_FIELDS_MAX) return this.#refuse('TRAILER_TOO_LONG', at)
    this.#nameBytes = 0
    this.#state = TRAILER_NAME
    return at
  }

  #readTrailerName(input: Buffer, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      if (!this.#countTrailerByte()) return this.#refuse('TRAILER_TOO_LONG', at)
      if (TOKEN[input[at]] === 1) {
        this.#nameBytes += 1
        continue
      }
      if (input[at] !== COLON || this.#nameBytes === 0) return this.#refuse('BAD_TRAILER', at)
      this.#state = TRAILER_VALUE
      return at + 1
    }
    return to
  }

  #readTrailerValue(input: Buffer, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      if (!this.#countTrailerByte()) return this.#refuse('TRAILER_TOO_LONG', at)
      if (FIELD_VALUE[input[at]] === 1) continue
      if (input[at] !== CR) return this.#refuse('BAD_TRAILER', at)
      this.#state = TRAILER_LF
      return at + 1
    }
    return to
  }

  #countTrailerByte(): boolean {
    this.#trailerBytes += 1
    return this.#trailerBytes <= TRAILER_BYTES_MAX
  }

  #expect(byte: number, input: Buffer, at: number, next: number, otherwise: RefusalName): number {
    if (input[at] !== byte) return this.#refuse(otherwise, at)
    this.#state = next
    return at + 1
  }

  #refuse(refusal: RefusalName, at: number): number {
    this.refusal = refusal
    this.#state = TURNED_AWAY
    return at
  }
}

/**
 * chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), RFC 9112 §7.1.1.
 * A step names what was just read.
 */
const NO_EXTENSION = -1
const AFTER_SIZE = 0
const AFTER_SIZE_BLANK = 1
const AFTER_SEMICOLON = 2
const IN_NAME = 3
const AFTER_NAME_BLANK = 4
const AFTER_EQUALS = 5
const IN_TOKEN = 6
const IN_QUOTES = 7
const AFTER_BACKSLASH = 8
const AFTER_QUOTES = 9

function nextInExtension(step: number, byte: number): number {
  switch (step) {
    case AFTER_SIZE:
    case AFTER_SIZE_BLANK:
    case AFTER_QUOTES:
      return isBlank(byte) ? AFTER_SIZE_BLANK : byte === SEMICOLON ? AFTER_SEMICOLON : NO_EXTENSION
    case AFTER_SEMICOLON:
      return isBlank(byte) ? AFTER_SEMICOLON : TOKEN[byte] === 1 ? IN_NAME : NO_EXTENSION
    case IN_NAME:
      return TOKEN[byte] === 1 ? IN_NAME : nextAfterName(byte)
    case AFTER_NAME_BLANK:
      return nextAfterName(byte)
    case AFTER_EQUALS:
      if (isBlank(byte)) return AFTER_EQUALS
      return byte === QUOTE ? IN_QUOTES : TOKEN[byte] === 1 ? IN_TOKEN : NO_EXTENSION
    case IN_TOKEN:
      return TOKEN[byte] === 1 ? IN_TOKEN : nextInExtension(AFTER_SIZE, byte)
    case IN_QUOTES:
      if (byte === QUOTE) return AFTER_QUOTES
      return byte === BACKSLASH ? AFTER_BACKSLASH : QUOTED_TEXT[byte] === 1 ? IN_QUOTES : NO_EXTENSION
    default:
      return FIELD_VALUE[byte] === 1 ? IN_QUOTES : NO_EXTENSION
  }
}

function nextAfterName(byte: number): number {
  if (isBlank(byte)) return AFTER_NAME_BLANK
  return byte === EQUALS ? AFTER_EQUALS : byte === SEMICOLON ? AFTER_SEMICOLON : NO_EXTENSION
}

/** White space may stand before ';' but not before the line's end: "5 " is read as 5 by some and refused by others. */
function mayEnd(step: number): boolean {
  return step === AFTER_SIZE || step === IN_NAME || step === IN_TOKEN || step === AFTER_QUOTES
}

/** What stands before `length` bytes of a chunk; after them comes CR LF. Never for 0: that would be LAST_CHUNK. */
export function chunkHead(length: number): string {
  return `${length.toString(16)}\r\n`
}

/** Ends a chunked body: the last chunk and an empty trailer section. */
export const LAST_CHUNK = '0\r\n\r\n'
