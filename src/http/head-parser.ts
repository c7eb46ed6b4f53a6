/**
 * Reads a request head: bytes in, a RequestHead out. RFC 9112 §2.1, §3 and §5.
 *
 *     *( CRLF )                                             BLANK_LINES, BLANK_LINE_LF
 *     method SP request-target SP HTTP-version CRLF         METHOD, TARGET, QUERY, VERSION, REQUEST_LINE_LF
 *     *( field-name ":" OWS field-value OWS CRLF )          FIELD_LINE, FIELD_NAME, FIELD_VALUE, FIELD_LF
 *     CRLF                                                  HEAD_LF
 *
 * Where RFC 9112 lets a recipient be lenient, this one is not: a line ends in CR LF and nothing else, one space stands
 * between the parts of the request line, nothing folds. Every leniency is a second way to read the same bytes.
 *
 * Bytes may arrive in any pieces and in any buffer: places are kept relative to the head's first byte, reading goes on
 * where it stopped (only what is then whole, like the value of Host, is looked at again), and the answer never depends on
 * where the cuts fall.
 * It never waits, never looks at the body, and never chooses a status: a refusal is the name of a row in refusals.ts.
 */
import {
  COLON,
  CR,
  isBlank,
  isDigit,
  LF,
  latin1,
  ONE,
  QUERY,
  QUESTION,
  SP,
  skip,
  skipFieldValue,
  TARGET,
  TOKEN,
  ZERO,
} from './bytes.ts'
import { blankNotes, type HeadNotes, RequestHead, wipeNotes } from './head.ts'
import { noteField, OTHER_FIELD, recogniseField } from './known-fields.ts'
import { methodNamed, needsContent } from './methods.ts'
import type { RefusalName } from './refusals.ts'
import { noteTargetForm } from './target-form.ts'

export interface HeadLimits {
  /** Longest head, with its last empty line. */
  headBytes: number
  fieldCount: number
  /** Longest request-target. */
  targetBytes: number
}

/** Everything given was read and the head goes on. */
export const MORE = 0
/** The head is whole: see bytesUsed, then take(). */
export const DONE = 1
/** This can be no request: see refusal. */
export const REFUSED = 2
export type ParseOutcome = typeof MORE | typeof DONE | typeof REFUSED

/** The longest registered method, UPDATEREDIRECTREF, has 17 bytes. */
const METHOD_BYTES_MAX = 32

/** RFC 9112 §2.2 asks for one, for clients that end a body with a line break too many. */
const BLANK_LINES_MAX = 4

const BLANK_LINES = 0
const BLANK_LINE_LF = 1
const METHOD = 2
const TARGET_PATH = 3
const TARGET_QUERY = 4
const VERSION = 5
const REQUEST_LINE_LF = 6
const FIELD_LINE = 7
const FIELD_NAME = 8
const FIELD_VALUES = 9
const FIELD_LF = 10
const HEAD_LF = 11
const FINISHED = 12
const TURNED_AWAY = 13

/** HTTP-version, RFC 9112 §2.3, and which of its bytes are digits. */
const VERSION_FORM = 'HTTP/x.x'
const MAJOR_DIGIT = 5
const MINOR_DIGIT = 7

export class HeadParser {
  /** After DONE: the length of the head, with the blank lines before it and the empty line after it. */
  bytesUsed = 0
  /** After REFUSED: why. */
  refusal: RefusalName | null = null
  /** What it reads has come over TLS: the target may be an https resource. To be said before the first byte of a head. */
  isSecure = false

  readonly #limits: HeadLimits
  readonly #notes: HeadNotes
  #state = BLANK_LINES
  /** How many bytes have been read. This and the next count from the head's first byte. */
  #read = 0
  /** Where the element being read began. */
  #mark = 0
  #blankLines = 0
  #knownField = OTHER_FIELD
  /** Where the head's first byte lies in the buffer of the present call. */
  #start = 0

  constructor(limits: HeadLimits) {
    this.#limits = limits
    this.#notes = blankNotes()
  }

  /** Whether any byte of a head has been seen; blank lines before one do not count. */
  get started(): boolean {
    return this.#state > BLANK_LINE_LF
  }

  /** The method, once it has been read: also of a head that is refused. '' before. */
  get method(): string {
    return this.#notes.method
  }

