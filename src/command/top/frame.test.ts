import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TreeStatus } from '../../control/tree-status.ts'
import { listenerWith, networkWith, statusWith, workerWith } from './documents.test.support.ts'
import { frameOf } from './frame.ts'
import { lengthOf, textOf } from './line.ts'
import { lookAt } from './look.ts'
import type { View } from './view.ts'

const BEFORE = statusWith({
  uptimeMs: 7_199_000,
  workers: [
    workerWith(0, { requests: 1_000, accepted: 90, bytesSent: 1_000_000 }),
    workerWith(1, { requests: 500, accepted: 10 }),
  ],
  network: networkWith({ listenDrops: 45, acceptQueueOverflows: 45 }),
})
const NOW = statusWith({
  uptimeMs: 7_200_000,
  workers: [
    workerWith(0, { requests: 1_120, accepted: 94, bytesSent: 3_000_000, state: 'busy', connections: 3, active: 1 }),
    workerWith(1, { requests: 505, accepted: 10, state: 'keepalive', connections: 2, idleMs: 100 }),
  ],
  listeners: [listenerWith('0.0.0.0:80', [512], 511), listenerWith('[::]:80', [0], 511, 80)],
  network: networkWith({ listenDrops: 48, acceptQueueOverflows: 47, synCookiesSent: 1 }),
})

function viewOf(more: Partial<View> = {}, now: TreeStatus = NOW): View {
  return { look: lookAt(now, lookAt(BEFORE, null)), sort: 'busiest', isPaused: false, notice: null, ...more }
}

function shown(columns: number, rows: number, view = viewOf()): string {
  return frameOf(view, { columns, rows })
    .map((line) => `${textOf(line).trimEnd()}\n`)
    .join('')
}

test('80×24', () =>
  assert.equal(
    shown(80, 24),
    `\
prefork 1.2.3, pid 4241: serving, for 2h, generation 1
2 workers: 1 busy, 1 keepalive; 66.8M of memory; model event, accept shared

requests        125/s    1.6k so far   1 being answered
connections       4/s     104 so far   5 open
sent           1.9M/s    2.9M so far
dropped         3 new      48 so far   47 by a full accept queue

LISTENER     ACCEPT QUEUE                              WAIT  LIMIT   PEAK    SYN
0.0.0.0:80   [|||||||||||||||||||||||||||||||| full]    512    511    512      0
[::]:80      [     :                               ]      0    511     80      0

SLOT     PID   GEN STATE       CONNS ACTIVE REQ/S SENT/S  REQS   AGE  IDLE   PSS
   0    4242     1 W busy          3      1   120   1.9M  1.1k    1m    1m 33.4M
   1    4243     1 K keepalive     2      0     5     0B   505    1m    0s 33.4M








q quit  p pause  s sort: busiest
`,
  ))

test('where a listener speaks TLS, a line of its handshakes', () => {
  const withHandshakes = (status: TreeStatus, full: number, failed: number): TreeStatus => ({
    ...status,
    totals: { ...status.totals, handshakes: { full, resumed: 300, failed } },
  })
  const [before, now] = [withHandshakes(BEFORE, 1_000, 2), withHandshakes(NOW, 1_012, 3)]
  const lineIn = (view: View) =>
    shown(80, 24, view)
      .split('\n')
      .find((line) => line.startsWith('TLS'))
  const look = lookAt(now, lookAt(before, null))
  assert.equal(
    lineIn({ ...viewOf(), look }),
    'TLS              12/s    1.3k so far   handshakes, 300 resumed, 3 failed',
  )
  assert.match(lineIn({ ...viewOf(), look: lookAt(now, null) })!, /^TLS +-\/s +1\.3k so far/)
  assert.equal(lineIn(viewOf()), undefined)
})

