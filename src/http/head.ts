/**
 * A request's head, once read: what it asks, of whom, and how its body is framed.
 *
 * It keeps no buffer, so the connection can receive into the same memory at once. It keeps one string, the head as it
 * arrived, and where the fields lie in it; a field becomes a string of its own only when somebody asks for it. Bytes
 * stand as the characters of the same number (Latin-1), as `Headers` and node:http have them.
 *
 * Never changes after it was made. Made by HeadParser, which has checked everything said here; `withPath` copies.
 */

export type BodyKind = 'none' | 'length' | 'chunked'

/** What the parser noted while reading. Places count from the first byte of the head; an empty range means "absent". */
export interface HeadNotes {
  method: string
  minorVersion: 0 | 1
  targetFrom: number
  targetTo: number
  /** Where '?' stands, or `targetTo` without a query. */
  queryFrom: number
  /** Where the path begins: behind the authority in absolute-form, else at `targetFrom`. */
  pathFrom: number
  /** The authority of an absolute-form target, or of CONNECT's; it replaces the Host field (RFC 9112 §3.2.2). */
  authorityFrom: number
  authorityTo: number
  hasHost: boolean
  hostFrom: number
  hostTo: number
  hasLength: boolean
  bodyLength: number
  chunked: boolean
  closeAsked: boolean
  keepAliveAsked: boolean
  upgradeAsked: boolean
  hasUpgrade: boolean
  expectsContinue: boolean
  fieldCount: number
  /** Two for each field: where its line begins and where its colon stands; then one: where the line after the last begins. */
  readonly marks: number[]
}

export class RequestHead {
  readonly method: string
  /** The request-target as it was sent. */
  readonly target: string
  /**
   * The path as it was sent, still encoded: no scheme, no authority, no query. '*' for OPTIONS of the whole server. '/'
   * where there is none: in an absolute-form target without one, and for CONNECT.
   */
  readonly path: string
  /** The path as it was sent, also where `withPath` has put another in its place. */
  readonly askedPath: string
  /** '' or everything from the first '?' on. */
  readonly query: string
  readonly minorVersion: 0 | 1
  /** Whom the request is for, as sent: the target's authority, else the Host field, else ''. */
  readonly host: string
  /** Whether the client wants to send another request after this one, RFC 9112 §9.3. */
  readonly keepAlive: boolean
  readonly bodyKind: BodyKind
  /** Meaningful when bodyKind is 'length', else 0. */
  readonly bodyLength: number
  /** Whether a client is holding its body back until it sees 100 (Continue). Never true without a body to come. */
  readonly expectContinue: boolean
  /** Whether the client asks for another protocol, RFC 9110 §7.8: an Upgrade field, and Connection naming it. */
  readonly upgrade: boolean
  readonly fieldCount: number
  readonly #text: string
  #marks: readonly number[]
  #namesAuthority: boolean

  constructor(text: string, notes: HeadNotes) {
    this.method = notes.method
    this.target = text.slice(notes.targetFrom, notes.targetTo)
    this.query = notes.queryFrom === notes.targetTo ? '' : text.slice(notes.queryFrom, notes.targetTo)
    this.#namesAuthority = notes.authorityTo > 0
    this.path = pathOf(text, notes, this.target)
    this.askedPath = this.path
    this.minorVersion = notes.minorVersion
    this.host = this.#namesAuthority
      ? text.slice(notes.authorityFrom, notes.authorityTo)
      : text.slice(notes.hostFrom, notes.hostTo)
    this.keepAlive = !notes.closeAsked && (notes.minorVersion === 1 || notes.keepAliveAsked)
    this.bodyKind = notes.chunked ? 'chunked' : notes.hasLength ? 'length' : 'none'
    this.bodyLength = notes.bodyLength
    this.expectContinue = notes.expectsContinue && (notes.chunked || notes.bodyLength > 0)
    // An Upgrade in HTTP/1.0 MUST be ignored, RFC 9110 §7.8.
    this.upgrade = notes.hasUpgrade && notes.upgradeAsked && notes.minorVersion === 1
    this.fieldCount = notes.fieldCount
    this.#text = text
    this.#marks = notes.marks.slice(0, 2 * notes.fieldCount + 1)
  }

