/**
 * A reply becomes bytes: its framing is chosen, its head written, its body put
 * into the outbox or pumped through it. RFC 9112 §6 and §7.
 *
 *     null, string, bytes   counted, and sent together with the head
 *     file                  counted, and sent by sendfile(2) behind the head
 *     parts                 counted: text and files by turns
 *     stream                each piece as a chunk, as it comes; to an HTTP/1.0
 *                           client until the connection closes
 */
import { Buffer } from 'node:buffer' // the global one is looked up anew each time
import { describeRequest } from '../handlers/describe.ts'
import { ContentError, type PartsBody, type Reply, type ReplyBody } from '../handlers/handler.ts'
import { errorReply } from '../handlers/pages.ts'
import { chunkHead, LAST_CHUNK } from '../http/chunked.ts'
import type { RequestHead } from '../http/head.ts'
import { REFUSALS, type RefusalName } from '../http/refusals.ts'
import { type ResponseFraming, responseHead } from '../http/response-head.ts'
import { mayHaveBody } from '../http/status.ts'
import { SyscallError } from '../kernel/errno.ts'
import type { Log } from '../log.ts'
import type { Outbox } from '../net/outbox.ts'
import type { Exchange } from './exchange.ts'
import { endOfHead } from './heads.ts'
import type { Ledger } from './ledger.ts'
import type { Service } from './service.ts'
import type { ConnectionTrace } from './tracer.ts'

/** Pieces of a stream sent before other connections get their turn. */
const PIECES_AT_ONCE = 16

/** What a reply asks of its connection. */
export interface ReplyOwner {
  readonly service: Service
  readonly outbox: Outbox
  /** Null where there is no access log. */
  readonly ledger: Ledger | null
  /** Null: nobody watches it. */
  readonly trace: ConnectionTrace | null
  /** The whole response is in the outbox. */
  finishResponse(): void
  /** Something was written outside a turn: send it, and go on. */
  resume(): void
  /** The response cannot be completed: end the connection so that it is not taken for whole. */
  cut(): void
}

/**
 * Writes a reply into the outbox. Returns null when all of it is written; a
 * stream goes on by itself, and the connection tells it what happens.
 *
 * Throws before anything is written when the handler's fields cannot be sent.
 */
export function writeReply(
  exchange: Exchange,
  reply: Reply,
  keepAlive: boolean,
  owner: ReplyOwner,
): ReplyStream | null {
  const { head } = exchange
  if (head.method === 'CONNECT' && isSuccess(reply.status)) reply = withoutTunnel(reply)
  const framing = chooseFraming(head, reply)
  const mustClose = framing.kind === 'close' || !keepAlive
  const connection = mustClose ? 'close' : head.minorVersion === 0 ? 'keep-alive' : null
  const hasBody = head.method !== 'HEAD' && framing.kind !== 'none'
  const date = owner.service.date()
  const end = framing.kind === 'length' ? `${framing.length}${endOfHead(connection)}` : null
  const start = end === null ? null : owner.service.heads.start(reply.status, reply.fields, date)
  const text =
    start === null ? responseHead(head.minorVersion, reply.status, reply.fields, framing, connection, date) : ''
  const reader = hasBody && isStream(reply.body) ? reply.body.stream.getReader() : null // throws if somebody has one
  exchange.isAnswered = true
  if (mustClose) exchange.isLast = true
  owner.ledger?.answer(reply.status)
  owner.trace?.response(reply.status)
  if (start === null) {
    owner.outbox.writeLatin1(text)
    if (end !== null) owner.service.heads.keep(text, reply.status, reply.fields, end, date)
  } else {
    owner.outbox.writeBytes(start)
    owner.outbox.writeLatin1(end!)
  }
  if (reader !== null) return new ReplyStream(exchange, reader, framing, owner)
  if (hasBody) writeBody(reply.body, framing, owner)
  else discardReply(reply)
  complete(owner)
  return null
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

/**
 * A 2xx to CONNECT has no body and is the beginning of a tunnel (RFC 9110 §9.3.6); only who takes the connection over
 * can give one. To a client that takes our bytes for the tunnel's it must not be said.
 */
function withoutTunnel(reply: Reply): Reply {
  discardReply(reply)
  return errorReply(501)
}

/**
 * A refusal is always the last response: the connection's next bytes cannot be
 * trusted. `method` is '' when none was read; an answer to HEAD has no content, though
 * it is refused (RFC 9110 §9.3.2).
 */
export function writeRefusal(name: RefusalName, method: string, owner: ReplyOwner): void {
  const { status, says } = REFUSALS[name]
  const { service, outbox, ledger, trace } = owner
  ledger?.refuse(name)
  const reply = errorReply(status, says)
  const framing = { kind: 'length', length: lengthOf(reply) ?? 0 } as const
  ledger?.answer(status)
  trace?.response(status)
  outbox.writeLatin1(responseHead(1, status, reply.fields, framing, 'close', service.date()))
  if (method !== 'HEAD') writeBody(reply.body, framing, owner)
  ledger?.complete()
}

/** Gives back what a reply holds that will not be sent. */
export function discardReply(reply: Reply): void {
  const { body } = reply
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) return
  if (body.kind !== 'stream') body.close()
  else body.stream.cancel().catch(() => {}) // a stream that cannot be cancelled is its maker's affair
}

/**
 * In place of a reply that the handler could not give: the log names what was
 * being served, the client learns nothing.
 *
 */
export function failureReply(head: RequestHead, error: unknown, log: Log): Reply {
  logFailure(`the handler failed on ${describeRequest(head)}`, error, log)
  return errorReply(500)
}

