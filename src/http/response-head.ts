/**
 * Writes a response's head, RFC 9112 §4: status line, fields, empty line.
 *
 * The fields that say where the message ends and whether the connection lives on are the server's, whatever the handler
 * put among its own: Content-Length, Transfer-Encoding, Connection and Keep-Alive are dropped and written from `framing`
 * and `connection`. A handler's Date is kept, and then ours is not written: a forwarded response keeps its origin's date
 * (RFC 9110 §6.6.1). An Upgrade is the handler's, and named in Connection for him (§7.8).
 *
 * Anything that would break the head apart (CR, LF, NUL, a character over one byte) is the application's mistake and
 * throws, so that no value a client chose can begin a second response.
 */
import { FIELD_VALUE, TOKEN } from './bytes.ts'
import { mayHaveBody, reasonPhrase } from './status.ts'

export type ResponseFraming =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  /** No body and no word about one: 1xx, 204, 304. */
  | { readonly kind: 'none' }
  /** The body ends with the connection: a stream to an HTTP/1.0 client. */
  | { readonly kind: 'close' }

/** What the response says of its connection; null is nothing: it lives on, and the client speaks HTTP/1.1. */
export type ConnectionOption = 'keep-alive' | 'close' | null

/** The interim response an expecting client waits for, RFC 9110 §15.2.1. */
export const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

/**
 * The head as Latin-1 text. `minorVersion` is the request's. The status line says HTTP/1.1 to every client: it tells what
 * the server speaks, not what it was asked in (RFC 9110 §2.5). `fields` alternates names and values. With `connection`
 * null no Connection field is written, which is right for a connection kept alive with an HTTP/1.1 client.
 */
export function responseHead(
  minorVersion: 0 | 1,
  status: number,
  fields: readonly string[],
  framing: ResponseFraming,
  connection: ConnectionOption,
  date: string,
): string {
  checkFraming(minorVersion, status, framing, connection)
  let head = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`
  let isDated = false
  let options: string | null = connection
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]
    const value = fields[i + 1]
    checkField(name, value)
    const owner = ownerOf(name)
    if (owner === SERVER || (owner === WHOEVER_IS_FIRST && isDated)) continue
    if (owner === WHOEVER_IS_FIRST) isDated = true
    if (owner === HANDLER_BY_HOP) options = options === null ? 'Upgrade' : `${options}, Upgrade`
    head += `${name}: ${value}\r\n`
  }
  if (!isDated) head += `Date: ${date}\r\n`
  if (framing.kind === 'length') head += `Content-Length: ${framing.length}\r\n`
  else if (framing.kind === 'chunked') head += 'Transfer-Encoding: chunked\r\n'
  if (options !== null) head += `Connection: ${options}\r\n`
  return `${head}\r\n`
}

const HANDLER = 0
const SERVER = 1
const WHOEVER_IS_FIRST = 2
/** And for the next recipient only: it is named in Connection. */
const HANDLER_BY_HOP = 3

/** Who writes a field of this name. The lengths are asked first: most names are compared with nothing. */
function ownerOf(name: string): number {
  switch (name.length) {
    case 4:
      return name.toLowerCase() === 'date' ? WHOEVER_IS_FIRST : HANDLER
    case 7:
      return name.toLowerCase() === 'upgrade' ? HANDLER_BY_HOP : HANDLER
    case 10: {
      const lower = name.toLowerCase()
      return lower === 'connection' || lower === 'keep-alive' ? SERVER : HANDLER
    }
    case 14:
      return name.toLowerCase() === 'content-length' ? SERVER : HANDLER
    case 17:
      return name.toLowerCase() === 'transfer-encoding' ? SERVER : HANDLER
    default:
      return HANDLER
  }
}

/** A frame the client would misread is our mistake, not the handler's: RFC 9112 §6.1, RFC 9110 §8.6. */
function checkFraming(minorVersion: 0 | 1, status: number, framing: ResponseFraming, connection: string | null): void {
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new RangeError(`not a status: ${status}`)
  switch (framing.kind) {
    case 'length':
      if (!Number.isSafeInteger(framing.length) || framing.length < 0)
        throw new RangeError(`not a length: ${framing.length}`)
      if (status < 200 || status === 204) throw new Error(`a ${status} response has no Content-Length`)
      return
    case 'chunked':
      if (minorVersion === 0) throw new Error('an HTTP/1.0 client cannot read a chunked body')
      if (!mayHaveBody(status)) throw new Error(`a ${status} response has no body`)
      return
    case 'close':
      if (connection !== 'close') throw new Error('a body without a length ends with the connection')
      if (!mayHaveBody(status)) throw new Error(`a ${status} response has no body`)
      return
    case 'none':
      if (mayHaveBody(status)) throw new Error(`a ${status} response needs a frame`)
  }
}

function checkField(name: string, value: string): void {
  if (name.length === 0) throw new TypeError('a response field has no name')
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code > 0xff || TOKEN[code] === 0) throw new TypeError(`malformed response field name ${JSON.stringify(name)}`)
  }
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code > 0xff || FIELD_VALUE[code] === 0) {
      throw new TypeError(`response field ${name} has a character that cannot be sent: ${JSON.stringify(value[i])}`)
    }
  }
}
