import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ListenerStatus, TreeStatus } from '../control/tree-status.ts'
import { statusText } from './status-text.ts'
import { networkWith, workerWith } from './top/documents.test.support.ts'

const idle = workerWith(0)
const busy = workerWith(1, {
  pid: 4194304,
  state: 'keepalive',
  connections: 10_000,
  requests: 123_456,
  accepted: 12_345,
  bytesSent: 123_456_789,
  ageMs: 400 * 86_400_000,
  idleMs: 0,
  pssBytes: null,
  usage: null,
})

const counters = networkWith({})!.sinceStart

function queues(limit: number, ...lengths: number[]): Pick<ListenerStatus, 'acceptQueues'> {
  return { acceptQueues: lengths.map((length) => ({ length, limit, peak: null })) }
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
    {
      address: '127.0.0.1:8080',
      isSecure: false,
      backlogAsked: 511,
      backlogInEffect: 511,
      ...queues(511, 3),
      synQueue: 2,
    },
    {
      address: 'unix:/run/site.sock',
      isSecure: false,
      backlogAsked: 1024,
      backlogInEffect: 128,
      ...queues(128, 0),
      synQueue: null,
    },
  ],
  startedAs: { words: [], folder: '/srv', configFile: null, uid: 0 },
  admin: null,
  network: { sinceStart: counters, sinceBoot: { ...counters, listenDrops: 100 } },
  histograms: null,
  workers: [idle, busy],
  totals: {
    workers: 2,
    connections: 10_000,
    active: 1,
    requests: 123_456,
    accepted: 1,
    bytesSent: 123_456_789,
    handshakes: null,
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
  accept queue 3 of 511, SYN queue 2
listens on unix:/run/site.sock, backlog 1024, 128 in effect (net.core.somaxconn)
  accept queue 0 of 128
dropped since the start: 0 handshake packets (network namespace)
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
  accept queue 3 of 511, SYN queue 2
listens on unix:/run/site.sock, backlog
  1024, 128 in effect (net.core.somaxconn)
  accept queue 0 of 128
dropped since the start: 0 handshake packets
  (network namespace)
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

test('where a listener speaks TLS, what has become of handshakes', () => {
  const withHandshakes = (full: number, resumed: number, failed: number) =>
    statusText({ ...status, totals: { ...status.totals, handshakes: { full, resumed, failed } } }, 80)
  assert.match(withHandshakes(0, 12_345, 7), /\nso far .* sent\nTLS {4}0 full handshakes, 12\.3k resumed, 7 failed\n\n/)
  assert.match(withHandshakes(1, 0, 0), /\nTLS {4}1 full handshake, 0 resumed, 0 failed\n/)
  assert.doesNotMatch(statusText(status, 80), /TLS/)
})

test('where there is no terminal nothing is wrapped', () => {
  const address = `unix:/${'x'.repeat(100)}`
  const listeners = [
    { address, isSecure: false, backlogAsked: 511, backlogInEffect: 511, ...queues(511), synQueue: null },
  ]
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

/** Below the first line of a listener: its queues. */
const QUEUES: readonly (readonly [limit: number, lengths: readonly number[], synQueue: number | null, said: string])[] =
  [
    [5, [3], 0, 'accept queue 3 of 5, SYN queue 0'],
    [5, [4], 1, 'accept queue 4 of 5 (nearly full), SYN queue 1'],
    [5, [5], 0, 'accept queue 5 of 5 (full), SYN queue 0'],
    [5, [6], null, 'accept queue 6 of 5 (full)'],
    [511, [0, 12], 7, 'accept queues 0 12 of 511 each, SYN queue 7'],
    [5, [0, 4], 7, 'accept queues 0 4 of 5 each (nearly full), SYN queue 7'],
    [5, [0, 0, 0, 0, 1, 0, 0, 0, 5], 0, '9 accept queues of 5: 6 wait, 5 in the longest (full), SYN queue 0'],
  ]

for (const [limit, lengths, synQueue, said] of QUEUES) {
  test(said, () => {
    const listener = {
      address: '[::]:80',
      isSecure: false,
      backlogAsked: limit,
      backlogInEffect: limit,
      ...queues(limit, ...lengths),
    }
    const text = statusText({ ...status, listeners: [{ ...listener, synQueue }] }, 80)
    assert.ok(text.includes(`\nlistens on [::]:80, backlog ${limit}\n  ${said}\n`), text)
  })
}

test('a burst that is over', () => {
  const burst = { address: '[::]:80', isSecure: false, backlogAsked: 511, backlogInEffect: 511, synQueue: 0 }
  const textWith = (length: number, peak: number) =>
    statusText({ ...status, listeners: [{ ...burst, acceptQueues: [{ length, limit: 511, peak }] }] }, 80)
  assert.match(textWith(2, 400), /\n {2}accept queue 2 of 511, up to 400 in the last minute, SYN queue 0\n/)
  assert.match(textWith(2, 2), /\n {2}accept queue 2 of 511, SYN queue 0\n/)
})

test('what was dropped, and why', () => {
  const textOf = (more: Partial<typeof counters>) => {
    const sinceStart = { ...counters, ...more }
    return statusText({ ...status, network: { sinceStart, sinceBoot: sinceStart } }, 200)
  }
  assert.ok(textOf({ listenDrops: 1 }).includes('dropped since the start: 1 handshake packet (network namespace)'))
  assert.ok(
    textOf({ listenDrops: 12_345, acceptQueueOverflows: 12, synCookiesSent: 3 }).includes(
      'dropped since the start: 12.3k handshake packets, 12 by a full accept queue, 3 SYNs answered with a cookie (',
    ),
  )
  assert.ok(!statusText({ ...status, network: null }, 80).includes('dropped'))
})
