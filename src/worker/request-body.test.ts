import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyError } from '../handlers/handler.ts'
import type { RequestHead } from '../http/head.ts'
import { DONE, HeadParser } from '../http/head-parser.ts'
import { Inbox, ReceiveBuffer } from '../net/inbox.ts'
import { DISCARD_BYTES_MAX, RequestBody } from './request-body.ts'

const LIMITS = { headBytes: 10_000, fieldCount: 100, targetBytes: 1_000 }

function headOf(...fields: string[]): RequestHead {
  const parser = new HeadParser(LIMITS)
  const bytes = Buffer.from(['POST / HTTP/1.1', 'Host: a', ...fields, '', ''].join('\r\n'))
  assert.equal(parser.parse(bytes, 0, bytes.length), DONE)
  return parser.take(bytes, 0)
}

/** A body, and a connection that counts how often it is wanted. */
function setUp(...fields: string[]): { body: RequestBody; wanted: () => number; give: (text: string) => string } {
  let wants = 0
  const body = new RequestBody(headOf(...fields), 1_000_000, { wantBody: () => (wants += 1) })
  const inbox = new Inbox(new ReceiveBuffer(0))
  const give = (text: string) => {
    inbox.from = 0
    inbox.to = inbox.bytes.write(text, 'latin1')
    body.takeFrom(inbox)
    return inbox.bytes.toString('latin1', inbox.from, inbox.to)
  }
  return { body, wanted: () => wants, give }
}

/** Reads once, the connection having `text`. */
async function readWith(it: ReturnType<typeof setUp>, text: string): Promise<string | null> {
  const piece = it.body.read()
  await new Promise(setImmediate)
  it.give(text)
  const bytes = await piece
  return bytes === null ? null : Buffer.from(bytes).toString('latin1')
}

test('nothing is wanted of the connection until somebody reads, and then not within the same turn', async () => {
  const it = setUp('Content-Length: 5')
  assert.equal(it.body.isAwaited, false)
  const piece = it.body.read()
  assert.equal(it.wanted(), 0)
  await new Promise(setImmediate)
  assert.equal(it.wanted(), 1)
  assert.equal(it.body.isAwaited, true)
  it.give('hello')
  assert.equal(Buffer.from((await piece)!).toString(), 'hello')
  assert.equal(it.body.isAwaited, false)
  assert.equal(await it.body.read(), null)
  assert.equal(it.wanted(), 1)
})

test('a counted body takes its own bytes and leaves the rest', async () => {
  const it = setUp('Content-Length: 5')
  assert.equal(await readWith(it, 'he'), 'he')
  assert.equal(it.body.isComplete, false)
  const last = it.body.read()
  await new Promise(setImmediate)
  assert.equal(it.give('lloGET /'), 'GET /')
  assert.equal(Buffer.from((await last)!).toString(), 'llo')
  assert.equal(it.body.isComplete, true)
})

test('chunks that come together are one piece; framing alone is none', async () => {
  const it = setUp('Transfer-Encoding: chunked')
  assert.equal(await readWith(it, '3\r\nabc\r\n2\r\nde\r\n'), 'abcde')
  const piece = it.body.read()
  await new Promise(setImmediate)
  it.give('3;x')
  assert.equal(it.body.isAwaited, true)
  it.give('\r\nfgh')
  assert.equal(Buffer.from((await piece)!).toString(), 'fgh')
  const end = it.body.read()
  await new Promise(setImmediate)
  assert.equal(it.give('\r\n0\r\n\r\nGET'), 'GET')
  assert.equal(await end, null)
})

test('what the reader gets is its own: the shared buffer is received into again', async () => {
  const it = setUp('Content-Length: 10')
  const piece = it.body.read()
  await new Promise(setImmediate)
  it.give('first')
  const bytes = (await piece)!
  it.give('other')
  assert.equal(Buffer.from(bytes).toString(), 'first')
  assert.equal(bytes.byteLength, bytes.buffer.byteLength, 'it must not share a pool')
})

