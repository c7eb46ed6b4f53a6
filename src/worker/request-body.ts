/**
 * A request's body on its way from the connection to the handler.
 *
 * Pulled, never pushed: nothing is received until the handler reads, so a slow
 * handler slows the client down through TCP's own window. What is decoded is
 * copied out of the shared receive buffer: the handler owns what it gets.
 */
import { BodyError, type BodySource } from '../handlers/handler.ts'
import { type BodySink, ChunkedDecoder } from '../http/chunked.ts'
import type { RequestHead } from '../http/head.ts'
import { REFUSALS, type RefusalName } from '../http/refusals.ts'
import type { Inbox } from '../net/inbox.ts'
import type { Pace } from './pace.ts'

/** What a handler left unread is read past to save the connection, up to this much; beyond it, closing is cheaper. */
export const DISCARD_BYTES_MAX = 256 * 1024

/** What the body asks of its connection. */
export interface BodyOwner {
  /** The reader waits: give `takeFrom` whatever can be had, now or when it comes. Or it has stopped waiting. */
  wantBody(): void
}

interface Reader {
  resolve(piece: Uint8Array | null): void
  reject(error: BodyError): void
}

export class RequestBody implements BodySource, BodySink {
  readonly #owner: BodyOwner
  readonly #chunked: ChunkedDecoder | null
  /** Of a Content-Length body: bytes still to come. */
  #left: number
  #pieces: Uint8Array[] = []
  /** Somebody has begun to read. */
  #isTaken = false
  #dropping = false
  /** A read has begun and is not answered: it is awaited, or about to be. */
  isAsked = false
  #reader: Reader | null = null
  #failure: BodyError | null = null
  /** The client waits for 100 (Continue) before it sends: cleared once that is to be sent, or bytes come anyway. */
  isWithheld: boolean
  /** Off the connection, framing included. */
  bytesTaken = 0
  /** See patience.ts. */
  pace: Pace | null = null
  /** Set when the client broke the framing or a limit. */
  refusal: RefusalName | null = null

  /** The body of a request; null when it has none. */
  static of(head: RequestHead, bodyBytesMax: number, owner: BodyOwner): RequestBody | null {
    const hasBody = head.bodyKind === 'chunked' || head.bodyLength > 0
    return hasBody ? new RequestBody(head, bodyBytesMax, owner) : null
  }

  constructor(head: RequestHead, bodyBytesMax: number, owner: BodyOwner) {
    this.#owner = owner
    this.#chunked = head.bodyKind === 'chunked' ? new ChunkedDecoder(bodyBytesMax) : null
    this.#left = head.bodyLength
    this.isWithheld = head.expectContinue
  }

  /** Whether every byte has been taken off the connection. */
  get isComplete(): boolean {
    return this.#chunked === null ? this.#left === 0 : this.#chunked.done
  }

  get isAwaited(): boolean {
    return this.#reader !== null
  }

  /** Nobody will read what is left. */
  get isUnwanted(): boolean {
    return this.#dropping || this.#failure !== null
  }

  /**
   * Whether the rest, if nobody wants it, is short enough to be read past. Of a
   * chunked body nobody knows; one that the client holds back (100-continue) may
   * never come.
   */
  get canBeDropped(): boolean {
    if (this.isComplete) return true
    return !this.isWithheld && this.#chunked === null && this.#left <= DISCARD_BYTES_MAX
  }

  async read(): Promise<Uint8Array | null> {
    if (this.isAsked) throw new Error('a body is read by one reader at a time')
    this.#isTaken = this.isAsked = true
    // Deferred: the shared receive buffer may be in use by the turn that this call is part of.
    await null
    if (this.#failure !== null || this.isComplete || this.#dropping) {
      this.isAsked = false
      if (this.#failure !== null) throw this.#failure
      return null
    }
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject }
      this.#owner.wantBody()
    })
  }

  /** The reader waits and nothing has come; true if the client waits to be asked, as it now has to be (RFC 9110 §10.1.1). */
  invite(): boolean {
    const { isWithheld } = this
    this.isWithheld = false
    return isWithheld
  }

  cancel(): void {
    this.#dropping = true
    this.#settle(null)
    this.#owner.wantBody()
  }

  /** What is left is dropped. Who still reads must not take what it has for the whole. */
  abandon(): void {
    if (this.#isTaken && !this.#dropping) this.fail('it was answered before it had come')
    this.#dropping = true
  }

  /** Uses up bytes of the inbox: gives the reader what comes of them, or sets `refusal`. Only while awaited or cancelled. */
  takeFrom(inbox: Inbox): void {
    if (!inbox.isEmpty) this.isWithheld = false
    const { from } = inbox
    if (this.#chunked === null) {
      const length = Math.min(this.#left, inbox.to - inbox.from)
      if (length > 0) this.data(inbox.bytes, inbox.from, inbox.from + length)
      this.#left -= length
      inbox.from += length
    } else {
      inbox.from += this.#chunked.decode(inbox.bytes, inbox.from, inbox.to, this)
      this.refusal = this.#chunked.refusal
    }
    this.bytesTaken += inbox.from - from
    if (this.refusal !== null) this.fail(REFUSALS[this.refusal].says)
    else this.#deliver()
  }

  /** A run of body bytes, seen in the shared buffer: copied, for the buffer is received into again. */
  data(input: Buffer, from: number, to: number): void {
    if (!this.#dropping) this.#pieces.push(Uint8Array.prototype.slice.call(input, from, to))
  }

  /** No more will come. */
  fail(why: string): void {
    if (this.#failure !== null || this.isComplete) return
    this.#failure = new BodyError(`the request body broke off: ${why}`)
    const reader = this.#reader
    this.#reader = null
    this.isAsked = false
    reader?.reject(this.#failure)
  }

  #deliver(): void {
    const pieces = this.#pieces
    if (pieces.length > 0) {
      this.#pieces = []
      this.#settle(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces))
    } else if (this.isComplete) {
      this.#settle(null)
    }
  }

  #settle(piece: Uint8Array | null): void {
    const reader = this.#reader
    this.#reader = null
    this.isAsked = false
    reader?.resolve(piece)
  }
}
