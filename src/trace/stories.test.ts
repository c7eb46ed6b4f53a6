import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EAGAIN, ECONNRESET } from '../kernel/errno.ts'
import { ACCEPT, RECORD, type RecordKind, SYN_SACK, SYN_TIMESTAMPS, type TraceRecord } from './records.ts'
import { type LiveStory, type Packet, Stories } from './stories.ts'
import type { Step } from './story.ts'

const CLIENT = '192.0.2.1:51234'

function record(atMs: number, kind: RecordKind, numbers: number[] = [], more: Partial<TraceRecord> = {}): TraceRecord {
  const [a = 0, b = 0, c = 0, d = 0] = numbers
  const common = { pid: 77, slot: 1, generation: 2, fd: 12, client: CLIENT, port: 8080, text: '' }
  return { ...common, atMs, kind, numbers: [a, b, c, d], ...more }
}

const SILENT = { syn: false, ack: false, fin: false, rst: false, seq: 0, acknowledged: 0, offer: null }

function packet(atMs: number, way: 'in' | 'out', more: Partial<Packet>): Packet {
  return { ...SILENT, atMs, way, client: CLIENT, port: 8080, ...more }
}

const OFFER = { mss: 1460, windowScale: 7, hasSack: true, hasTimestamps: true, ttl: 64 }
const syn = (atMs: number, seq = 1000, more: Partial<Packet> = {}) =>
  packet(atMs, 'in', { syn: true, seq, offer: OFFER, ...more })
const synAck = (atMs: number, seq = 5000) => packet(atMs, 'out', { syn: true, ack: true, seq, acknowledged: 1001 })
const ack = (atMs: number, acknowledged = 5001) => packet(atMs, 'in', { ack: true, seq: 1001, acknowledged })

/** Takes items in turn; what came of it, as lines and as stories. */
function tell(
  items: readonly (TraceRecord | Packet)[],
  { stepsMax = 100, storiesMax = 10_000, isSampled = false } = {},
) {
  const told: { story: LiveStory; step: Step }[] = []
  const stories = new Stories({ stepsMax, storiesMax, isSampled, onStep: (story, step) => told.push({ story, step }) })
  for (const item of items) {
    if ('numbers' in item) stories.takeRecord(item)
    else stories.takePacket(item)
  }
  const lines = told.map(({ story, step }) => `${story.id} ${step.kind}: ${step.call ?? ''}|${step.text}`)
  return { stories, told, lines, story: told[0]?.story }
}

test('a whole story, from the SYN to the end', () => {
  const { lines, story } = tell([
    syn(100),
    synAck(100.02),
    ack(100.05),
    record(100.3, RECORD.accepted, [ACCEPT.own, 0, 30]),
    record(100.31, RECORD.savedSyn, [1460, 7, 64, SYN_SACK | SYN_TIMESTAMPS]),
    record(100.4, RECORD.received, [78]),
    record(100.41, RECORD.request, [], { text: 'GET /hello' }),
    record(100.5, RECORD.response, [200]),
    record(100.55, RECORD.sent, [145, 145]),
    packet(101, 'in', { fin: true, ack: true }),
    record(101.1, RECORD.received, [0]),
    record(101.2, RECORD.closed),
    packet(101.21, 'out', { fin: true, ack: true }),
  ])
  assert.deepEqual(lines, [
    '1 syn: |SYN: MSS 1460, window scale 7, SACK, timestamps, TTL 64',
    '1 syn-ack: |SYN/ACK: the kernel answers by itself',
    '1 ack: |ACK: the handshake is finished, 50 µs after its SYN; it waits in the accept queue',
    `1 accepted: accept4() = 12|Accepted connection from ${CLIENT}, after 250 µs in the accept queue, by worker 1 (pid 77)`,
    '1 received: recv(12) = 78|78 bytes',
    '1 request: |Received request: GET /hello',
    '1 response: |Response: 200',
    '1 sent: send(12) = 145|145 bytes',
    '1 fin: |FIN: the client has nothing more to send',
    '1 received: recv(12) = 0|the client has finished sending',
    '1 closed: close(12) = 0|Closed, after 1 request',
    '1 fin: |FIN: the server has nothing more to send',
  ])
  const { steps, stepsLeftOut, headline } = story!
  assert.equal(steps.length, lines.length)
  assert.equal(stepsLeftOut, 0)
  assert.deepEqual(
    { ...headline, durationMs: Math.round(headline.durationMs * 100) / 100 },
    {
      id: 1,
      client: CLIENT,
      port: 8080,
      worker: { slot: 1, pid: 77, generation: 2 },
      fd: 12,
      beganAtMs: 100,
      durationMs: 1.21,
      isOver: true,
      requests: 1,
      lastRequest: 'GET /hello',
      lastStatus: 200,
    },
  )
})