test('where there are few lines, the least important are left out', () => {
  assert.equal(
    shown(60, 12),
    `\
prefork 1.2.3, pid 4241: serving, for 2h, generation 1
2 workers: 1 busy, 1 keepalive; 66.8M of memory; model event
requests        125/s    1.6k so far   1 being answered
connections       4/s     104 so far   5 open
sent           1.9M/s    2.9M so far
dropped         3 new      48 so far
0.0.0.0:80   [|||||||||||| full]    512    511    512      0
[::]:80      [  :              ]      0    511     80      0
SLOT     PID STATE       CONNS ACTIVE REQ/S SENT/S   PSS
   0    4242 W busy          3      1   120   1.9M 33.4M
   1    4243 K keepalive     2      0     5     0B 33.4M
q quit  p pause  s sort: busiest
`,
  )
  assert.equal(
    shown(40, 6),
    `\
prefork 1.2.3, pid 4241: serving, for 2h
requests        125/s    1.6k so far
SLOT     PID STATE       CONNS REQ/S
   0    4242 W busy          3   120
   1    4243 K keepalive     2     5
q quit  p pause  s sort: busiest
`,
  )
  assert.equal(shown(80, 1), 'prefork 1.2.3, pid 4241: serving, for 2h, generation 1\n')
})

test('of every size, exactly as many lines as rows, none wider than the columns', () => {
  const workers = Array.from({ length: 300 }, (_, slot) => workerWith(slot))
  const listeners = Array.from({ length: 40 }, (_, i) => listenerWith(`[::1]:${8_000 + i}`, [i, 0, 0]))
  const large = viewOf({ notice: 'no answer for 12s', isPaused: true }, { ...NOW, workers, listeners })
  for (const view of [viewOf(), large]) {
    for (let columns = 1; columns <= 120; columns += columns < 30 ? 1 : 7) {
      for (let rows = 1; rows <= 60; rows += rows < 30 ? 1 : 7) {
        const frame = frameOf(view, { columns, rows })
        assert.equal(frame.length, rows, `${columns}×${rows}`)
        for (const line of frame) assert.ok(lengthOf(line) <= columns, `${columns}×${rows}: ${textOf(line)}`)
      }
    }
  }
})

test('many workers and listeners share the room, and what is not shown is counted', () => {
  const workers = Array.from({ length: 300 }, (_, slot) => workerWith(slot))
  const listeners = Array.from({ length: 40 }, (_, i) => listenerWith(`[::1]:${8_000 + i}`, [0]))
  const text = shown(80, 24, viewOf({}, { ...NOW, workers, listeners }))
  assert.match(text, /\n34 more, none of them fuller\n/)
  assert.match(text, /\n {5}29\d not shown: 29\d waiting\nq quit/)
})

test('what else there is to say stands at the right end of the first line', () => {
  const head = (columns: number, more: Partial<View>) => shown(columns, 9, viewOf(more)).split('\n')[0]
  assert.match(head(80, { isPaused: true })!, /generation 1 {20}paused$/)
  assert.match(head(80, { notice: 'no answer for 5s' })!, /generation 1 {10}no answer for 5s$/)
  assert.match(head(80, { isPaused: true, notice: 'reloaded: generation 2' })!, / paused, reloaded: generation 2$/)
  assert.equal(head(40, { notice: 'no answer for 5s' }), 'prefork 1.2.3, pid 4241 no answer for 5s')
  assert.equal(head(16, { notice: 'no answer for 5s' }), 'no answer for 5s')
})

test('what is not known is left out, or a dash', () => {
  const first: View = { ...viewOf(), look: lookAt(statusWith({ network: null, workers: [] }), null) }
  const text = shown(80, 24, first)
  assert.match(text, /\nrequests +-\/s +0 so far/)
  assert.match(text, /\n0 workers; 0B of memory; model/)
  assert.doesNotMatch(text, /dropped/)
  assert.match(text, /PSS\n\n+q quit/)
})

test('colours say nothing that words do not', () => {
  const styles = (view: View) =>
    frameOf(view, { columns: 80, rows: 24 }).flatMap((line) =>
      line
        .filter(({ style }) => ['good', 'warn', 'bad'].includes(style))
        .map(({ text, style }) => [style, text.trim()]),
    )
  assert.deepEqual(styles(viewOf({ isPaused: true }, { ...NOW, phase: 'reloading' })), [
    ['warn', 'reloading'],
    ['warn', 'paused'],
    ['bad', 'dropped         3 new'],
    ['bad', '48 so far'],
    ['bad', '47 by a full accept queue'],
    ['bad', '[|||||||||||||||||||||||||||||||| full]'],
    ['good', 'W busy'],
  ])
})
