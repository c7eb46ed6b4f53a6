import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../kernel/constants.ts'
import { EAGAIN } from '../kernel/errno.ts'
import { HEADS_PER_ROUND, RECEIVE_BUFFER_BYTES, RECEIVES_PER_ROUND, ReceiveBuffer } from './inbox.ts'
import { FLUSH_BYTES_MAX, SendBuffer } from './outbox.ts'
import { PretendTransport } from './pretend-transport.test.support.ts'
import { Wire, type WireLoop } from './wire.ts'

const READ = EPOLLIN | EPOLLRDHUP | EPOLLET

const watcher = { onReady: () => {} }

/** Notes what is asked of it. */
class PretendLoop implements WireLoop {
  round = 1
  readonly log: string[] = []

  watch(_fd: number, events: number): void {
    this.log.push(`watch ${nameOf(events)}`)
  }

  rewatch(_fd: number, events: number): void {
    this.log.push(`rewatch ${nameOf(events)}`)
  }

  handOver(): void {
    this.log.push('handOver')
  }

  again(): void {
    this.log.push('again')
  }

  forget(): void {
    this.log.push('forget')
  }

  unwatch(): void {
    this.log.push('unwatch')
  }
}

function nameOf(events: number): string {
  if (events === READ) return 'read'
  return events === (READ | EPOLLOUT) ? 'read and write' : String(events)
}

type SetUp = { wire: Wire; loop: PretendLoop; transport: PretendTransport }

/** It has had its first turn, and is watched. */
function setUp(): SetUp {
  const parts = setUpNewcomer()
  parts.wire.watch(watcher)
  assert.deepEqual(parts.loop.log.splice(0), ['watch read'])
  return parts
}

function setUpNewcomer(): SetUp {
  const loop = new PretendLoop()
  const transport = new PretendTransport()
  const buffers = { receiveBuffer: new ReceiveBuffer(0), sendBuffer: new SendBuffer() }
  return { wire: new Wire(transport, loop, buffers), loop, transport }
}

test('it is watched once, however often that is asked', () => {
  const { wire, loop } = setUp()
  wire.watch(watcher)
  assert.deepEqual(loop.log, [])
})

test('a newcomer that ends before it is watched was never in the epoll, whoever else has its descriptor', () => {
  for (const isShared of [false, true]) {
    const { wire, loop, transport } = setUpNewcomer()
    transport.isShared = isShared
    wire.end(false)
    assert.deepEqual([loop.log, transport.log], [[], ['close']])
  }
})

test('a newcomer that cannot be sent everything is watched for both when it is watched', () => {
  const { wire, loop, transport } = setUpNewcomer()
  transport.takes = [-EAGAIN]
  wire.outbox.writeLatin1('x')
  assert.equal(wire.flush(), 'blocked')
  assert.deepEqual(loop.log, [])
  wire.watch(watcher)
  assert.deepEqual(loop.log, ['watch read and write'])
})

test('a newcomer that is handed over is watched for its new owner', () => {
  const { wire, loop } = setUpNewcomer()
  wire.handOver(watcher)
  assert.deepEqual(loop.log, ['watch read'])
})

test('both directions over, there is nobody to answer', () => {
  const { wire } = setUp()
  assert.equal(wire.announce(EPOLLIN | EPOLLRDHUP), true)
  assert.equal(wire.announce(EPOLLIN | EPOLLRDHUP | EPOLLHUP), false)
  assert.equal(wire.announce(EPOLLERR), false)
})

test('where we have ended our direction ourselves, what came before the end of the other is read', () => {
  const { wire } = setUp()
  wire.finish()
  assert.equal(wire.announce(EPOLLIN | EPOLLRDHUP | EPOLLHUP), true)
  assert.equal(wire.inbox.isReadable, true)
  assert.equal(wire.announce(EPOLLIN | EPOLLERR | EPOLLHUP), false)
})

