/** What the tests of this folder stand on: requests that no connection brought, a log that remembers. */
import assert from 'node:assert/strict'
import type { RequestHead } from '../../http/head.ts'
import { DONE, HeadParser } from '../../http/head-parser.ts'
import type { Log } from '../../log.ts'
import {
  BodyError,
  type BodySource,
  type IncomingRequest,
  type Reply,
  type Secure,
  type TakenConnection,
} from '../handler.ts'
import { createAppHandler } from './app.ts'
import type { FetchHandler } from './contract.ts'

/** A body in pieces; says how many were asked of it. An Error among the pieces breaks it off there. */
export class PretendBody implements BodySource {
  readonly #pieces: (string | Error)[]
  asked = 0
  isCancelled = false

  constructor(...pieces: (string | Error)[]) {
    this.#pieces = pieces
  }

  async read(): Promise<Uint8Array | null> {
    this.asked += 1
    const piece = this.#pieces.shift()
    if (piece instanceof Error) throw piece
    return piece === undefined || this.isCancelled ? null : Buffer.from(piece)
  }

  cancel(): void {
    this.isCancelled = true
  }
}

export function brokenOff(): BodyError {
  return new BodyError('the request body broke off: the client left')
}

export interface PretendRequest extends IncomingRequest {
  /** Whether anybody asked for the signal. */
  isSignalMade(): boolean
  leave(): void
  /** What `upgrade` gives: a connection, or an error to throw. */
  taken: TakenConnection | Error
  readonly awaited: Promise<unknown>[]
}

/** `line` is `METHOD target`, fields are lines, without Host when `host` is null. */
export function pretendRequest(
  line: string,
  parts: { fields?: readonly string[]; body?: BodySource; host?: string | null; secure?: Secure } = {},
): PretendRequest {
  let controller: AbortController | undefined
  const made = () => {
    controller ??= new AbortController()
    return controller
  }
  const awaited: Promise<unknown>[] = []
  return {
    head: headOf(line, parts.fields ?? [], parts.host === undefined ? 'example.test' : parts.host),
    body: parts.body ?? null,
    remoteAddress: '192.0.2.1',
    remotePort: 4321,
    localAuthority: '127.0.0.1:8080',
    isSecure: parts.secure !== undefined,
    secure: parts.secure ?? null,
    get signal() {
      return made().signal
    },
    enterForeignCode: () => {},
    waitUntil: (promise) => void awaited.push(promise),
    taken: new Error('nobody has planned an upgrade'),
    upgrade() {
      if (this.taken instanceof Error) throw this.taken
      return this.taken
    },
    isSignalMade: () => controller !== undefined,
    leave: () => made().abort(new DOMException('the client closed the connection', 'AbortError')),
    awaited,
  }
}

function headOf(line: string, fields: readonly string[], host: string | null): RequestHead {
  const lines = [`${line} HTTP/1.${host === null ? 0 : 1}`, ...(host === null ? [] : [`Host: ${host}`]), ...fields]
  const bytes = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  const parser = new HeadParser({ headBytes: 16_384, fieldCount: 100, targetBytes: 8_192 })
  assert.equal(parser.parse(bytes, 0, bytes.length), DONE, parser.refusal ?? 'head not whole')
  return parser.take(bytes, 0)
}

export class PretendLog implements Log {
  name = 'test'
  readonly dropped = 0
  readonly lines: string[] = []
  readonly errors: unknown[] = []

  error(message: string): void {
    this.lines.push(message)
  }

  errorWithStack(message: string, error: unknown): void {
    this.lines.push(message)
    this.errors.push(error)
  }

  warn(message: string): void {
    this.lines.push(message)
  }

  info(message: string): void {
    this.lines.push(message)
  }

  debug(message: string): void {
    this.lines.push(message)
  }

  plain(text: string): void {
    this.lines.push(text)
  }
}

/** What the app answers to a request. Fails on a log entry, unless the caller brings a log to look at. */
export async function answer(fetch: FetchHandler, request: IncomingRequest, log?: PretendLog): Promise<Reply> {
  const entries = log ?? new PretendLog()
  const reply = await createAppHandler(fetch, entries)(request)
  if (log === undefined) assert.deepEqual([entries.lines, entries.errors], [[], []])
  return reply
}

/** What a client would get for a body. */
export async function bodyText(reply: Reply): Promise<string> {
  const { body } = reply
  if (body === null) return ''
  if (typeof body === 'string') return body
  if (body instanceof Uint8Array) return Buffer.from(body).toString()
  assert.ok(body.kind === 'stream')
  const pieces: Uint8Array[] = []
  for await (const piece of body.stream) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

/** What is to be sent, in one line to compare: `200 a: 1, b: 2 | stream(5)`. */
export function shape({ status, fields, body, statedLength }: Reply): string {
  const pairs: string[] = []
  for (let i = 0; i < fields.length; i += 2) pairs.push(`${fields[i]}: ${fields[i + 1]}`)
  const kind =
    body === null ? 'null' : typeof body === 'string' ? 'string' : body instanceof Uint8Array ? 'bytes' : body.kind
  return `${status} ${pairs.sort().join(', ')} | ${kind}${statedLength === undefined ? '' : `(${statedLength})`}`
}

export function streamOfText(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream() as ReadableStream<Uint8Array>
}
