import assert from 'node:assert/strict'
import { ftruncateSync } from 'node:fs'
import { after, test } from 'node:test'
import { EAGAIN, EPIPE } from '../kernel/errno.ts'
import { close } from '../kernel/fd.ts'
import { memfd_create, write } from '../kernel/file.ts'
import { FLUSH_BYTES_MAX, Outbox, type OutgoingFile, SEND_BUFFER_BYTES, SendBuffer } from './outbox.ts'
import { type FarEnd, narrowPair, PretendTransport } from './pretend-transport.test.support.ts'
import type { Transport } from './transport.ts'

function setUp(): { outbox: Outbox; transport: PretendTransport; shared: SendBuffer } {
  const shared = new SendBuffer()
  return { outbox: new Outbox(shared), transport: new PretendTransport(), shared }
}

/** A file that counts how often it is closed. */
class CountedFile implements OutgoingFile {
  readonly name = 'pretend'
  readonly fd: number
  readonly offset: number
  readonly length: number
  closed = 0

  constructor(fd: number, offset: number, length: number) {
    this.fd = fd
    this.offset = offset
    this.length = length
  }

  close(): void {
    this.closed += 1
  }
}

test('small writes leave in one send', () => {
  const { outbox, transport } = setUp()
  outbox.writeLatin1('head ')
  outbox.writeUtf8('k\u00f6rper ', Buffer.byteLength('k\u00f6rper '))
  outbox.writeBytes(Buffer.from('bytes'))
  assert.equal(outbox.isBlocked, false)
  assert.equal(outbox.flush(transport), 'sent')
  assert.deepEqual(transport.log, ['send 18'])
  assert.equal(Buffer.from(transport.sent, 'latin1').toString(), 'head k\u00f6rper bytes')
  assert.equal(outbox.bytesSent, 18)
})

test('nothing to send makes no system call', () => {
  const { outbox, transport } = setUp()
  outbox.writeBytes(new Uint8Array(0))
  assert.equal(outbox.flush(transport), 'sent')
  assert.deepEqual(transport.log, [])
})

test('at the end all is sent once the goodbye is, too', () => {
  const { outbox, transport } = setUp()
  transport.goodbyesInVain = 2
  outbox.writeLatin1('abc')
  outbox.isLast = true
  assert.deepEqual([outbox.flush(transport), outbox.flush(transport)], ['blocked', 'blocked'])
  assert.equal(outbox.isBlocked, true, 'it waits for the socket')
  assert.deepEqual([outbox.flush(transport), outbox.isBlocked], ['sent', false])
  assert.deepEqual([transport.log, outbox.bytesSent, outbox.bytesWritten], [['send 3'], 3, 3])
})

test('nor is it said before the last byte', () => {
  const { outbox, transport } = setUp()
  transport.takes = [2, -EAGAIN]
  transport.goodbyesInVain = 1
  outbox.writeLatin1('abc')
  outbox.isLast = true
  assert.deepEqual([outbox.flush(transport), outbox.flush(transport)], ['blocked', 'blocked'])
  assert.equal(transport.goodbyesInVain, 1)
  assert.deepEqual([outbox.flush(transport), outbox.flush(transport)], ['blocked', 'sent'])
})

test('what the kernel does not take waits, and the shared buffer is free for others', () => {
  const { outbox, transport, shared } = setUp()
  transport.takes = [3, 2, -EAGAIN]
  outbox.writeLatin1('abcdefgh')
  assert.equal(outbox.flush(transport), 'blocked')
  assert.equal(shared.used, 0)
  assert.equal(outbox.isBlocked, true)
  const other = new Outbox(shared)
  other.writeLatin1('OTHER')
  assert.equal(other.flush(new PretendTransport()), 'sent')
  assert.equal(outbox.flush(transport), 'blocked')
  outbox.writeLatin1('ijk')
  assert.equal(outbox.flush(transport), 'sent')
  assert.equal(transport.sent, 'abcdefghijk')
  assert.equal(outbox.isBlocked, false)
  assert.equal(outbox.bytesSent, 11)
})

test('EAGAIN at once keeps all of it', () => {
  const { outbox, transport } = setUp()
  transport.takes = [-EAGAIN]
  outbox.writeLatin1('abc')
  assert.equal(outbox.flush(transport), 'blocked')
  assert.equal(outbox.flush(transport), 'sent')
  assert.equal(transport.sent, 'abc')
})

