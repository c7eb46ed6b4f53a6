import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fstatSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { MAP_SHARED, O_RDWR, PROT_READ, PROT_WRITE } from '../kernel/constants.ts'
import { EACCES } from '../kernel/errno.ts'
import { close, isOpen } from '../kernel/fd.ts'
import { open } from '../kernel/file.ts'
import { mmap } from '../kernel/mmap.ts'
import { encodeAddress, RECORD, type Subject, TEXT_CHARS, type TraceRecord } from './records.ts'
import { EVERYTHING, RING_RECORDS, RingReader, TraceRings } from './rings.ts'

const SUBJECT: Subject = {
  pid: 4242,
  slot: 3,
  generation: 2,
  fd: 17,
  address: encodeAddress({ family: 'IPv4', address: '192.0.2.1', port: 51234 }, 8080),
}
const ALL = { connectionsPerSecond: EVERYTHING, stepsPerConnection: EVERYTHING }

function ringsFor(t: TestContext): TraceRings {
  const rings = TraceRings.create()
  t.after(() => close(rings.fd))
  return rings
}

function readerOf(t: TestContext, rings: TraceRings): RingReader {
  const fd = rings.openForReading()
  const reader = new RingReader(fd)
  t.after(() => {
    reader.close()
    assert.equal(isOpen(fd), false)
  })
  return reader
}

function readAll(reader: RingReader, most = Number.POSITIVE_INFINITY): TraceRecord[] {
  const records: TraceRecord[] = []
  reader.read(most, (record) => records.push(record))
  return records
}

test('what a worker writes a watcher reads, once, from its beginning to watch on', (t) => {
  const rings = ringsFor(t)
  const writer = rings.writer(5)
  writer.write(1.5, RECORD.received, SUBJECT, 78)
  const reader = readerOf(t, rings)
  assert.deepEqual(readAll(reader), [])
  writer.write(2.25, RECORD.request, SUBJECT, 0, 0, 0, 0, 'GET /é')
  writer.write(3.125, RECORD.sent, SUBJECT, -11, 145, -2147483648, 7)
  const common = { pid: 4242, slot: 3, generation: 2, fd: 17, client: '192.0.2.1:51234', port: 8080 }
  assert.deepEqual(readAll(reader), [
    { ...common, atMs: 2.25, kind: RECORD.request, numbers: [0, 0, 0, 0], text: 'GET /é' },
    { ...common, atMs: 3.125, kind: RECORD.sent, numbers: [-11, 145, -2147483648, 7], text: '' },
  ])
  assert.deepEqual(readAll(reader), [])
  assert.equal(reader.skipped, 0)
})

test('rows that come into use later are read from their first record; each row in its order', (t) => {
  const rings = ringsFor(t)
  const reader = readerOf(t, rings)
  const writers = [0, 4095, 7].map((row) => rings.writer(row))
  for (let i = 0; i < 10; i++) writers[i % 3]!.write(i, RECORD.closed, { ...SUBJECT, slot: i % 3 })
  const records = readAll(reader)
  assert.equal(records.length, 10)
  for (const slot of [0, 1, 2]) {
    const times = records.filter((it) => it.slot === slot).map(({ atMs }) => atMs)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
  }
})

test('a row goes on where its last worker was', (t) => {
  const rings = ringsFor(t)
  rings.writer(1).write(1, RECORD.closed, SUBJECT)
  const reader = readerOf(t, rings)
  rings.writer(1).write(2, RECORD.closed, SUBJECT)
  assert.deepEqual(
    readAll(reader).map(({ atMs }) => atMs),
    [2],
  )
})

test('of more than a ring holds the newest are read, and the rest counted', (t) => {
  const rings = ringsFor(t)
  const reader = readerOf(t, rings)
  const writer = rings.writer(0)
  const count = RING_RECORDS + 1000
  for (let i = 0; i < count; i++) writer.write(i, RECORD.closed, SUBJECT)
  const records = readAll(reader)
  // One less than there are places: the writer may be in that one.
  assert.equal(records.length, RING_RECORDS - 1)
  assert.equal(records.at(-1)!.atMs, count - 1)
  assert.equal(reader.skipped, count - records.length)
})

test('what is written over while it is read is counted, not told', (t) => {
  const rings = ringsFor(t)
  const reader = readerOf(t, rings)
  const writer = rings.writer(0)
  for (let i = 0; i < 100; i++) writer.write(i, RECORD.closed, SUBJECT)
  const seen: number[] = []
  reader.read(Number.POSITIVE_INFINITY, ({ atMs }) => {
    seen.push(atMs)
    // While it looks at the first the writer goes round, up to the place of the fiftieth.
    if (seen.length === 1) for (let i = 100; i < RING_RECORDS + 50; i++) writer.write(i, RECORD.closed, SUBJECT)
  })
  assert.deepEqual(seen, [0, ...Array.from({ length: 49 }, (_, i) => 51 + i)])
  assert.equal(reader.skipped, 50)
})