test('who has had enough for a round asks for the event anew', () => {
  const { wire, loop, transport } = setUp()
  transport.gives = Array.from({ length: RECEIVES_PER_ROUND + 1 }, () => 'x'.repeat(RECEIVE_BUFFER_BYTES))
  wire.announce(EPOLLIN)
  wire.open()
  for (let i = 0; i < RECEIVES_PER_ROUND; i++) {
    assert.equal(wire.receive(), 'some')
    wire.inbox.from = wire.inbox.to
  }
  assert.equal(wire.receive(), 'nothing')
  assert.deepEqual(loop.log, ['rewatch read'])
  loop.round += 1
  wire.open()
  assert.equal(wire.receive(), 'some')
  assert.deepEqual(loop.log, ['rewatch read'])
})

test('who has begun enough heads for a round is told again in the next', () => {
  const { wire, loop } = setUp()
  wire.open()
  for (let i = 0; i < HEADS_PER_ROUND; i++) assert.equal(wire.beginHead(watcher), true)
  assert.deepEqual(loop.log, [])
  assert.equal(wire.beginHead(watcher), false)
  assert.deepEqual([loop.log, wire.inbox.isReadable], [['again'], true])
  wire.open() // a turn in the same round
  assert.equal(wire.beginHead(watcher), false)
  loop.round += 1
  wire.open()
  assert.equal(wire.beginHead(watcher), true)
})

test('who is blocked asks for the writable socket, once and for good', () => {
  const { wire, loop, transport } = setUp()
  transport.takes = [1, -EAGAIN, 1, -EAGAIN]
  wire.outbox.writeLatin1('abcdef')
  assert.equal(wire.flush(), 'blocked')
  assert.equal(wire.flush(), 'blocked')
  assert.equal(wire.flush(), 'blocked')
  assert.equal(wire.flush(), 'sent')
  assert.deepEqual(loop.log, ['rewatch read and write'])
})

test('who pauses amid a large file is blocked for others to see, and asks every time', () => {
  const { wire, loop } = setUp()
  wire.outbox.writeFile({ fd: 7, name: 'pretend', offset: 0, length: 3 * FLUSH_BYTES_MAX, close: () => {} })
  assert.deepEqual([wire.flush(), wire.flush(), wire.flush()], ['blocked', 'blocked', 'sent'])
  assert.deepEqual(loop.log, ['rewatch read and write', 'rewatch read and write'])
})

test('who ends waits for the writable socket until the goodbye is said; what was sent before is not held back for it', () => {
  const { wire, loop, transport } = setUp()
  transport.goodbyesInVain = 1
  wire.endSoon()
  assert.deepEqual([wire.flush(), wire.isBlocked], ['blocked', true])
  assert.deepEqual(loop.log, ['rewatch read and write'])
  assert.deepEqual([wire.flush(), wire.isBlocked], ['sent', false])
  wire.end(false)
  assert.deepEqual(transport.log, ['close'])
})

test('the last bytes wait for the FIN, and leave with it', () => {
  const { wire, transport } = setUp()
  wire.outbox.writeLatin1('abc')
  wire.endSoon()
  wire.endSoon()
  assert.equal(wire.flush(), 'sent')
  wire.end(false)
  assert.deepEqual(transport.log, ['endSoon', 'send 3', 'finish', 'close'])
})

test('at the end everything is given back: events, what waits, the socket', () => {
  for (const [reset, how] of [
    [false, 'close'],
    [true, 'reset'],
  ] as const) {
    const { wire, loop, transport } = setUp()
    let closed = 0
    wire.outbox.writeFile({ fd: 7, name: 'pretend', offset: 0, length: 10, close: () => (closed += 1) })
    wire.finish()
    wire.end(reset)
    assert.deepEqual([loop.log, transport.log, closed], [['forget'], ['finish', how], 1])
    assert.equal(wire.inbox.isEmpty, true)
  }
})

test('of a socket that another process holds, too, the kernel is told that nobody watches it', () => {
  const { wire, loop, transport } = setUp()
  transport.isShared = true
  wire.end(false)
  assert.deepEqual([loop.log, transport.log], [['unwatch'], ['close']])
})
