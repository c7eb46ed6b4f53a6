import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { fstatSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DRAINING, monotonicMs, READY, ROWS_MAX, type Row, Scoreboard, STARTING, sumOf } from './scoreboard.ts'

const fixture = join(import.meta.dirname, '../test/fixtures/scoreboard-fork.js')
/** A scenario takes well under a second. */
const DEADLINE_MS = 60_000

/** All that can be read of a row. */
function read(row: Row): Record<string, number> {
  const { pid, slot, generation, phase, bornAt, heartbeatAt, activeAt, accepted, connections, active } = row
  const { requests, bytesSent } = row
  const who = { pid, slot, generation, phase }
  const { full, resumed, failed } = row.counts.handshakes
  const handshakes = { full, resumed, failed }
  return { ...who, bornAt, heartbeatAt, activeAt, accepted, connections, active, requests, bytesSent, ...handshakes }
}

/** A row in which every field has a value of its own. */
function fill(row: Row, from: number): void {
  row.begin(from, from + 1, from + 2)
  row.phase = READY
  row.heartbeatAt = from + 3
  for (let i = 0; i < 5; i++) row.countAccepted(from + 4)
  for (let i = 0; i < 2; i++) row.countClosed(from)
  for (let i = 0; i < 7; i++) row.countBegun(from + 5)
  row.countAnswered()
  for (const result of ['full', 'resumed', 'resumed', 'failed', 'failed', 'failed'] as const) row.countHandshake(result)
}

test('a row is free until somebody begins it', () => {
  const row = Scoreboard.create().row(0)
  assert.deepEqual(new Set(Object.values(read(row))), new Set([0]))
  const before = monotonicMs()
  row.begin(4711, 3, 2)
  const { bornAt, heartbeatAt, activeAt, ...rest } = read(row)
  assert.ok(bornAt! >= before && bornAt! <= monotonicMs())
  assert.deepEqual([heartbeatAt, activeAt], [bornAt, bornAt])
  const zeros = { accepted: 0, connections: 0, active: 0, requests: 0, bytesSent: 0, full: 0, resumed: 0, failed: 0 }
  assert.deepEqual(rest, { pid: 4711, slot: 3, generation: 2, phase: STARTING, ...zeros })
})

test('what happens is counted', () => {
  const row = Scoreboard.create().row(0)
  row.begin(1, 0, 1)
  for (const now of [1000, 1001, 1002]) row.countAccepted(now)
  row.countClosed(40)
  assert.deepEqual([row.accepted, row.connections, row.activeAt, row.bytesSent], [3, 2, 1002, 40])
  for (const now of [1003, 1004]) row.countBegun(now)
  row.countAnswered()
  row.addSent(2)
  assert.deepEqual([row.requests, row.active, row.activeAt, row.bytesSent], [2, 1, 1004, 42])
  row.phase = DRAINING
  row.heartbeatAt = 1005
  assert.deepEqual([row.phase, row.heartbeatAt], [DRAINING, 1005])
})

test('the next worker of a row begins from nothing', () => {
  const row = Scoreboard.create().row(9)
  fill(row, 1000)
  row.begin(2, 9, 4)
  const { pid, slot, generation, phase, bornAt, heartbeatAt, activeAt, ...counts } = read(row)
  assert.deepEqual([pid, slot, generation, phase], [2, 9, 4, STARTING])
  assert.deepEqual([heartbeatAt, activeAt], [bornAt, bornAt])
  assert.deepEqual(new Set(Object.values(counts)), new Set([0]))
})

test('what those before it had counted is kept in the row', () => {
  const row = Scoreboard.create().row(9)
  const none = { full: 0, resumed: 0, failed: 0 }
  assert.deepEqual(row.earlier, { requests: 0, accepted: 0, bytesSent: 0, handshakes: none })
  for (let worker = 1; worker <= 3; worker++) fill(row, 1000 * worker)
  const one = { requests: 7, accepted: 5, bytesSent: 2 * 3000, handshakes: { full: 1, resumed: 2, failed: 3 } }
  assert.deepEqual(row.counts, one)
  const handshakes = { full: 2, resumed: 4, failed: 6 }
  assert.deepEqual(row.earlier, { requests: 2 * 7, accepted: 2 * 5, bytesSent: 2 * (1000 + 2000), handshakes })
  assert.deepEqual(sumOf([row.counts, row.counts, row.earlier]).handshakes, { full: 4, resumed: 8, failed: 12 })
})

test('rows do not overlap, nor does the head', () => {
  const scoreboard = Scoreboard.create()
  const indexes = [0, 1, 2, ROWS_MAX - 2, ROWS_MAX - 1]
  const rows = indexes.map((index) => scoreboard.row(index))
  const written = rows.map((row, i) => {
    fill(row, (i + 1) * 1000)
    return read(row)
  })
  scoreboard.isEnding = true
  assert.deepEqual(rows.map(read), written)
  assert.ok(scoreboard.isEnding)
  assert.equal(scoreboard.row(3).pid, 0)
})

test('there is no row beyond the last, nor before the first', () => {
  const scoreboard = Scoreboard.create()
  for (const index of [-1, ROWS_MAX, Number.NaN]) assert.throws(() => scoreboard.row(index), RangeError)
})

test('two attachments are the same memory', () => {
  const mine = Scoreboard.create()
  const theirs = Scoreboard.attach(mine.fd)
  assert.equal(theirs.isEnding, false)
  fill(theirs.row(5), 500)
  assert.deepEqual(read(mine.row(5)), read(theirs.row(5)))
  assert.equal(mine.row(5).pid, 500)
  mine.isEnding = true
  assert.equal(theirs.isEnding, true)
  mine.isEnding = false
  assert.equal(theirs.isEnding, false)
  assert.equal(theirs.isPoolFull, false)
  mine.isPoolFull = true
  assert.equal(theirs.workers, 0)
  mine.workers = 3
  assert.deepEqual([theirs.isPoolFull, theirs.isEnding, theirs.workers], [true, false, 3])
})

test('rows that nobody wrote take no memory', () => {
  const scoreboard = Scoreboard.create()
  assert.equal(scoreboard.row(ROWS_MAX - 1).pid, 0)
  scoreboard.row(0).begin(1, 0, 1)
  const { size, blocks } = fstatSync(scoreboard.fd)
  assert.ok(size > ROWS_MAX * 64)
  assert.ok(blocks * 512 <= 8192, `${blocks * 512} bytes`)
})

test('a parent sees the rows of its forked children', () => {
  const flags = ['--single-threaded', '--v8-pool-size=0']
  const result = spawnSync(process.execPath, [...flags, fixture], { encoding: 'utf8', timeout: DEADLINE_MS })
  assert.equal(result.stderr, '')
  assert.deepEqual(JSON.parse(result.stdout), {
    pids: true,
    phases: [READY, READY, READY, READY],
    requests: [1000, 1001, 1002, 1003],
    sameClock: true,
    untouched: 0,
  })
})

test('a process started afresh has the same clock', () => {
  const url = new URL('./scoreboard.js', import.meta.url)
  const script = `const { monotonicMs } = await import('${url}'); console.log(monotonicMs())`
  const before = monotonicMs()
  const theirs = Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }))
  const after = monotonicMs()
  assert.ok(before < theirs && theirs < after, `${before} < ${theirs} < ${after}`)
})