  /** Ready for the next head. */
  reset(): void {
    this.bytesUsed = 0
    this.refusal = null
    this.#state = BLANK_LINES
    this.#read = 0
    this.#blankLines = 0
    wipeNotes(this.#notes)
  }

  /**
   * Looks at input[from..to), where `from` is the first byte of this head. After MORE, call again with the same bytes
   * and those that came since, in whatever buffer they now lie.
   */
  parse(input: Buffer, from: number, to: number): ParseOutcome {
    const end = Math.min(to, from + this.#limits.headBytes)
    this.#start = from
    this.#read = this.#run(input, from + this.#read, end) - from
    if (this.#state === FINISHED) return DONE
    if (this.#state < FINISHED && this.#read >= this.#limits.headBytes) this.#refuse('HEAD_TOO_LONG', end)
    return this.#state === TURNED_AWAY ? REFUSED : MORE
  }

  /** After DONE, with the bytes of the last parse(): the head. It keeps nothing of the buffer. */
  take(input: Buffer, from: number): RequestHead {
    return new RequestHead(latin1(input, from, from + this.bytesUsed), this.#notes)
  }

  #run(input: Buffer, from: number, end: number): number {
    let at = from
    while (at < end && this.#state < FINISHED) {
      switch (this.#state) {
        case BLANK_LINES:
          at = this.#skipBlankLine(input, at)
          break
        case BLANK_LINE_LF:
          at = this.#expectLf(input, at, BLANK_LINES)
          break
        case METHOD:
          at = this.#readMethod(input, at, end)
          break
        case TARGET_PATH:
          at = this.#readTarget(input, at, end, TARGET)
          break
        case TARGET_QUERY:
          at = this.#readTarget(input, at, end, QUERY)
          break
        case VERSION:
          at = this.#readVersion(input, at, end)
          break
        case REQUEST_LINE_LF:
          at = this.#endRequestLine(input, at)
          break
        case FIELD_LINE:
          at = this.#beginLine(input, at)
          break
        case FIELD_NAME:
          at = this.#readName(input, at, end)
          break
        case FIELD_VALUES:
          at = this.#readValue(input, at, end)
          break
        case FIELD_LF:
          at = this.#expectLf(input, at, FIELD_LINE)
          break
        case HEAD_LF:
          at = this.#endHead(input, at)
          break
      }
    }
    return at
  }

  #skipBlankLine(input: Buffer, at: number): number {
    if (input[at] !== CR) {
      this.#mark = at - this.#start
      this.#state = METHOD
      return at
    }
    if (this.#blankLines === BLANK_LINES_MAX) return this.#refuse('TOO_MANY_BLANK_LINES', at)
    this.#blankLines += 1
    this.#state = BLANK_LINE_LF
    return at + 1
  }

  #expectLf(input: Buffer, at: number, next: number): number {
    if (input[at] !== LF) return this.#refuse('BARE_LINE_BREAK', at)
    this.#state = next
    return at + 1
  }

  #readMethod(input: Buffer, from: number, end: number): number {
    const begin = this.#start + this.#mark
    const at = skip(TOKEN, input, from, end)
    if (at - begin > METHOD_BYTES_MAX) return this.#refuse('METHOD_TOO_LONG', at)
    if (at === end) return at
    if (input[at] !== SP || at === begin) return this.#refuse(input[at] === LF ? 'BARE_LINE_BREAK' : 'BAD_METHOD', at)
    this.#notes.method = methodNamed(input, begin, at)
    this.#notes.targetFrom = at + 1 - this.#start
    this.#state = TARGET_PATH
    return at + 1
  }

  /** request-target, before its first '?' and from there on. Its form is judged when the method and version are known too. */
  #readTarget(input: Buffer, from: number, end: number, allowed: Uint8Array): number {
    const begin = this.#start + this.#notes.targetFrom
    const stop = Math.min(end, begin + this.#limits.targetBytes + 1)
    const at = skip(allowed, input, from, stop)
    if (at - begin > this.#limits.targetBytes) return this.#refuse('TARGET_TOO_LONG', at)
    if (at === end) return at
    if (input[at] === QUESTION) return this.#beginQuery(at)
    if (input[at] !== SP || at === begin) return this.#refuse(whyNoTarget(input[at]), at)
    this.#notes.targetTo = at - this.#start
    if (this.#state === TARGET_PATH) this.#notes.queryFrom = at - this.#start
    this.#mark = at + 1 - this.#start
    this.#state = VERSION
    return at + 1
  }

  #beginQuery(at: number): number {
    this.#notes.queryFrom = at - this.#start
    this.#state = TARGET_QUERY
    return at
  }

  #readVersion(input: Buffer, from: number, end: number): number {
    const begin = this.#start + this.#mark
    let at = from
    while (at < end && at - begin < VERSION_FORM.length) {
      if (!fitsVersion(input[at], at - begin)) return this.#refuse('BAD_VERSION', at)
      at += 1
    }
    if (at === end) return at
    if (input[at] !== CR) return this.#refuse(input[at] === LF ? 'BARE_LINE_BREAK' : 'BAD_VERSION', at)
    this.#state = REQUEST_LINE_LF
    return at + 1
  }

  #endRequestLine(input: Buffer, at: number): number {
    if (input[at] !== LF) return this.#refuse('BARE_LINE_BREAK', at)
    const version = this.#start + this.#mark
    const minor = input[version + MINOR_DIGIT] - ZERO
    if (input[version + MAJOR_DIGIT] !== ONE || minor > 1) return this.#refuse('UNKNOWN_VERSION', at)
    const refusal = noteTargetForm(input, this.#start, this.#notes, this.isSecure)
    if (refusal !== null) return this.#refuse(refusal, at)
    this.#notes.minorVersion = minor === 1 ? 1 : 0
    this.#state = FIELD_LINE
    return at + 1
  }

  /** The first byte of a line: of a field, of the empty line that ends the head, or of a folded line, which is refused. */
  #beginLine(input: Buffer, at: number): number {
    const byte = input[at]
    if (byte === CR) {
      this.#state = HEAD_LF
      return at + 1
    }
    if (isBlank(byte)) return this.#refuse('FOLDED_FIELD', at)
    if (this.#notes.fieldCount === this.#limits.fieldCount) return this.#refuse('TOO_MANY_FIELDS', at)
    this.#mark = at - this.#start
    this.#state = FIELD_NAME
    return at
  }

  #readName(input: Buffer, from: number, end: number): number {
    const at = skip(TOKEN, input, from, end)
    if (at === end) return at
    const begin = this.#start + this.#mark
    if (input[at] !== COLON || at === begin) return this.#refuse(whyNoName(input[at]), at)
    const notes = this.#notes
    notes.marks[2 * notes.fieldCount] = this.#mark
    notes.marks[2 * notes.fieldCount + 1] = at - this.#start
    notes.fieldCount += 1
    this.#knownField = recogniseField(input, begin, at)
    this.#mark = at + 1 - this.#start
    this.#state = FIELD_VALUES
    return at + 1
  }

  #readValue(input: Buffer, from: number, end: number): number {
    const at = skipFieldValue(input, from, end)
    if (at === end) return at
    if (input[at] !== CR) return this.#refuse(input[at] === LF ? 'BARE_LINE_BREAK' : 'BAD_FIELD_VALUE', at)
    if (this.#knownField !== OTHER_FIELD) {
      const begin = this.#start + this.#mark
      const refusal = noteField(this.#knownField, input, begin, at, this.#start, this.#notes)
      if (refusal !== null) return this.#refuse(refusal, at)
    }
    this.#state = FIELD_LF
    return at + 1
  }

  #endHead(input: Buffer, at: number): number {
    if (input[at] !== LF) return this.#refuse('BARE_LINE_BREAK', at)
    const notes = this.#notes
    const missing = whatIsMissing(notes)
    if (missing !== null) return this.#refuse(missing, at)
    notes.marks[2 * notes.fieldCount] = at - 1 - this.#start
    this.bytesUsed = at + 1 - this.#start
    this.#state = FINISHED
    return at + 1
  }