/**
 * Whose failure it is shows in the error. A system call's (EIO, a file system
 * gone) is the machine's, a shorter file is its writer's, and the message says
 * all: call, errno, file. Any other comes with its stack.
 */
function logFailure(what: string, error: unknown, log: Log): void {
  if (error instanceof SyscallError || error instanceof ContentError) log.error(`${what}: ${error.message}`)
  else log.errorWithStack(what, error)
}

export function isStream(body: ReplyBody): body is Extract<ReplyBody, { kind: 'stream' }> {
  return body !== null && typeof body === 'object' && 'kind' in body && body.kind === 'stream'
}

/** RFC 9112 §6.3, from the sender's side. */
function chooseFraming(head: RequestHead, reply: Reply): ResponseFraming {
  if (!mayHaveBody(reply.status)) return { kind: 'none' }
  const length = lengthOf(reply)
  if (length !== null) return { kind: 'length', length }
  return head.minorVersion === 0 ? { kind: 'close' } : { kind: 'chunked' }
}

/** The body's length in bytes, or null when only time will tell. */
function lengthOf(reply: Reply): number | null {
  const { body } = reply
  if (body === null) return reply.statedLength ?? 0
  if (typeof body === 'string') return Buffer.byteLength(body)
  if (body instanceof Uint8Array) return body.length
  return body.kind === 'stream' ? (reply.statedLength ?? null) : body.length
}

function writeBody(body: ReplyBody, framing: ResponseFraming, { outbox, ledger }: ReplyOwner): void {
  if (body === null) return
  const length = framing.kind === 'length' ? framing.length : 0
  ledger?.piece(length)
  if (typeof body === 'string') outbox.writeUtf8(body, length)
  else if (body instanceof Uint8Array) outbox.writeBytes(body)
  else if (body.kind === 'file') outbox.writeFile(body)
  else if (body.kind === 'parts') writeParts(body, outbox)
}

function writeParts({ parts }: PartsBody, outbox: Outbox): void {
  for (const part of parts) {
    if (typeof part === 'string') outbox.writeLatin1(part)
    else outbox.writeFile(part)
  }
}

function complete(owner: ReplyOwner): void {
  owner.ledger?.complete()
  owner.finishResponse()
}

/**
 * A response body that comes over time. One piece is read, framed, sent; the
 * next is read when the kernel has taken this one whole. So at most one piece
 * is held, however slow the client.
 */
export class ReplyStream {
  readonly #exchange: Exchange
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #framing: ResponseFraming
  readonly #owner: ReplyOwner
  #bytes = 0
  #isGone = false
  #whenSent: (() => void) | null = null

  constructor(
    exchange: Exchange,
    reader: ReadableStreamDefaultReader<Uint8Array>,
    framing: ResponseFraming,
    owner: ReplyOwner,
  ) {
    this.#exchange = exchange
    this.#framing = framing
    this.#owner = owner
    this.#reader = reader
    owner.service.loop.leave()
    void this.#pump()
  }

  /** The end of the connection is all that tells the client of the response's. */
  get isUntilClose(): boolean {
    return this.#framing.kind === 'close'
  }

  /** Everything written so far has been sent. */
  onSent(): void {
    const resolve = this.#whenSent
    this.#whenSent = null
    resolve?.()
  }

  /** The client is gone: nobody needs the rest. */
  onGone(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#reader.cancel(new DOMException('the client closed the connection', 'AbortError')).catch(() => {})
    this.onSent()
  }

  async #pump(): Promise<void> {
    try {
      for (let pieces = 1; ; pieces++) {
        // Promises alone never let the loop have its turn: a stream that always has a piece ready would keep it.
        if (pieces % PIECES_AT_ONCE === 0) await new Promise(setImmediate)
        if (this.#isGone) return
        const { done, value } = await this.#reader.read()
        if (this.#isGone) return
        if (done) break
        if (!(value instanceof Uint8Array)) throw new TypeError('a response stream must give Uint8Array pieces')
        if (value.length > 0) await this.#send(value)
        if (this.#isGone) return
      }
      this.#end()
    } catch (error) {
      if (this.#isGone) return
      const what = describeRequest(this.#exchange.head)
      logFailure(`the response to ${what} broke off`, error, this.#owner.service.log)
      this.onGone()
      this.#owner.cut()
    }
  }

  #send(piece: Uint8Array): Promise<void> | null {
    const { outbox, ledger } = this.#owner
    this.#bytes += piece.length
    if (this.#framing.kind === 'length' && this.#bytes > this.#framing.length) {
      throw new RangeError(`more bytes than the Content-Length of ${this.#framing.length}`)
    }
    if (this.#framing.kind === 'chunked') outbox.writeLatin1(chunkHead(piece.length))
    ledger?.piece(piece.length)
    outbox.writeBytes(piece)
    if (this.#framing.kind === 'chunked') outbox.writeLatin1('\r\n')
    this.#owner.resume()
    if (!outbox.isBlocked) return null
    return new Promise((resolve) => {
      this.#whenSent = resolve
    })
  }

  #end(): void {
    if (this.#framing.kind === 'length' && this.#bytes < this.#framing.length) {
      throw new RangeError(`${this.#bytes} bytes where Content-Length said ${this.#framing.length}`)
    }
    if (this.#framing.kind === 'chunked') this.#owner.outbox.writeLatin1(LAST_CHUNK)
    this.#isGone = true
    complete(this.#owner)
    this.#owner.resume()
  }
}
