/**
 * What must hold of the head parser and the chunked decoder whatever they are fed, for one input at a time.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { chunkHead, LAST_CHUNK } from '../../src/http/chunked.ts'
import { Reader, type ReadRequest } from '../../src/http/read.test.support.ts'
import type { RefusalName } from '../../src/http/refusals.ts'
import type { FuzzInput } from './fuzz-input.ts'
import { readPlainly } from './plain.ts'

/** Longer input is not played byte by byte. */
const BYTEWISE_MAX = 400

/** What one chunk costs at most beside its data: sixteen digits, two line breaks. Then all extensions, and the trailers. */
const CHUNK_FRAME_BYTES_MAX = 20
const ONCE_BYTES_MAX = 16_384 + 8_192 + 64 * 3 + 100

/** Throws when something does not hold. Answers how often the bytes were read. */
export function examine(input: FuzzInput): number {
  const { bytes, cuts } = input
  const whole = read(input, [])
  equalStories(read(input, cuts), whole, `cut at ${cuts}`)
  if (bytes.length <= BYTEWISE_MAX) equalStories(read(input, everyPlaceOf(bytes)), whole, 'byte by byte')
  keepsLimits(whole, input)
  readsPlainly(whole, bytes)
  const requests = whole.requests.filter(({ isWhole }) => isWhole)
  for (const request of requests) meansTheSameAgain(request)
  return requests.length + (bytes.length <= BYTEWISE_MAX ? 3 : 2)
}

function read({ bytes, limits, bodyBytesMax }: FuzzInput, cuts: readonly number[]): Reader {
  const reader = new Reader(limits, bodyBytesMax)
  let from = 0
  for (const to of [...cuts, bytes.length]) {
    reader.receive(bytes.subarray(from, to))
    from = to
    // What it cannot use yet is the front of a head, and no more than a head may have.
    ok(reader.isOver || reader.bytesWaiting < limits.headBytes, 'it holds more bytes than a head may have')
  }
  return reader
}

function equalStories(one: Reader, other: Reader, how: string): void {
  equal(one.refusal, other.refusal, `${how}, it is refused otherwise`)
  equal(one.isAmidRequest, other.isAmidRequest, `${how}, it ends otherwise`)
  equal(one.requests.length, other.requests.length, `${how}, there are other requests`)
  for (const [i, request] of one.requests.entries()) {
    equal(meaningOf(request), meaningOf(other.requests[i]!), `${how}, request ${i + 1} is another`)
    equal(request.end, other.requests[i]!.end, `${how}, request ${i + 1} ends elsewhere`)
  }
}

function keepsLimits({ requests, bytesUsed }: Reader, { bytes, limits, bodyBytesMax }: FuzzInput): void {
  ok(bytesUsed <= bytes.length, 'it uses bytes that were not there')
  let from = 0
  for (const { head, body, isWhole, end } of requests) {
    ok(head.fieldCount <= limits.fieldCount, 'there are more fields than may be')
    ok(head.target.length <= limits.targetBytes, 'the target is longer than may be')
    if (head.bodyKind === 'chunked') ok(body.length <= bodyBytesMax, 'the body is longer than may be')
    if (!isWhole) return
    const frame = head.bodyKind === 'chunked' ? CHUNK_FRAME_BYTES_MAX * (body.length + 1) + ONCE_BYTES_MAX : 0
    ok(end - from <= limits.headBytes + body.length + frame, 'it reads more than head, body and frame may have')
    from = end
  }
}

/** Refused for its length, number or size; else for its form, and then the grammar refuses it too. */
const OF_A_LIMIT: readonly (RefusalName | null)[] = [
  'HEAD_TOO_LONG',
  'TARGET_TOO_LONG',
  'TOO_MANY_FIELDS',
  'BODY_TOO_LONG',
  'EXTENSIONS_TOO_LONG',
  'TRAILER_TOO_LONG',
]

function readsPlainly({ requests, refusal }: Reader, bytes: Buffer): void {
  const plain = readPlainly(bytes.toString('latin1'))
  const whole = requests.filter(({ isWhole }) => isWhole)
  if (!OF_A_LIMIT.includes(refusal)) equal(whole.length, plain.length, 'the grammar finds other requests')
  for (const [i, { head, body }] of whole.entries()) {
    const { method, target, minorVersion, host, keepAlive } = head
    // What stands in for a Host field that an absolute target overrules is not what was sent.
    const fields = head
      .fieldPairs()
      .map(([name, value], at) => [name, name === 'host' ? plain[i]?.fields[at]?.[1] : value])
    deepEqual({ method, target, minorVersion, host, keepAlive, fields, body }, plain[i], 'the grammar reads otherwise')
  }
}

/** Written anew, in the plainest way and in other chunks, it says what it said. */
function meansTheSameAgain(request: ReadRequest): void {
  const { head, body } = request
  const lines = head.fieldPairs().map(([name, value]) => `${name}: ${value}`)
  const text = [`${head.method} ${head.target} HTTP/1.${head.minorVersion}`, ...lines, '', ''].join('\r\n')
  const framed = head.bodyKind === 'chunked' ? inChunks(body) : body
  const again = new Reader({ headBytes: 1_000_000, fieldCount: 1_000, targetBytes: 1_000_000 })
  again.receive(Buffer.from(`${text}${framed}`, 'latin1'))
  equal(again.refusal, null, 'written anew, it is refused')
  equal(again.requests.length, 1, 'written anew, it is not one request')
  equal(meaningOf(again.requests[0]!), meaningOf(request), 'written anew, it means something else')
}

function inChunks(body: string): string {
  const half = Math.ceil(body.length / 2)
  const pieces = [body.slice(0, half), body.slice(half)].filter((piece) => piece !== '')
  return pieces.map((piece) => `${chunkHead(piece.length)}${piece}\r\n`).join('') + LAST_CHUNK
}

function meaningOf({ head, body, isWhole }: ReadRequest): string {
  return JSON.stringify([head, head.fieldPairs(), body, isWhole])
}

function everyPlaceOf(bytes: Buffer): number[] {
  return Array.from(bytes, (_, at) => at)
}