test('without packets, what the kernel keeps of the handshake is told at the accept', () => {
  const { lines } = tell([
    record(100, RECORD.accepted, [ACCEPT.own, 8, 30]),
    record(100.1, RECORD.savedSyn, [0, -1, 63, 0]),
  ])
  assert.deepEqual(lines, [
    `1 accepted: accept4() = 12|Accepted connection from ${CLIENT}, after about 8 ms in the accept queue; its handshake took 30 µs, by worker 1 (pid 77)`,
    '1 syn: getsockopt(12, TCP_SAVED_SYN)|the kernel has kept its SYN: no MSS, no window scale, no SACK, no timestamps, TTL 63',
  ])
})

test('who was accepted by another, and came by a Unix socket', () => {
  const unix = { client: 'unix', port: 0 }
  const { lines } = tell([
    record(1, RECORD.accepted, [ACCEPT.passed, 4, 0]),
    record(2, RECORD.accepted, [ACCEPT.forked, -1, 0], { client: '192.0.2.9:1', fd: 5 }),
    record(3, RECORD.accepted, [ACCEPT.own, -1, 0], unix),
    record(4, RECORD.accepted, [ACCEPT.own, -1, 0], { ...unix, fd: 13 }),
    record(5, RECORD.received, [3], unix),
  ])
  assert.deepEqual(lines, [
    `1 accepted: recvmsg(SCM_RIGHTS) = 12|Accepted connection from ${CLIENT}, after about 4 ms in the accept queue, by the supervisor, which passed it to worker 1 (pid 77)`,
    '2 accepted: accept4() = 5|Accepted connection from 192.0.2.9:1, by the parent, which forked pid 77 for it',
    '3 accepted: accept4() = 12|Accepted connection from unix, by worker 1 (pid 77)',
    '4 accepted: accept4() = 13|Accepted connection from unix, by worker 1 (pid 77)',
    '3 received: recv(12) = 3|3 bytes',
  ])
})

test('a SYN that nobody answers comes again, and is the same story; another one is another', () => {
  const { lines } = tell([syn(0), syn(1_000), syn(3_000), synAck(3_000.1), synAck(4_000), syn(5_000, 2222)])
  assert.deepEqual(lines, [
    '1 syn: |SYN: MSS 1460, window scale 7, SACK, timestamps, TTL 64',
    '1 syn: |SYN, sent again 1 s after the one before',
    '1 syn: |SYN, sent again 2 s after the one before',
    '1 syn-ack: |SYN/ACK: the kernel answers by itself',
    '1 syn-ack: |SYN/ACK, sent again',
    '2 syn: |SYN: MSS 1460, window scale 7, SACK, timestamps, TTL 64',
  ])
})

test('bare ACKs that end no handshake are no steps', () => {
  const { lines } = tell([ack(0), syn(1), ack(2), synAck(3), ack(4, 5002), ack(5), ack(6), ack(7, 9000)])
  assert.deepEqual(
    lines.map((line) => line.split(':')[0]),
    ['1 syn', '1 syn-ack', '1 ack'],
  )
})

test('the sequence numbers begin anew after 2^32', () => {
  const { lines } = tell([syn(1), synAck(2, 2 ** 32 - 1), ack(3, 0)])
  assert.equal(lines.length, 3)
})

test('a connection that was there before has a story that begins in its midst', () => {
  const { lines, story } = tell([
    record(5, RECORD.request, [], { text: 'GET /' }),
    record(6, RECORD.response, [304]),
    record(7, RECORD.reset),
  ])
  assert.deepEqual(lines, [
    '1 request: |Received request: GET /',
    '1 response: |Response: 304',
    '1 reset: close(12) = 0|Reset, for what it has received is not whole, after 1 request',
  ])
  assert.equal(story!.isOver, true)
})

