import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyError } from '../handler.ts'
import { brokenOff, PretendBody } from './pretend.test.support.ts'
import { collect, decodeUtf8, streamOf } from './request-body.ts'

test('a piece is asked for only when the reader asks for one', async () => {
  const body = new PretendBody('one', 'two', 'three')
  const stream = streamOf(body)
  await new Promise(setImmediate)
  assert.equal(body.asked, 0)
  const reader = stream.getReader()
  assert.equal(Buffer.from((await reader.read()).value!).toString(), 'one')
  await new Promise(setImmediate)
  assert.equal(body.asked, 1)
})

test('a cancelled stream tells the connection, also while a piece is awaited', async () => {
  const idle = new PretendBody('one')
  await streamOf(idle).cancel()
  assert.deepEqual([idle.isCancelled, idle.asked], [true, 0])

  const waiting = new PretendBody('one')
  const reader = streamOf(waiting).getReader()
  const reading = reader.read()
  await reader.cancel()
  assert.equal(waiting.isCancelled, true)
  assert.equal((await reading).done, true)
})

test('a body that breaks off is an error to its reader, stream or whole', async () => {
  const reader = streamOf(new PretendBody('one', brokenOff())).getReader()
  await reader.read()
  await assert.rejects(reader.read(), BodyError)
  await assert.rejects(collect(new PretendBody('one', brokenOff())), BodyError)
})

test('collected pieces are one, in memory of its own', async () => {
  const whole = await collect(new PretendBody('ab', '', 'c'))
  assert.equal(Buffer.from(whole).toString(), 'abc')
  assert.equal(whole.buffer.byteLength, 3)
  assert.equal((await collect(new PretendBody())).length, 0)
})

test('text is decoded as the Encoding standard says', () => {
  assert.equal(decodeUtf8(Buffer.from([0xef, 0xbb, 0xbf, 0xc3, 0xa4, 0xff])), 'ä\ufffd')
})