  /** The same request for another path, written as a client would send it. `target` and `askedPath` stay what was sent. */
  withPath(path: string): RequestHead {
    const copy = new RequestHead(this.#text, blankNotes())
    copy.#marks = this.#marks
    copy.#namesAuthority = this.#namesAuthority
    return Object.assign(copy, this, { path })
  }

  /**
   * The value of a field by its lower-case name; null without such a field. Several lines of one name are one value,
   * joined as RFC 9110 §5.3 says, and RFC 9113 §8.2.3 for cookies.
   *
   * 'host' of a request whose target names an authority is that: what the Host field said MUST be ignored.
   */
  field(name: string): string | null {
    let joined: string | null = null
    for (let i = 0; i < this.fieldCount; i++) {
      if (!isNamed(this.#text, this.#marks, i, name)) continue
      const value = valueAt(this.#text, this.#marks, i)
      joined = joined === null ? value : `${joined}${name === 'cookie' ? '; ' : ', '}${value}`
    }
    return joined !== null && this.#namesAuthority && name === 'host' ? this.host : joined
  }

  /** Every field line in the order it came, its name in lower case, its value without the white space around it. */
  fieldPairs(): [name: string, value: string][] {
    const pairs: [string, string][] = []
    for (let i = 0; i < this.fieldCount; i++) {
      const name = this.#text.slice(this.#marks[2 * i], this.#marks[2 * i + 1]).toLowerCase()
      pairs.push([name, this.#namesAuthority && name === 'host' ? this.host : valueAt(this.#text, this.#marks, i)])
    }
    return pairs
  }
}

function isNamed(text: string, marks: readonly number[], index: number, name: string): boolean {
  const from = marks[2 * index]
  if (marks[2 * index + 1] - from !== name.length) return false
  for (let i = 0; i < name.length; i++) {
    if (lowerCased(text.charCodeAt(from + i)) !== name.charCodeAt(i)) return false
  }
  return true
}

/** Between the colon and the CR LF before the next line, without OWS. */
function valueAt(text: string, marks: readonly number[], index: number): string {
  let from = marks[2 * index + 1] + 1
  let to = marks[2 * index + 2] - 2
  while (from < to && isBlankAt(text, from)) from += 1
  while (from < to && isBlankAt(text, to - 1)) to -= 1
  return text.slice(from, to)
}

export function blankNotes(): HeadNotes {
  return {
    method: '',
    minorVersion: 0,
    targetFrom: 0,
    targetTo: 0,
    queryFrom: 0,
    pathFrom: 0,
    authorityFrom: 0,
    authorityTo: 0,
    hasHost: false,
    hostFrom: 0,
    hostTo: 0,
    hasLength: false,
    bodyLength: 0,
    chunked: false,
    closeAsked: false,
    keepAliveAsked: false,
    upgradeAsked: false,
    hasUpgrade: false,
    expectsContinue: false,
    fieldCount: 0,
    marks: [],
  }
}

/** Forgets the last head. What every head that comes whole writes anew (the version, the target's places) may stay. */
export function wipeNotes(notes: HeadNotes): void {
  notes.method = ''
  notes.authorityFrom = 0
  notes.authorityTo = 0
  notes.hasHost = false
  notes.hostFrom = 0
  notes.hostTo = 0
  notes.hasLength = false
  notes.bodyLength = 0
  notes.chunked = false
  notes.closeAsked = false
  notes.keepAliveAsked = false
  notes.upgradeAsked = false
  notes.hasUpgrade = false
  notes.expectsContinue = false
  notes.fieldCount = 0
}

/** An absolute-form target may leave the path out: that means '/', and for OPTIONS the whole server (RFC 9112 §3.2.4). */
function pathOf(text: string, notes: HeadNotes, target: string): string {
  if (notes.pathFrom === notes.targetFrom && notes.queryFrom === notes.targetTo) return target
  if (notes.pathFrom < notes.queryFrom) return text.slice(notes.pathFrom, notes.queryFrom)
  return notes.method === 'OPTIONS' && notes.queryFrom === notes.targetTo ? '*' : '/'
}

function lowerCased(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code
}

function isBlankAt(text: string, index: number): boolean {
  const code = text.charCodeAt(index)
  return code === 0x20 || code === 0x09
}
