import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { BodyError } from '../handler.ts'
import { brokenOff, PretendBody } from './pretend.test.support.ts'
import { collect, decodeUtf8, streamOf } from './request-body.ts'

setFlagsFromString('--expose-gc')
const gc: () => void = runInNewContext('gc')

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
  assert.equal(whole.buffer.byteLength, 3)
  assert.equal((await collect(new PretendBody())).length, 0)
})

test('text is decoded as the Encoding standard says', () => {
  assert.equal(decodeUtf8(Buffer.from([0xef, 0xbb, 0xbf, 0xc3, 0xa4, 0xff])), 'ä\ufffd')
})

test('a body that comes a byte at a time holds little more than its bytes', async () => {
  const text = 'abcdefghij'.repeat(20_000)
  const kept: WeakRef<Uint8Array>[] = []
  let at = 0
  const source = {
    read: async () => {
      const piece = at < text.length ? Buffer.alloc(1, text[at++]) : null
      if (piece !== null && at % 1_000 === 0) kept.push(new WeakRef(piece))
      return piece
    },
    cancel() {},
  }
  const whole = await collect(source)
  assert.equal(Buffer.from(whole).toString(), text)
  await new Promise(setImmediate)
  gc()
  assert.deepEqual(
    kept.filter((piece) => piece.deref() !== undefined),
    [],
  )
})
