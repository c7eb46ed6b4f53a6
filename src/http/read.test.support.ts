/**
 * Reads the bytes of one connection with the parsers of this folder, in the order a connection does it: head, body, next
 * head. It answers nothing, and stops where a connection stops reading: at a refusal, or behind the last request
 * (Connection: close, RFC 9112 §9.6).
 *
 * At every arrival the bytes lie in a new buffer, at another place, between bytes that would show if they were read.
 */
import assert from 'node:assert/strict'
import { latin1 } from './bytes.ts'
import { type BodySink, ChunkedDecoder } from './chunked.ts'
import type { RequestHead } from './head.ts'
import { DONE, type HeadLimits, HeadParser, REFUSED } from './head-parser.ts'
import type { RefusalName } from './refusals.ts'

export const LIMITS: HeadLimits = { headBytes: 16_384, fieldCount: 100, targetBytes: 8_192 }
export const BODY_BYTES_MAX = 1_048_576

export interface ReadRequest {
  readonly head: RequestHead
  /** What has come of it: a character for each byte. */
  body: string
  isWhole: boolean
  /** Once it is whole: how many bytes have been read with it. */
  end: number
}

export class Reader implements BodySink {
  /** Every request whose head is whole. */
  readonly requests: ReadRequest[] = []
  /** Why it reads no more, when the bytes are to blame. */
  refusal: RefusalName | null = null
  /** It reads no more. */
  isOver = false
  bytesUsed = 0
  readonly #parser: HeadParser
  readonly #bodyBytesMax: number
  #arrivals = 0
  #waiting: Buffer = Buffer.alloc(0)
  /** The request whose body is being read. */
  #request: ReadRequest | null = null
  /** Of a body with a length: bytes still to come. */
  #left = 0
  /** Of a chunked one. */
  #decoder: ChunkedDecoder | null = null

  constructor(limits: HeadLimits = LIMITS, bodyBytesMax = BODY_BYTES_MAX) {
    this.#parser = new HeadParser(limits)
    this.#bodyBytesMax = bodyBytesMax
  }

  /** It is within a head or a body. */
  get isAmidRequest(): boolean {
    return !this.isOver && (this.#request !== null || this.#parser.started)
  }

  /** Bytes that it could not use yet. */
  get bytesWaiting(): number {
    return this.#waiting.length
  }

  receive(bytes: Buffer): void {
    if (this.isOver) return
    const place = 1 + (this.#arrivals % 7)
    this.#arrivals += 1
    const to = place + this.#waiting.length + bytes.length
    const buffer = Buffer.alloc(to + 8, ':\r\n0')
    this.#waiting.copy(buffer, place)
    bytes.copy(buffer, place + this.#waiting.length)
    let at = place
    while (at < to && !this.isOver) {
      const next = this.#step(buffer, at, to)
      if (next === at) break
      this.bytesUsed += next - at
      at = next
      const last = this.requests.at(-1)
      if (last?.isWhole === true && last.end === 0) last.end = this.bytesUsed
    }
    this.#waiting = Buffer.from(buffer.subarray(at, to))
    buffer.fill(0x23)
  }

  data(input: Buffer, from: number, to: number): void {
    this.#request!.body += latin1(input, from, to)
  }

  /** One head or one piece of a body; returns where the next begins, or `from` when more bytes are needed. */
  #step(buffer: Buffer, from: number, to: number): number {
    if (this.#request === null) return this.#readHead(buffer, from, to)
    if (this.#decoder !== null) return this.#readChunks(this.#decoder, buffer, from, to)
    const end = Math.min(to, from + this.#left)
    this.data(buffer, from, end)
    this.#left -= end - from
    if (this.#left === 0) this.#endRequest()
    return end
  }

  #readHead(buffer: Buffer, from: number, to: number): number {
    const outcome = this.#parser.parse(buffer, from, to)
    if (outcome === REFUSED) return this.#refuse(this.#parser.refusal!, from)
    if (outcome !== DONE) return from
    const head = this.#parser.take(buffer, from)
    const end = from + this.#parser.bytesUsed
    assert.ok(end <= to && latin1(buffer, end - 4, end) === '\r\n\r\n', 'a head ends with an empty line')
    this.#parser.reset()
    this.#request = { head, body: '', isWhole: false, end: 0 }
    this.requests.push(this.#request)
    this.#left = head.bodyLength
    this.#decoder = head.bodyKind === 'chunked' ? new ChunkedDecoder(this.#bodyBytesMax) : null
    if (this.#decoder === null && this.#left === 0) this.#endRequest()
    return end
  }

  #readChunks(decoder: ChunkedDecoder, buffer: Buffer, from: number, to: number): number {
    const used = decoder.decode(buffer, from, to, this)
    assert.ok(used >= 0 && used <= to - from, 'it uses what it was given')
    if (decoder.refusal !== null) return this.#refuse(decoder.refusal, from)
    if (decoder.done) this.#endRequest()
    return from + used
  }

  #endRequest(): void {
    this.#request!.isWhole = true
    this.isOver = !this.#request!.head.keepAlive
    this.#request = null
  }

  #refuse(refusal: RefusalName, from: number): number {
    this.refusal = refusal
    this.isOver = true
    return from
  }
}
