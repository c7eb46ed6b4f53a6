import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DRAINING, IN_WORKER_START, monotonicMs, READY, type Row, Scoreboard } from '../scoreboard.ts'
import { PssMemory, readPss, readPssForAWhile, statusOf, type TreeFacts } from './status.ts'

const scoreboard = Scoreboard.create()

const tree: TreeFacts = {
  pid: 100,
  version: '1.2.3',
  startedAt: 5_000,
  phase: 'serving',
  generation: 2,
  model: 'event',
  accept: 'shared',
  listeners: [
    {
      address: '127.0.0.1:8080',
      isSecure: false,
      backlogAsked: 511,
      backlogInEffect: 128,
      acceptQueues: [{ length: 0, limit: 128, peak: null }],
      synQueue: 0,
    },
  ],
  startedAs: { words: [], folder: '/srv', configFile: null, uid: 0 },
  admin: null,
  network: null,
  histograms: null,
  workers: [],
  past: { requests: 1_000, accepted: 100, bytesSent: 10_000, handshakes: { full: 50, resumed: 20, failed: 7 } },
}

const worker = (slot: number, row = slot) => ({ slot, pid: 200 + slot, generation: 2, row })

/** A row as a worker leaves it that has done so much. */
function begin(number: number, act: (row: Row) => void): void {
  const row = scoreboard.row(number)
  row.begin(200 + number, number, 2)
  row.phase = READY
  act(row)
}

const stateAfter = (act: (row: Row) => void) => {
  begin(0, act)
  return statusOf(
    { ...tree, workers: [worker(0)] },
    scoreboard,
    0,
    () => null,
    () => null,
  ).workers[0]!.state
}

const take = (row: Row) => row.countAccepted(0)
const ask = (row: Row) => row.countBegun(0)
const drain = (row: Row) => {
  row.phase = DRAINING
}

/** What a worker has done, and what it is then. */
const STATES: readonly (readonly [string, string, readonly ((row: Row) => void)[]])[] = [
  ['that is ready', 'waiting', []],
  ['with a connection', 'keepalive', [take]],
  ['with a request', 'busy', [take, ask]],
  ['that has answered', 'keepalive', [take, ask, (row) => row.countAnswered()]],
  ['whose connection has closed', 'waiting', [take, (row) => row.countClosed(0)]],
  ['that drains', 'draining', [drain]],
  ['that drains with a request', 'draining', [take, ask, drain]],
  ['not ready yet', 'starting', [(row) => row.begin(200, 0, 2)]],
  ['in workerStart', 'starting', [(row) => row.begin(200, 0, 2), (row) => (row.phase = IN_WORKER_START)]],
]

for (const [name, state, acts] of STATES) {
  test(`a worker ${name} is ${state}`, () => {
    const act = (row: Row) => {
      for (const one of acts) one(row)
    }
    assert.equal(stateAfter(act), state)
  })
}

test('a row that the worker has not begun tells nothing of it', () => {
  begin(3, (row) => row.countAccepted(0))
  const [status] = statusOf(
    { ...tree, workers: [worker(7, 3)] },
    scoreboard,
    0,
    () => null,
    () => null,
  ).workers
  assert.deepEqual(status, {
    slot: 7,
    pid: 207,
    generation: 2,
    state: 'starting',
    connections: 0,
    active: 0,
    requests: 0,
    accepted: 0,
    bytesSent: 0,
    handshakes: null,
    ageMs: 0,
    idleMs: 0,
    pssBytes: null,
    usage: null,
  })
})

test('a worker that has begun a request since the clock was looked at is idle for no time, not for less', () => {
  begin(3, (row) => row.countBegun(row.bornAt + 2))
  const { bornAt } = scoreboard.row(3)
  const [status] = statusOf(
    { ...tree, workers: [worker(3)] },
    scoreboard,
    bornAt - 1,
    () => null,
    () => null,
  ).workers
  assert.deepEqual([status!.ageMs, status!.idleMs], [0, 0])
})