test('no more is read than is asked for; who has little is heard whole', (t) => {
  const rings = ringsFor(t)
  const reader = readerOf(t, rings)
  const [busy, calm] = [rings.writer(0), rings.writer(1)]
  for (let i = 0; i < 1000; i++) busy.write(i, RECORD.closed, { ...SUBJECT, slot: 0 })
  for (let i = 0; i < 10; i++) calm.write(i, RECORD.closed, { ...SUBJECT, slot: 1 })
  const records = readAll(reader, 100)
  assert.equal(records.filter(({ slot }) => slot === 1).length, 10)
  assert.deepEqual(
    records.filter(({ slot }) => slot === 0).map(({ atMs }) => atMs),
    Array.from({ length: 90 }, (_, i) => 910 + i),
  )
  assert.equal(reader.skipped, 910)
})

test('the count of 32 bits begins anew, and nobody notices', (t) => {
  const rings = ringsFor(t)
  const { bytes } = mmap(4096, PROT_READ | PROT_WRITE, MAP_SHARED, rings.fd)
  bytes.writeInt32LE(2 ** 31 - 3, 64) // behind the head's first line, the row's: its count
  const writer = rings.writer(0)
  const reader = readerOf(t, rings)
  for (let i = 0; i < 6; i++) writer.write(i, RECORD.closed, SUBJECT)
  assert.deepEqual(
    readAll(reader).map(({ atMs }) => atMs),
    [0, 1, 2, 3, 4, 5],
  )
})

test('a text longer than its room is cut, and says so', (t) => {
  const rings = ringsFor(t)
  const reader = readerOf(t, rings)
  const writer = rings.writer(0)
  for (const length of [TEXT_CHARS, TEXT_CHARS + 1, 8_000]) {
    writer.write(0, RECORD.request, SUBJECT, 0, 0, 0, 0, 'x'.repeat(length))
  }
  const whole = 'x'.repeat(TEXT_CHARS)
  assert.deepEqual(
    readAll(reader).map(({ text }) => text),
    [whole, `${whole}…`, `${whole}…`],
  )
})

test('who is demanded of, how much, and in which watch', (t) => {
  const rings = ringsFor(t)
  const child = TraceRings.attach(rings.fd)
  assert.equal(child.isWatched, false)
  rings.demand(ALL)
  assert.deepEqual(
    [child.isWatched, child.connectionsPerSecond, child.stepsPerConnection],
    [true, EVERYTHING, EVERYTHING],
  )
  const { watch } = child
  rings.demand({ connectionsPerSecond: 5, stepsPerConnection: 6 })
  assert.deepEqual([child.connectionsPerSecond, child.stepsPerConnection], [5, 6])
  assert.notEqual(child.watch, watch)
  rings.demand(null)
  assert.equal(child.isWatched, false)
})

test('untouched it takes no memory, and none when nobody watches any more', (t) => {
  const rings = ringsFor(t)
  const blocks = () => fstatSync(rings.fd).blocks * 512
  const untouched = blocks()
  assert.ok(untouched <= 64 * 1024, `${untouched} bytes`)
  rings.demand(ALL)
  const writer = rings.writer(0)
  for (let i = 0; i < RING_RECORDS; i++) writer.write(i, RECORD.closed, SUBJECT)
  assert.ok(blocks() > 1024 * 1024)
  rings.demand(null)
  assert.ok(blocks() <= untouched + 64 * 1024, `${blocks()} bytes`)
})

test('connections that are not followed are counted, for each watcher from its beginning', (t) => {
  const rings = ringsFor(t)
  const writer = rings.writer(2)
  writer.countNotFollowed()
  const reader = readerOf(t, rings)
  assert.equal(reader.notFollowed, 0)
  writer.countNotFollowed()
  rings.writer(9).countNotFollowed()
  assert.equal(reader.notFollowed, 2)
})

test('that the listeners have changed is told', (t) => {
  const rings = ringsFor(t)
  const reader = readerOf(t, rings)
  const { listeners } = reader
  rings.tellOfListeners()
  assert.equal(reader.listeners, listeners + 1)
})

test('a watcher cannot write, and another user cannot open it anew', { skip: process.getuid!() !== 0 }, (t) => {
  const rings = ringsFor(t)
  const fd = rings.openForReading()
  t.after(() => close(fd))
  const script = `try { require('fs').openSync('/proc/self/fd/3', 'r+'); console.log('opened') } catch (e) { console.log(e.code) }`
  const out = execFileSync(process.execPath, ['-e', script], {
    uid: 65534,
    gid: 65534,
    stdio: ['ignore', 'pipe', 'inherit', fd],
    encoding: 'utf8',
    cwd: '/',
  })
  assert.equal(out.trim(), 'EACCES')
  assert.notEqual(open(`/proc/self/fd/${fd}`, O_RDWR), -EACCES, 'root may, of course')
})
