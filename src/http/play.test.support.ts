/**
 * Plays bytes through the parsers as a connection would, and tells what came of them in one line.
 *
 * `check` plays them whole, one byte at a time, and cut once at every place; all must tell the same story.
 */
import assert from 'node:assert/strict'
import type { RequestHead } from './head.ts'
import { DONE, type HeadLimits, HeadParser } from './head-parser.ts'
import { LIMITS, Reader, type ReadRequest } from './read.test.support.ts'

const BODY_SHOWN_MAX = 60

export function check(bytes: Buffer | string, expected: string, limits: HeadLimits = LIMITS): void {
  const input = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
  const whole = play(input, [], limits)
  assert.equal(whole.told, expected)
  const places = Array.from(input, (_, at) => at)
  assert.deepEqual(play(input, places, limits), whole, 'one byte at a time')
  for (const cut of places) assert.deepEqual(play(input, [cut], limits), whole, `cut at ${cut}`)
}

/** The story, and the fields of every request in it. */
export interface Story {
  told: string
  fields: [string, string][][]
}

/** Plays `bytes` as arrivals that end at each of `cuts` and at the end. */
export function play(bytes: Buffer, cuts: readonly number[], limits: HeadLimits = LIMITS): Story {
  const reader = new Reader(limits)
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    reader.receive(bytes.subarray(from, cut))
    from = cut
  }
  return { told: tell(reader), fields: reader.requests.map(({ head }) => head.fieldPairs()) }
}

export function readHead(text: string, limits: HeadLimits = LIMITS): RequestHead {
  const bytes = Buffer.from(text, 'latin1')
  const parser = new HeadParser(limits)
  assert.equal(parser.parse(bytes, 0, bytes.length), DONE, parser.refusal ?? 'the head is not whole')
  return parser.take(bytes, 0)
}

/** Each request, then how it ends: with a request that is not whole, in the head or in the body of one, or well. */
function tell(reader: Reader): string {
  const parts = reader.requests.map(requestText)
  const isAmidBody = reader.requests.at(-1)?.isWhole === false
  const end = reader.refusal !== null ? `refused ${reader.refusal}` : reader.isAmidRequest ? 'unfinished' : null
  if (end !== null) parts.push(isAmidBody ? `${parts.pop()} ${end}` : end)
  return parts.join(' | ')
}

function requestText({ head, body }: ReadRequest): string {
  return head.bodyKind === 'none' ? headText(head) : `${headText(head)}${bodyText(body)}`
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
