import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TreeStatus, WorkerStatus } from '../control/tree-status.ts'
import { bytes, count, duration, statusText } from './status-text.ts'

const table = <T>(show: (value: T) => string, rows: readonly (readonly [T, string])[]) => {
  for (const [value, shown] of rows) assert.equal(show(value), shown)
}

test('counts in units', () =>
  table(count, [
    [0, '0'],
    [999, '999'],
    [1000, '1.0k'],
    [1249, '1.2k'],
    [99_949, '99.9k'],
    [99_950, '100k'],
    [999_499, '999k'],
    [999_500, '1.0M'],
    [123_456_789, '123M'],
    [2 ** 53, '9.0P'],
  ]))

test('bytes in units', () =>
  table(bytes, [
    [0, '0B'],
    [1023, '1023B'],
    [1024, '1.0K'],
    [1536, '1.5K'],
    [1024 * 1023.4, '1023K'],
    [1024 * 1023.6, '1.0M'],
    [34.25 * 2 ** 20, '34.3M'],
    [5 * 2 ** 40, '5.0T'],
  ]))

test('durations in whole units', () =>
  table(duration, [
    [0, '0s'],
    [999, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [3_599_999, '59m'],
    [3_600_000, '1h'],
    [86_399_999, '23h'],
    [86_400_000, '1d'],
    [400 * 86_400_000, '400d'],
  ]))

const idle: WorkerStatus = {
  slot: 0,
  pid: 4242,
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
}

const busy: WorkerStatus = {
  slot: 1,
  pid: 4194304,
  generation: 1,
  state: 'keepalive',
  connections: 10_000,
  active: 0,
  requests: 123_456,
  accepted: 12_345,
  bytesSent: 123_456_789,
  ageMs: 400 * 86_400_000,
  idleMs: 0,
  pssBytes: null,
}

const status: TreeStatus = {
  pid: 4241,
  version: '1.2.3',
  uptimeMs: 2 * 86_400_000,
  phase: 'serving',
  generation: 1,
  model: 'event',
  accept: 'shared',
  listeners: [
    { address: '127.0.0.1:8080', backlogAsked: 511, backlogInEffect: 511 },
    { address: 'unix:/run/site.sock', backlogAsked: 1024, backlogInEffect: 128 },
  ],
  workers: [idle, busy],
  totals: {
    workers: 2,
    connections: 10_000,
    active: 1,
    requests: 123_456,
    accepted: 1,
    bytesSent: 123_456_789,
    pssBytes: 35_000_000,
  },
}

test('a tree as a person reads it', () =>
  assert.equal(
    statusText(status, 80),
    `\
prefork 1.2.3, pid 4241: serving, for 2d, generation 1
model event, accept shared, 2 workers, 33.4M of memory
listens on 127.0.0.1:8080, backlog 511
listens on unix:/run/site.sock, backlog 1024, 128 in effect (net.core.somaxconn)
now    10.0k connections, 1 request being answered
so far 1 connection, 123k requests, 118M sent

SLOT     PID   GEN STATE      CONNS ACTIVE  REQS TAKEN   SENT   AGE  IDLE    PSS
   0    4242     1 waiting        0      0     0     0     0B    1m    1m  33.4M
   1 4194304     1 keepalive  10.0k      0  123k 12.3k   118M  400d    0s      -
`,
  ))

test('no line of a worker passes 80 columns, however large its numbers', () => {
  const most = Number.MAX_SAFE_INTEGER
  const worst = { ...busy, slot: 4095, generation: 99_999, connections: most, active: most, requests: most }
  const more = { accepted: most, bytesSent: most, ageMs: 9999 * 86_400_000, idleMs: 9999 * 86_400_000, pssBytes: most }
  const text = statusText({ ...status, workers: [idle, { ...worst, ...more, state: 'keepalive' }] }, 80)
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line)
})

test('in a narrow terminal lines are wrapped, and the least of the columns left out', () => {
  assert.equal(
    statusText(status, 44),
    `\
prefork 1.2.3, pid 4241: serving, for 2d,
  generation 1
model event, accept shared, 2 workers, 33.4M
  of memory
listens on 127.0.0.1:8080, backlog 511
listens on unix:/run/site.sock, backlog
  1024, 128 in effect (net.core.somaxconn)
now    10.0k connections, 1 request being
  answered
so far 1 connection, 123k requests, 118M
  sent

SLOT     PID STATE      CONNS  REQS    PSS
   0    4242 waiting        0     0  33.4M
   1 4194304 keepalive  10.0k  123k      -
`,
  )
})

test('from 22 columns on nothing is wider than the terminal; a slot, its pid and its state are always told', () => {
  for (let width = 22; width <= 100; width++) {
    const lines = statusText(status, width).split('\n')
    const long = lines.filter((line) => line.length > width && line.trim().includes(' '))
    assert.deepEqual(long, [], `in ${width} columns`)
    assert.ok(lines.some((line) => /^ {3}1 4194304 .*keepalive/.test(line)))
  }
})

test('where there is no terminal nothing is wrapped', () => {
  const address = `unix:/${'x'.repeat(100)}`
  const listeners = [{ address, backlogAsked: 511, backlogInEffect: 511 }]
  assert.ok(
    statusText({ ...status, listeners }, Number.POSITIVE_INFINITY).includes(`listens on ${address}, backlog 511\n`),
  )
})

test('a server without workers has a table without lines, and no memory to tell of', () => {
  const totals = { ...status.totals, workers: 0, pssBytes: null }
  const text = statusText({ ...status, phase: 'starting', workers: [], totals }, 80)
  assert.match(text, /: starting, for 2d.*\nmodel event, accept shared, 0 workers\n/)
  assert.match(text, /PSS\n$/)
})