test('large bytes are not copied, and leave in their place', () => {
  const { outbox, transport } = setUp()
  const large = Buffer.alloc(100_000, 'L')
  outbox.writeLatin1('head')
  outbox.writeBytes(large)
  outbox.writeLatin1('tail')
  assert.equal(outbox.flush(transport), 'sent')
  assert.deepEqual(transport.log, ['send 4 more', 'send 100000 more', 'send 4'])
  assert.equal(transport.sent, `head${large}tail`)
})

test('more small writes than the shared buffer holds are sent in order', () => {
  const { outbox, transport } = setUp()
  const piece = 'p'.repeat(SEND_BUFFER_BYTES / 3)
  for (let i = 0; i < 7; i++) {
    outbox.writeLatin1(`${i}`)
    if (i % 2 === 0) outbox.writeLatin1(piece)
    else outbox.writeUtf8(piece, piece.length)
  }
  assert.equal(outbox.flush(transport), 'sent')
  assert.equal(transport.sent, [0, 1, 2, 3, 4, 5, 6].map((i) => `${i}${piece}`).join(''))
})

test('a file goes behind what was written before it, and is closed once when sent', () => {
  const { outbox, transport } = setUp()
  const file = new CountedFile(7, 100, 5_000)
  transport.takes = [4, 2_000, -EAGAIN]
  outbox.writeLatin1('head')
  outbox.writeFile(file)
  outbox.writeLatin1('next')
  assert.equal(outbox.flush(transport), 'blocked')
  assert.equal(file.closed, 0)
  assert.equal(outbox.flush(transport), 'sent')
  assert.equal(transport.sent, 'head<7:100+2000><7:2100+3000>next')
  assert.equal(file.closed, 1)
  outbox.discard()
  assert.equal(file.closed, 1)
})

test('a file of no length is closed, too', () => {
  const { outbox, transport } = setUp()
  const file = new CountedFile(7, 0, 0)
  outbox.writeFile(file)
  assert.equal(outbox.flush(transport), 'sent')
  assert.equal(file.closed, 1)
})

test('behind nothing, nothing more is said to follow', () => {
  const { outbox, transport } = setUp()
  transport.takes = [-EAGAIN]
  outbox.writeLatin1('head')
  assert.equal(outbox.flush(transport), 'blocked')
  outbox.writeUtf8('', 0)
  outbox.writeLatin1('')
  outbox.writeBytes(new Uint8Array(0))
  outbox.writeFile(new CountedFile(7, 0, 0))
  assert.equal(outbox.flush(transport), 'sent')
  assert.deepEqual(transport.log, ['send 4: -11', 'send 4'])
})

test('a file that ends early is the end of the connection', () => {
  const { outbox, transport } = setUp()
  const files = [new CountedFile(7, 0, 100), new CountedFile(8, 0, 100)]
  for (const file of files) outbox.writeFile(file)
  transport.takes = [40, 0]
  assert.equal(outbox.flush(transport), 'broken')
  assert.match(outbox.failure, /^pretend ended 60 bytes before it should$/)
  assert.deepEqual(
    files.map((it) => it.closed),
    [1, 1],
  )
  assert.equal(outbox.flush(transport), 'sent')
  assert.equal(transport.sent, '<7:0+40>')
})

test('a peer that is gone gets nothing more, and nobody else gets it', () => {
  for (const prepare of [
    (outbox: Outbox) => outbox.writeLatin1('small'),
    (outbox: Outbox) => outbox.writeBytes(Buffer.alloc(100_000)),
  ]) {
    const { outbox, transport, shared } = setUp()
    prepare(outbox)
    transport.takes = [-EPIPE]
    assert.equal(outbox.flush(transport), 'gone')
    assert.equal(shared.used, 0)
    assert.equal(outbox.isBlocked, false)
  }
})

test('discarded before it was flushed, nothing is left for the next connection', () => {
  const { outbox, shared } = setUp()
  outbox.writeLatin1('meant for one')
  outbox.discard()
  const other = new Outbox(shared)
  const transport = new PretendTransport()
  other.writeLatin1('for another')
  other.flush(transport)
  assert.equal(transport.sent, 'for another')
})

test('discarded, files that wait are closed once', () => {
  const { outbox, transport } = setUp()
  const files = [new CountedFile(7, 0, 100), new CountedFile(8, 0, 100)]
  for (const file of files) outbox.writeFile(file)
  transport.takes = [100, -EAGAIN]
  assert.equal(outbox.flush(transport), 'blocked')
  outbox.discard()
  outbox.discard()
  assert.deepEqual(
    files.map((it) => it.closed),
    [1, 1],
  )
})

