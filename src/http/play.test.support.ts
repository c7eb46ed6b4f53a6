/**
 * Plays bytes through the parsers as a connection would, and tells what came of them in one line.
 *
 * `check` plays them whole, one byte at a time, and cut once at every place; all must tell the same story. Bytes lie in a
 * new buffer after every arrival, at another place, between bytes that would show if they were read.
 */
import assert from 'node:assert/strict'
import { type BodySink, ChunkedDecoder } from './chunked.ts'
import type { RequestHead } from './head.ts'
import { DONE, type HeadLimits, HeadParser, REFUSED } from './head-parser.ts'

export const LIMITS: HeadLimits = { headBytes: 16_384, fieldCount: 100, targetBytes: 8_192 }
export const BODY_BYTES_MAX = 1_048_576

/** Longer input is cut at this many places instead of everywhere, and one byte at a time only through its last bytes. */
const CUTS_MAX = 1_500
const BODY_SHOWN_MAX = 60

export function check(bytes: Buffer | string, expected: string, limits: HeadLimits = LIMITS): void {
  const input = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
  const whole = play(input, [], limits)
  assert.equal(whole.told, expected)
  assert.deepEqual(play(input, everyPlace(input), limits), whole, 'one byte at a time')
  for (const cut of cutsOf(input)) assert.deepEqual(play(input, [cut], limits), whole, `cut at ${cut}`)
}

/** The story, and the fields of every request in it. */
export interface Story {
  told: string
  fields: [string, string][][]
}

/** Plays `bytes` as arrivals that end at each of `cuts` and at the end. */
export function play(bytes: Buffer, cuts: readonly number[], limits: HeadLimits = LIMITS): Story {
  const player = new Player(limits)
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    player.receive(bytes.subarray(from, cut))
    from = cut
  }
  return { told: player.tell(), fields: player.fields }
}

export function readHead(text: string, limits: HeadLimits = LIMITS): RequestHead {
  const bytes = Buffer.from(text, 'latin1')
  const parser = new HeadParser(limits)
  assert.equal(parser.parse(bytes, 0, bytes.length), DONE, parser.refusal ?? 'the head is not whole')
  return parser.take(bytes, 0)
}

class Player implements BodySink {
  readonly fields: [string, string][][] = []
  readonly #parser: HeadParser
  readonly #told: string[] = []
  #waiting: Buffer = Buffer.alloc(0)
  #arrivals = 0
  #body: Body | null = null
  #isOver = false

  constructor(limits: HeadLimits) {
    this.#parser = new HeadParser(limits)
  }

  receive(bytes: Buffer): void {
    if (this.#isOver) return
    const place = 1 + (this.#arrivals % 7)
    this.#arrivals += 1
    const buffer = Buffer.alloc(place + this.#waiting.length + bytes.length + 8, ':\r\n0')
    this.#waiting.copy(buffer, place)
    bytes.copy(buffer, place + this.#waiting.length)
    const to = place + this.#waiting.length + bytes.length
    let at = place
    for (let next = this.#step(buffer, at, to); !this.#isOver && next > at; next = this.#step(buffer, at, to)) at = next
    this.#waiting = Buffer.from(buffer.subarray(at, to))
    buffer.fill(0x23)
  }

  tell(): string {
    if (this.#body !== null) this.#told.push(`${this.#body.head}${bodyText(this.#body.bytes)} unfinished`)
    else if (this.#parser.started && !this.#isOver) this.#told.push('unfinished')
    return this.#told.join(' | ')
  }

  data(input: Buffer, from: number, to: number): void {
    this.#body!.bytes += input.toString('latin1', from, to)
  }

  /** One head or one piece of a body; returns where the next begins, or `from` when more bytes are needed. */
  #step(buffer: Buffer, from: number, to: number): number {
    return this.#body === null ? this.#readHead(buffer, from, to) : this.#readBody(this.#body, buffer, from, to)
  }

  #readHead(buffer: Buffer, from: number, to: number): number {
    const outcome = this.#parser.parse(buffer, from, to)
    if (outcome === REFUSED) return this.#refuse('', this.#parser.refusal!)
    if (outcome !== DONE) return from
    const head = this.#parser.take(buffer, from)
    const end = from + this.#parser.bytesUsed
    assert.equal(buffer.toString('latin1', end - 4, end), '\r\n\r\n')
    this.#parser.reset()
    this.fields.push(head.fieldPairs())
    if (head.bodyKind === 'none') this.#told.push(headText(head))
    else this.#body = { head: headText(head), bytes: '', left: head.bodyLength, decoder: decoderFor(head) }
    if (this.#body?.left === 0 && this.#body.decoder === null) this.#endBody(this.#body)
    return end
  }

  #readBody(body: Body, buffer: Buffer, from: number, to: number): number {
    if (body.decoder === null) return this.#readCounted(body, buffer, from, to)
    const used = body.decoder.decode(buffer, from, to, this)
    if (body.decoder.refusal !== null) return this.#refuse(`${body.head}${bodyText(body.bytes)} `, body.decoder.refusal)
    if (body.decoder.done) this.#endBody(body)
    return from + used
  }

  #readCounted(body: Body, buffer: Buffer, from: number, to: number): number {
    const end = Math.min(to, from + body.left)
    this.data(buffer, from, end)
    body.left -= end - from
    if (body.left === 0) this.#endBody(body)
    return end
  }

  #endBody(body: Body): void {
    this.#told.push(`${body.head}${bodyText(body.bytes)}`)
    this.#body = null
  }

  #refuse(before: string, name: string): number {
    this.#told.push(`${before}refused ${name}`)
    this.#body = null
    this.#isOver = true
    return 0
  }
}

interface Body {
  head: string
  bytes: string
  left: number
  /** Null for a body with a length. */
  decoder: ChunkedDecoder | null
}

function decoderFor(head: RequestHead): ChunkedDecoder | null {
  return head.bodyKind === 'chunked' ? new ChunkedDecoder(BODY_BYTES_MAX) : null
}

function headText(head: RequestHead): string {
  const words = [head.method, head.path + head.query, `1.${head.minorVersion}`, `"${head.host}"`]
  if (!head.keepAlive) words.push('close')
  if (head.upgrade) words.push('upgrade')
  if (head.expectContinue) words.push('expects-continue')
  return words.join(' ')
}

function bodyText(bytes: string): string {
  return bytes.length > BODY_SHOWN_MAX ? ` body of ${bytes.length} bytes` : ` body ${JSON.stringify(bytes)}`
}

function everyPlace(input: Buffer): number[] {
  const from = Math.max(1, input.length - CUTS_MAX)
  return Array.from({ length: Math.max(0, input.length - from) }, (_, i) => from + i)
}

function cutsOf(input: Buffer): number[] {
  const step = Math.max(1, Math.floor(input.length / CUTS_MAX))
  return Array.from({ length: Math.floor(input.length / step) }, (_, i) => i * step)
}
