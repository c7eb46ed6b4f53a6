import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TreeStatus, WorkerStatus } from '../control/tree-status.ts'
import { frameOf, type Line, type Look, type Taken } from './top-frame.ts'

const worker = (slot: number, more: Partial<WorkerStatus> = {}): WorkerStatus => ({
  slot,
  pid: 4242 + slot,
  generation: 1,
  state: 'waiting',
  connections: 0,
  active: 0,
  requests: 0,
  accepted: 0,
  bytesSent: 0,
  ageMs: 61_000,
  idleMs: 61_000,
  pssBytes: 35_000_000,
  ...more,
})

const counters = {
  acceptQueueOverflows: 0,
  listenDrops: 40,
  synCookiesSent: 0,
  synCookiesReceived: 0,
  synCookiesFailed: 0,
  synQueueFullDrops: 0,
}

function taken(at: number, workers: readonly WorkerStatus[], more: Partial<TreeStatus> = {}): Taken {
  const requests = workers.reduce((sum, { requests }) => sum + requests, 0)
  const totals = {
    workers: workers.length,
    connections: 7,
    active: 3,
    requests,
    accepted: 0,
    bytesSent: 0,
    pssBytes: null,
  }
  const queue = { length: 3, limit: 24, peak: 12 }
  const status: TreeStatus = {
    pid: 4241,
    version: '1.2.3',
    uptimeMs: 90_000,
    phase: 'serving',
    generation: 1,
    model: 'event',
    accept: 'shared',
    listeners: [{ address: '[::1]:80', backlogAsked: 24, backlogInEffect: 24, acceptQueues: [queue], synQueue: 2 }],
    network: { sinceStart: counters, sinceBoot: counters },
    histograms: null,
    workers,
    totals,
    ...more,
  }
  return { at, status }
}

const LOOK: Look = { columns: 80, rows: 12, order: 'requests', isPaused: false }
const text = (lines: readonly Line[]) => lines.map((line) => line.text)

test('a frame as a person reads it', () => {
  const before = taken(1_000, [worker(0), worker(1, { requests: 100 })])
  const busy = worker(1, { requests: 1_100, bytesSent: 2_048, state: 'busy', connections: 7, active: 3, idleMs: 0 })
  const frame = frameOf(before, taken(3_000, [worker(0), busy]), LOOK)
  assert.deepEqual(text(frame), [
    'prefork 1.2.3, pid 4241: serving, for 1m, generation 1',
    'model event, accept shared, 2 workers',
    '[::1]:80  [###        |            ] 3 of 24, peak 12  SYN queue 2',
    'dropped  40 handshake packets since the start (network namespace)',
    '500 requests/s, 0 connections/s, 0B/s sent; now 7 connections, 3 answered',
    '',
    'SLOT     PID   GEN S STATE      CONNS ACTIVE REQS/s  SENT/s   AGE  IDLE    PSS',
    '   1    4243     1 W busy           7      3    500    1.0K    1m    0s  33.4M',
    '   0    4242     1 _ waiting        0      0      0      0B    1m    1m  33.4M',
    '',
    '',
    'q quit  p pause  s sort (by requests)',
  ])
})

test('the first knows no rates, nor does one of another server', () => {
  const now = taken(1_000, [worker(0)])
  const other = { ...now, status: { ...now.status, pid: 1 } }
  for (const before of [null, other]) {
    const lines = text(frameOf(before, now, LOOK))
    assert.equal(lines[4], '- requests/s, - connections/s, -/s sent; now 7 connections, 3 answered')
    assert.match(lines[7]!, / {6}- {7}- {4}1m/)
  }
})

test('workers that are born count from their birth, and counts that go back are no rate', () => {
  const before = taken(0, [worker(0, { requests: 100 })])
  const lines = text(frameOf(before, taken(1_000, [worker(0, { pid: 9_999, requests: 50 })]), LOOK))
  assert.match(lines[4]!, /^0 requests\/s/)
  assert.match(lines[7]!, /^ {3}0 {4}9999 .* {6}- {7}- /)
})

test('a full queue, and what has just been dropped, is said and marked', () => {
  const full = { length: 24, limit: 24, peak: 24 }
  const listeners = [{ address: ':80', backlogAsked: 24, backlogInEffect: 24, acceptQueues: [full], synQueue: null }]
  const drops = { ...counters, listenDrops: 47 }
  const now = taken(1_000, [], { listeners, network: { sinceStart: drops, sinceBoot: drops } })
  const frame = frameOf(taken(0, []), now, LOOK)
  assert.deepEqual(frame.slice(2, 4), [
    { text: ':80  [########################] 24 of 24 (full), peak 24', tone: 'warn' },
    { text: 'dropped  7 just now, 47 handshake packets since the start (network namespace)', tone: 'warn' },
  ])
})

test('of several sockets the fullest', () => {
  const queues = [0, 9, 4].map((length) => ({ length, limit: 24, peak: length + 1 }))
  const listeners = [{ address: ':80', backlogAsked: 24, backlogInEffect: 24, acceptQueues: queues, synQueue: 0 }]
  const lines = text(frameOf(null, taken(0, [], { listeners }), LOOK))
  assert.equal(lines[2], ':80  [#########|              ] 9 of 24, peak 10 (longest of 3)  SYN queue 0')
})

const ORDERED: readonly (readonly [Look['order'], readonly number[]])[] = [
  ['requests', [2, 0, 1, 3]],
  ['connections', [1, 3, 0, 2]],
  ['memory', [3, 0, 1, 2]],
  ['slot', [0, 1, 2, 3]],
]
for (const [order, slots] of ORDERED) {
  test(`by ${order}: the busiest first`, () => {
    const workers = [
      worker(0, { requests: 5 }),
      worker(1, { connections: 9, pssBytes: 1 }),
      worker(2, { requests: 10, pssBytes: null }),
      worker(3, { connections: 4, pssBytes: 36_000_000 }),
    ]
    const before = taken(
      0,
      [0, 1, 2, 3].map((slot) => worker(slot)),
    )
    const lines = text(frameOf(before, taken(1_000, workers), { ...LOOK, order, rows: 24 }))
    assert.deepEqual(
      lines.slice(7, 11).map((line) => Number(line.slice(0, 4))),
      slots,
    )
  })
}

test('whatever the size: as many lines as there are rows, none too long, and what is not shown is counted', () => {
  const now = taken(
    1_000,
    Array.from({ length: 40 }, (_, slot) => worker(slot)),
  )
  for (let rows = 1; rows <= 60; rows++) {
    for (const columns of [1, 2, 20, 79, 80, 200]) {
      const lines = text(frameOf(null, now, { ...LOOK, rows, columns }))
      assert.equal(lines.length, rows)
      assert.ok(
        lines.every((line) => line.length <= columns),
        `${rows} rows, ${columns} columns`,
      )
    }
  }
  const lines = text(frameOf(null, now, { ...LOOK, rows: 24 }))
  assert.equal(lines.at(-2), 'and 25 more workers')
})

test('no line of a worker passes 80 columns, however large its numbers', () => {
  const most = Number.MAX_SAFE_INTEGER
  const times = { ageMs: 9999 * 86_400_000, idleMs: 9999 * 86_400_000 }
  const worst = worker(4095, { ...times, pid: 4_194_304, generation: 99_999, state: 'keepalive', connections: most })
  const large = { ...worst, active: most, requests: most, bytesSent: most, pssBytes: most }
  const lines = text(frameOf(taken(0, [worst]), taken(1_000, [large]), { ...LOOK, columns: 500 }))
  assert.ok(lines[7]!.length <= 80, lines[7])
})