test('the same two ends again are another story: after a close, or by another descriptor', () => {
  const { lines } = tell([
    record(1, RECORD.accepted),
    record(2, RECORD.closed),
    record(3, RECORD.accepted),
    record(4, RECORD.received, [1], { pid: 78 }),
    record(5, RECORD.received, [1], { pid: 78 }),
  ])
  assert.deepEqual(
    lines.map((line) => Number(line.split(' ')[0])),
    [1, 1, 2, 3, 3],
  )
})

test('what went wrong is told by name', () => {
  const { lines } = tell([
    record(1, RECORD.received, [-ECONNRESET]),
    record(2, RECORD.sent, [-EAGAIN, 100]),
    record(3, RECORD.sent, [60, 100]),
    record(4, RECORD.sentFile, [-ECONNRESET, 100]),
    record(5, RECORD.sentFile, [1, 1]),
    record(6, RECORD.shutdown),
    packet(7, 'in', { rst: true }),
    packet(8, 'out', { rst: true }),
  ])
  assert.deepEqual(lines, [
    '1 received: recv(12) = -1 ECONNRESET|the connection is broken',
    '1 sent: send(12) = -1 EAGAIN|the send buffer is full: it waits for the client',
    '1 sent: send(12) = 60|60 of 100 bytes: the rest waits for room in the send buffer',
    '1 sent: sendfile(12) = -1 ECONNRESET|the connection is broken',
    '1 sent: sendfile(12) = 1|1 byte',
    '1 shutdown: shutdown(12, SHUT_WR) = 0|nothing more will be sent',
    '1 rst: |RST: the client breaks the connection off',
    '1 rst: |RST: the server breaks the connection off',
  ])
})

test('where only some are followed, the end of one that is not is no story', () => {
  const fin = packet(1, 'in', { fin: true, ack: true })
  assert.deepEqual(tell([fin], { isSampled: true }).lines, [])
  assert.equal(tell([fin]).lines.length, 1)
})

test('of too many steps the middle goes, and is counted', () => {
  const items = Array.from({ length: 25 }, (_, i) => record(i, RECORD.received, [i + 1]))
  const { story } = tell(items, { stepsMax: 10 })
  const bytes = story!.steps.map(({ call }) => Number(call!.split(' = ')[1]))
  assert.deepEqual(bytes, [1, 2, 3, 4, 5, 21, 22, 23, 24, 25])
  assert.equal(story!.stepsLeftOut, 15)
})

test('a step that comes late stands where it belongs', () => {
  const { story } = tell([record(1, RECORD.accepted), record(3, RECORD.received, [1]), packet(2, 'in', { fin: true })])
  assert.deepEqual(
    story!.steps.map(({ kind }) => kind),
    ['accepted', 'fin', 'received'],
  )
})

test('what is over, and who was never accepted, is forgotten', () => {
  const { stories, told } = tell([record(1, RECORD.accepted), record(2, RECORD.closed), syn(3, 1, { client: 'b:1' })])
  stories.sweep(4)
  stories.takePacket(packet(5, 'out', { fin: true }))
  assert.equal(told.at(-1)!.story.id, 1, 'its last packets still belong to it')
  stories.sweep(200_000)
  stories.takePacket(packet(200_001, 'out', { fin: true }))
  stories.takePacket(synAck(200_002))
  assert.equal(told.at(-1)!.story.id, 3, 'it is not known any more')
  assert.equal(told.length, 6)
})

test('no more than so many are kept in mind', () => {
  const { stories, told } = tell([])
  for (let i = 0; i < 10_001; i++) stories.takeRecord(record(i, RECORD.accepted, [], { client: `c:${i}`, fd: i }))
  stories.takeRecord(record(20_000, RECORD.received, [1], { client: 'c:0', fd: 0 }))
  assert.equal(told.at(-1)!.story.id, 10_002, 'the oldest was forgotten')
  stories.takeRecord(record(20_001, RECORD.received, [1], { client: 'c:10000', fd: 10_000 }))
  assert.equal(told.at(-1)!.story.id, 10_001)
})
