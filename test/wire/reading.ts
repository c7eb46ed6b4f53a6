/**
 * What a reader of HTTP/1 made of the bytes of one connection, in a form that two readers can be compared in: the requests
 * that are whole, then how it ended. How our own parsers read; llhttp.ts tells how Node's do.
 */
import { Reader } from '../../src/http/read.test.support.ts'

export interface WholeRequest {
  readonly method: string
  readonly target: string
  readonly version: string
  /** Of the Host field, or what stands for it. */
  readonly host: string
  /** Another request may follow on the connection. */
  readonly keepAlive: boolean
  /** A character for each byte. */
  readonly body: string
}

/**
 * `closed`: the last request of the connection has been read, and what follows it was not looked at. `waiting`: the bytes
 * end between two requests. `unfinished`: they end within one.
 */
export type End = 'closed' | 'waiting' | 'unfinished' | 'refused'

export interface Reading {
  readonly requests: readonly WholeRequest[]
  readonly end: End
  /** Of a refusal, in the reader's own words. */
  readonly why: string
}

export interface OwnReading extends Reading {
  /** Where the first byte behind each whole request lies. */
  readonly ends: readonly number[]
}

export function readWithOurs(bytes: Buffer): OwnReading {
  const reader = new Reader()
  reader.receive(bytes)
  const whole = reader.requests.filter(({ isWhole }) => isWhole)
  return {
    requests: whole.map(({ head, body }) => ({
      method: head.method,
      target: head.target,
      version: `1.${head.minorVersion}`,
      host: head.host,
      keepAlive: head.keepAlive,
      body,
    })),
    end: endOf(reader),
    why: reader.refusal ?? '',
    ends: whole.map(({ end }) => end),
  }
}

function endOf(reader: Reader): End {
  if (reader.refusal !== null) return 'refused'
  if (reader.isOver) return 'closed'
  return reader.isAmidRequest ? 'unfinished' : 'waiting'
}

/** One thing about which two readings are not the same. */
export interface Difference {
  /** A member of a request; `more`, when one has a request that the other has not; or how the readings end. */
  readonly about: keyof WholeRequest | 'more' | 'end'
  /** Which request it is about. Those before it are the same, or different in members that move no boundary. */
  readonly index: number
  /** Those before it, and from there on, a character for each byte. */
  readonly before: string
  readonly text: string
  readonly ours: Reading
  readonly theirs: Reading
}

const MEMBERS = ['method', 'target', 'version', 'host', 'keepAlive', 'body'] as const

/** Of these, what follows cannot be compared: the readers have parted. */
const PARTING: readonly string[] = ['keepAlive', 'body']

export function differencesOf(bytes: Buffer, ours: OwnReading, theirs: Reading): Difference[] {
  const found: Difference[] = []
  const note = (about: Difference['about'], index: number) => {
    const from = index === 0 ? 0 : ours.ends[index - 1]!
    const before = bytes.toString('latin1', 0, from)
    found.push({ about, index, before, text: bytes.toString('latin1', from), ours, theirs })
  }
  const least = Math.min(ours.requests.length, theirs.requests.length)
  for (let index = 0; index < least; index++) {
    const [one, other] = [ours.requests[index]!, theirs.requests[index]!]
    for (const member of MEMBERS) if (one[member] !== other[member]) note(member, index)
    if (found.some(({ about }) => PARTING.includes(about))) return found
  }
  if (ours.requests.length !== theirs.requests.length) note('more', least)
  else if (ours.end !== theirs.end) note('end', least)
  return found
}