test('counts are the row’s, and totals those of the living and the gone', () => {
  for (const number of [0, 1]) {
    begin(number, (row) => {
      for (let i = 0; i < 3; i++) row.countAccepted(row.bornAt + 1_000)
      for (let i = 0; i < 5; i++) row.countBegun(row.bornAt + 2_000)
      row.countAnswered()
      row.countClosed(700)
      row.addSent(7)
    })
  }
  const now = scoreboard.row(0).bornAt + 3_000.4
  const usage = { cpuMs: 70, minorFaults: 8, majorFaults: 0 }
  const isOurs = (pid: number) => pid === 200
  const workers = [worker(0), worker(1)]
  const status = statusOf(
    { ...tree, workers },
    scoreboard,
    now,
    (pid) => (isOurs(pid) ? 64 : null),
    (pid) => (isOurs(pid) ? usage : null),
  )
  assert.deepEqual(status.workers[0], {
    slot: 0,
    pid: 200,
    generation: 2,
    state: 'busy',
    connections: 2,
    active: 4,
    requests: 5,
    accepted: 3,
    bytesSent: 707,
    handshakes: null,
    ageMs: 3_000,
    idleMs: 1_000,
    pssBytes: 64,
    usage,
  })
  assert.deepEqual(status.totals, {
    workers: 2,
    connections: 4,
    active: 8,
    requests: 1_010,
    accepted: 106,
    bytesSent: 11_414,
    handshakes: null,
    pssBytes: 64,
  })
})

test('handshakes are told of where a listener speaks TLS', () => {
  begin(0, (row) => {
    for (const result of ['full', 'full', 'resumed', 'failed'] as const) row.countHandshake(result)
  })
  const listeners = tree.listeners.map((it) => ({ ...it, isSecure: true }))
  const { workers, totals } = statusOf(
    { ...tree, listeners, workers: [worker(0), worker(7, 3)] },
    scoreboard,
    0,
    () => null,
    () => null,
  )
  assert.deepEqual(
    workers.map(({ handshakes }) => handshakes),
    [
      { full: 2, resumed: 1, failed: 1 },
      { full: 0, resumed: 0, failed: 0 },
    ],
  )
  assert.deepEqual(totals.handshakes, { full: 52, resumed: 21, failed: 8 })
})

test('the head is what the supervisor knows', () => {
  const { workers, totals, ...head } = statusOf(
    tree,
    scoreboard,
    65_000.4,
    () => null,
    () => null,
  )
  const { startedAt: _, past: __, workers: ___, ...facts } = tree
  assert.deepEqual(head, { ...facts, uptimeMs: 60_000 })
  assert.deepEqual(workers, [])
  assert.equal(totals.pssBytes, null)
  assert.deepEqual(JSON.parse(JSON.stringify(head)), head)
})

test('memory is read of a living process, and is null for one that is gone', () => {
  const own = readPss(process.pid)!
  assert.ok(own > 1024 * 1024 && own <= process.memoryUsage().rss * 1.5, `${own}`)
  assert.equal(readPss(2 ** 22 + 1), null)
})

test('memory is read for a while only', () => {
  let now = 0
  const read = readPssForAWhile(readPss, () => now)
  assert.notEqual(read(process.pid), null)
  now = 10_000
  assert.equal(read(process.pid), null)
})

test('a reading serves whoever asks again within five seconds; what could not be read is read again', () => {
  let now = 0
  const read: number[] = []
  const memory = new PssMemory(
    (pid) => {
      read.push(pid)
      return pid === 1 ? null : read.length
    },
    () => now,
  )
  const look = (at: number) => {
    now = at
    const reader = memory.reader()
    return [reader(1), reader(2)]
  }
  assert.deepEqual(look(0), [null, 2])
  assert.deepEqual(look(4_999), [null, 2])
  assert.deepEqual(look(5_000), [null, 5])
  assert.deepEqual(read, [1, 2, 1, 1, 2])
})

test('times are on the clock that the rows are written by', () => {
  begin(0, () => {})
  const [status] = statusOf(
    { ...tree, workers: [worker(0)] },
    scoreboard,
    monotonicMs(),
    () => null,
    () => null,
  ).workers
  assert.ok(status!.ageMs >= 0 && status!.ageMs < 60_000)
})
