/**
 * The six fields a request's framing and its connection hang on, understood while the head is being read.
 *
 *     Host · Content-Length · Transfer-Encoding · Connection · Expect · Upgrade
 *
 * Two servers that read one of these differently can be made to see different requests in the same bytes (request
 * smuggling). So each is read one way, and what allows a second reading is refused. All other fields are only text here.
 */
import { isAuthority } from './authority.ts'
import { COMMA, HTAB, isBlank, isDigit, isWord, TOKEN, ZERO } from './bytes.ts'
import type { HeadNotes } from './head.ts'
import type { RefusalName } from './refusals.ts'

export const OTHER_FIELD = 0
const HOST = 1
const CONTENT_LENGTH = 2
const TRANSFER_ENCODING = 3
const CONNECTION = 4
const EXPECT = 5
const UPGRADE = 6

/** Which of the six this name is. The lengths differ, so one comparison at most is made. */
export function recogniseField(input: Uint8Array, from: number, to: number): number {
  switch (to - from) {
    case 4:
      return isWord(input, from, to, 'host') ? HOST : OTHER_FIELD
    case 6:
      return isWord(input, from, to, 'expect') ? EXPECT : OTHER_FIELD
    case 7:
      return isWord(input, from, to, 'upgrade') ? UPGRADE : OTHER_FIELD
    case 10:
      return isWord(input, from, to, 'connection') ? CONNECTION : OTHER_FIELD
    case 14:
      return isWord(input, from, to, 'content-length') ? CONTENT_LENGTH : OTHER_FIELD
    case 17:
      return isWord(input, from, to, 'transfer-encoding') ? TRANSFER_ENCODING : OTHER_FIELD
    default:
      return OTHER_FIELD
  }
}

/** Takes note of a recognised field whose value, with the OWS around it, is input[from..to). `start` is the head's first byte. */
export function noteField(
  field: number,
  input: Uint8Array,
  from: number,
  to: number,
  start: number,
  notes: HeadNotes,
): RefusalName | null {
  if (field === TRANSFER_ENCODING && holdsTab(input, from, to)) return 'BAD_CODING'
  while (from < to && isBlank(input[from])) from += 1
  while (from < to && isBlank(input[to - 1])) to -= 1
  switch (field) {
    case HOST:
      return noteHost(input, from, to, start, notes)
    case CONTENT_LENGTH:
      return noteLength(input, from, to, notes)
    case TRANSFER_ENCODING:
      return noteCoding(input, from, to, notes)
    case CONNECTION:
      return noteConnection(input, from, to, notes)
    case EXPECT:
      return noteExpectation(input, from, to, notes)
    default:
      notes.hasUpgrade = true
      return null
  }
}

/** Host, RFC 9112 §3.2. An empty value is how a client says that its target has no authority. */
function noteHost(input: Uint8Array, from: number, to: number, start: number, notes: HeadNotes): RefusalName | null {
  if (notes.hasHost) return 'SEVERAL_HOSTS'
  if (from < to && !isAuthority(input, from, to)) return 'BAD_HOST'
  notes.hasHost = true
  notes.hostFrom = from - start
  notes.hostTo = to - start
  return null
}

/**
 * Content-Length, RFC 9110 §8.6. Not of a CONNECT, whose head the tunnel follows: whoever counted a body there, 0 bytes
 * or more, would see the tunnel begin elsewhere.
 * "5, 5" and two equal lines could be repaired (RFC 9112 §6.3); refusing them is allowed
 * too, and no honest client sends them.
 */
function noteLength(input: Uint8Array, from: number, to: number, notes: HeadNotes): RefusalName | null {
  if (notes.method === 'CONNECT') return 'BODY_OF_CONNECT'
  if (notes.hasLength) return 'SEVERAL_LENGTHS'
  if (notes.chunked) return 'FRAMED_TWICE'
  if (from === to) return 'BAD_LENGTH'
  let length = 0
  for (let at = from; at < to; at++) {
    if (!isDigit(input[at])) return 'BAD_LENGTH'
    length = length * 10 + (input[at] - ZERO) // the digit first: a sum over 2^53 would be rounded
    if (length > Number.MAX_SAFE_INTEGER) return 'BAD_LENGTH'
  }
  notes.hasLength = true
  notes.bodyLength = length
  return null
}

/** Transfer-Encoding, RFC 9112 §6.1. In HTTP/1.0 nothing before us would have understood it: the framing is a guess. */
function noteCoding(input: Uint8Array, from: number, to: number, notes: HeadNotes): RefusalName | null {
  if (notes.minorVersion === 0) return 'CODING_IN_1_0'
  if (notes.method === 'CONNECT') return 'BODY_OF_CONNECT'
  if (notes.hasLength) return 'FRAMED_TWICE'
  if (notes.chunked || hidesChunked(input, from, to)) return 'BAD_CODING'
  if (!isWord(input, from, to, 'chunked')) return 'UNKNOWN_CODING'
  notes.chunked = true
  return null
}

/**
 * A tab is white space like any other (RFC 9110 §5.6.3), and yet there are readers in use to whom "chunked" with one behind
 * it is another word; beside an Upgrade they see no body. No client writes one.
 */
function holdsTab(input: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (input[at] === HTAB) return true
  return false
}

/**
 * Whether a value other than "chunked" could pass for it somewhere else: no list of plain words at all (empty, quoted,
 * with parameters, with empty members), or a list that has "chunked" anywhere but at its end.
 */
function hidesChunked(input: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at <= to; at++) {
    const end = endOfMember(input, at, to)
    const wordEnd = trimmedEnd(input, at, end)
    while (at < wordEnd && isBlank(input[at])) at += 1
    if (!isToken(input, at, wordEnd)) return true
    if (end < to && isWord(input, at, wordEnd, 'chunked')) return true
    at = end
  }
  return false
}

/** Connection, RFC 9110 §7.6.1: a list of words, of which three mean something to this server. */
function noteConnection(input: Uint8Array, from: number, to: number, notes: HeadNotes): null {
  for (let at = from; at < to; at++) {
    const end = endOfMember(input, at, to)
    const wordEnd = trimmedEnd(input, at, end)
    while (at < wordEnd && isBlank(input[at])) at += 1
    if (isWord(input, at, wordEnd, 'keep-alive')) notes.keepAliveAsked = true
    else if (isWord(input, at, wordEnd, 'close')) notes.closeAsked = true
    else if (isWord(input, at, wordEnd, 'upgrade')) notes.upgradeAsked = true
    at = end
  }
  return null
}

/** Expect, RFC 9110 §10.1.1. From an HTTP/1.0 client it is ignored. */
function noteExpectation(input: Uint8Array, from: number, to: number, notes: HeadNotes): RefusalName | null {
  if (notes.minorVersion === 0) return null
  if (!isWord(input, from, to, '100-continue')) return 'EXPECTATION'
  notes.expectsContinue = true
  return null
}

function endOfMember(input: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && input[at] !== COMMA) at += 1
  return at
}

function trimmedEnd(input: Uint8Array, from: number, to: number): number {
  let end = to
  while (end > from && isBlank(input[end - 1])) end -= 1
  return end
}

function isToken(input: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (TOKEN[input[at]] === 0) return false
  return from < to
}