  #refuse(refusal: RefusalName, at: number): number {
    this.refusal = refusal
    this.#state = TURNED_AWAY
    return at
  }
}

/**
 * What a head lacks, once it is whole. HTTP/1.0 knows no chunks, and its clients may end a body by half-closing: without a
 * length, a POST without content and one whose content would be read as the next request look the same (RFC 1945 §7.2.2
 * and §8.3, RFC 9110 §15.5.12).
 */
function whatIsMissing({ minorVersion, hasHost, hasLength, method }: HeadNotes): RefusalName | null {
  if (minorVersion === 1) return hasHost ? null : 'NO_HOST'
  return hasLength || !needsContent(method) ? null : 'LENGTH_MISSING'
}

function fitsVersion(byte: number, index: number): boolean {
  if (index === MAJOR_DIGIT || index === MINOR_DIGIT) return isDigit(byte)
  return byte === VERSION_FORM.charCodeAt(index)
}

/** A request line that stops here is HTTP/0.9's. */
function whyNoTarget(byte: number): RefusalName {
  if (byte === CR) return 'BAD_VERSION'
  return byte === LF ? 'BARE_LINE_BREAK' : 'BAD_TARGET'
}

function whyNoName(byte: number): RefusalName {
  if (isBlank(byte)) return 'SPACE_BEFORE_COLON'
  return byte === LF ? 'BARE_LINE_BREAK' : 'BAD_FIELD_NAME'
}