test('a flush pauses before it holds the loop too long', () => {
  const { outbox, transport } = setUp()
  const file = new CountedFile(7, 0, 3 * FLUSH_BYTES_MAX)
  outbox.writeFile(file)
  const flushed = [1, 2, 3].map(() => [outbox.flush(transport), outbox.bytesSent])
  assert.deepEqual(flushed, [
    ['paused', FLUSH_BYTES_MAX],
    ['paused', 2 * FLUSH_BYTES_MAX],
    ['sent', 3 * FLUSH_BYTES_MAX],
  ])
  assert.equal(file.closed, 1)
})

// ── over real sockets, with a send buffer of a few KB ────────────────────────

function realPair(): { near: Transport; far: FarEnd } {
  const pair = narrowPair()
  after(() => {
    pair.near.close()
    close(pair.far.fd)
  })
  return pair
}

function patternOf(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff))
}

/** Flushes and reads by turns until all is through. */
function drain(outbox: Outbox, near: Transport, far: FarEnd): { came: Buffer; blocked: number } {
  const pieces: Buffer[] = []
  let blocked = 0
  while (outbox.flush(near) !== 'sent') {
    blocked += 1
    pieces.push(far.read())
  }
  pieces.push(far.read())
  return { came: Buffer.concat(pieces), blocked }
}

test('bytes of every kind come through a narrow socket in order', () => {
  const { near, far } = realPair()
  const outbox = new Outbox(new SendBuffer())
  const large = patternOf(300_000)
  const file = memfd_create('outbox.test')
  after(() => close(file))
  write(file, patternOf(200_000))
  outbox.writeLatin1('head')
  outbox.writeBytes(large)
  const slice = new CountedFile(file, 1_000, 150_000)
  outbox.writeFile(slice)
  outbox.writeUtf8('tail', 4)
  const { came, blocked } = drain(outbox, near, far)
  assert.ok(blocked > 3, 'the socket is narrow')
  const expected = [Buffer.from('head'), large, patternOf(200_000).subarray(1_000, 151_000), Buffer.from('tail')]
  assert.ok(came.equals(Buffer.concat(expected)))
  assert.equal(slice.closed, 1)
})

test('a file that really shrinks is noticed', () => {
  const { near, far } = realPair()
  const outbox = new Outbox(new SendBuffer())
  const file = memfd_create('outbox.test')
  after(() => close(file))
  write(file, patternOf(200_000))
  outbox.writeFile(new CountedFile(file, 0, 200_000))
  assert.equal(outbox.flush(near), 'blocked')
  ftruncateSync(file, 1_000)
  far.read()
  assert.equal(outbox.flush(near), 'broken')
  assert.match(outbox.failure, /^pretend ended \d+ bytes before it should$/)
})

test('a peer that really went is noticed', () => {
  const { near, far } = narrowPair()
  const outbox = new Outbox(new SendBuffer())
  close(far.fd)
  outbox.writeLatin1('too late')
  assert.equal(outbox.flush(near), 'gone')
  near.close()
})

test('a small typed array of V8’s own heap is sent as it was', () => {
  const { near, far } = realPair()
  const outbox = new Outbox(new SendBuffer())
  outbox.writeBytes(Buffer.alloc(100_000))
  outbox.writeBytes(new Uint8Array([1, 2, 3]))
  const { came } = drain(outbox, near, far)
  assert.deepEqual([...came.subarray(100_000)], [1, 2, 3])
})

test('how much has been written counts what waits, wherever it lies', () => {
  const { outbox, transport } = setUp()
  outbox.writeLatin1('12345')
  assert.deepEqual([outbox.bytesSent, outbox.bytesWritten], [0, 5])
  transport.takes = [2, -EAGAIN]
  assert.equal(outbox.flush(transport), 'blocked')
  outbox.writeFile(new CountedFile(7, 1_000, 30))
  outbox.writeBytes(Buffer.alloc(100_000))
  assert.deepEqual([outbox.bytesSent, outbox.bytesWritten], [2, 100_035])
  transport.takes = [3, 10, -EAGAIN]
  assert.equal(outbox.flush(transport), 'blocked')
  assert.deepEqual([outbox.bytesSent, outbox.bytesWritten], [15, 100_035])
  assert.equal(outbox.flush(transport), 'sent')
  assert.deepEqual([outbox.bytesSent, outbox.bytesWritten], [100_035, 100_035])
})