test('a chunk that breaks the framing is refused, and the reader told', async () => {
  const it = setUp('Transfer-Encoding: chunked')
  const piece = it.body.read()
  piece.catch(() => {})
  await new Promise(setImmediate)
  it.give('x\r\n')
  assert.equal(it.body.refusal, 'BAD_CHUNK')
  await assert.rejects(piece, (error) => error instanceof BodyError && /malformed chunk/.test(error.message))
  await assert.rejects(it.body.read(), BodyError)
})

test('a chunked body over the limit is refused when it says so', async () => {
  const it = setUp('Transfer-Encoding: chunked')
  const piece = it.body.read()
  piece.catch(() => {})
  await new Promise(setImmediate)
  it.give(`${(1_000_001).toString(16)}\r\n`)
  assert.equal(it.body.refusal, 'BODY_TOO_LONG')
  await assert.rejects(piece, BodyError)
})

test('failed, it rejects who reads now and who reads later', async () => {
  const it = setUp('Content-Length: 5')
  const piece = it.body.read()
  piece.catch(() => {})
  await new Promise(setImmediate)
  it.body.fail('the client left')
  it.body.fail('said once')
  await assert.rejects(piece, /broke off: the client left$/)
  await assert.rejects(it.body.read(), /broke off: the client left$/)
})

test('failed after it was complete, it is complete', async () => {
  const it = setUp('Content-Length: 5')
  assert.equal(await readWith(it, 'hello'), 'hello')
  it.body.fail('the client left')
  assert.equal(await it.body.read(), null)
})

test('cancelled, the reader is at its end and what comes is dropped', async () => {
  const it = setUp('Content-Length: 5')
  const piece = it.body.read()
  await new Promise(setImmediate)
  it.body.cancel()
  assert.equal(await piece, null)
  assert.equal(it.give('helloGET'), 'GET')
  assert.equal(await it.body.read(), null)
  assert.equal(it.body.isComplete, true)
  assert.equal(it.wanted(), 2, 'the connection hears that nobody waits any more')
})

test('abandoned, a reader is told, so that it does not take what it has for the whole', async () => {
  const it = setUp('Content-Length: 5')
  assert.equal(await readWith(it, 'he'), 'he')
  it.body.abandon()
  assert.equal(it.body.isUnwanted, true)
  await assert.rejects(it.body.read(), BodyError)
  assert.equal(it.give('lloGET'), 'GET')
  assert.equal(it.body.isComplete, true)
})

test('abandoned unread, or after it was cancelled, nobody is told', async () => {
  for (const cancels of [false, true]) {
    const { body } = setUp('Content-Length: 5')
    if (cancels) body.cancel()
    body.abandon()
    assert.equal(await body.read(), null)
  }
})

test('one reader at a time', async () => {
  const it = setUp('Content-Length: 5')
  const piece = it.body.read()
  await new Promise(setImmediate)
  await assert.rejects(it.body.read(), /one reader at a time/)
  it.give('hello')
  assert.equal((await piece)!.length, 5)
})

test('what may be read past: a short counted body that is not held back', () => {
  const canBeDropped = (...fields: string[]) => setUp(...fields).body.canBeDropped
  assert.equal(canBeDropped(`Content-Length: ${DISCARD_BYTES_MAX}`), true)
  assert.equal(canBeDropped(`Content-Length: ${DISCARD_BYTES_MAX + 1}`), false)
  assert.equal(canBeDropped('Transfer-Encoding: chunked'), false)
  assert.equal(canBeDropped('Content-Length: 5', 'Expect: 100-continue'), false)
})

test('held back no longer once bytes come', () => {
  const it = setUp('Content-Length: 5', 'Expect: 100-continue')
  assert.equal(it.body.isWithheld, true)
  it.give('he')
  assert.equal(it.body.isWithheld, false)
  assert.equal(it.body.canBeDropped, true)
})
