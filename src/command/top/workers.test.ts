import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkerStatus } from '../../control/tree-status.ts'
import { statusWith, workerWith } from './documents.test.support.ts'
import { textOf } from './line.ts'
import { lookAt } from './look.ts'
import { SORTS, type Sort, statesIn, workerLines } from './workers.ts'

const WORKERS: readonly WorkerStatus[] = [
  workerWith(0, { state: 'keepalive', connections: 512, requests: 40, idleMs: 3_000 }),
  workerWith(1, { state: 'busy', connections: 10, active: 3, requests: 12_400, bytesSent: 9_000_000, idleMs: 0 }),
  workerWith(2, { idleMs: 7_000, pssBytes: null }),
  workerWith(3, { state: 'draining', pid: 4_194_304, generation: 12_345, connections: 1, ageMs: 400 * 86_400_000 }),
  workerWith(4, { state: 'starting', ageMs: 0, idleMs: 0, pssBytes: 1_000 }),
]

/** A second after another look, at which nobody had done anything. */
function shown(sort: Sort, columns = 80, rows = 20, workers = WORKERS): string {
  const before = workers.map((it) => ({ ...it, requests: 0, bytesSent: 0 }))
  const first = lookAt(statusWith({ uptimeMs: 1_000, workers: before }), null)
  const look = lookAt(statusWith({ uptimeMs: 2_000, workers }), first)
  return workerLines(look, sort, columns, rows)
    .map((line) => `${textOf(line).trimEnd()}\n`)
    .join('')
}

test('the busiest first', () =>
  assert.equal(
    shown('busiest'),
    `\
SLOT     PID   GEN STATE       CONNS ACTIVE REQ/S SENT/S  REQS   AGE  IDLE   PSS
   1    4243     1 W busy         10      3 12.4k   8.6M 12.4k    1m    0s 33.4M
   0    4242     1 K keepalive   512      0    40     0B    40    1m    3s 33.4M
   3 4194304 12345 G draining      1      0     0     0B     0  400d    1m 33.4M
   2    4244     1 _ waiting       0      0     0     0B     0    1m    7s     -
   4    4246     1 S starting      0      0     0     0B     0    0s    0s 1000B
`,
  ))

const ORDERS: Readonly<Record<Sort, string>> = {
  busiest: '1 0 3 2 4',
  slot: '0 1 2 3 4',
  connections: '0 1 3 2 4',
  memory: '0 1 3 4 2',
  'longest idle': '3 2 0 1 4',
}

for (const sort of SORTS) {
  test(`by ${sort}: ${ORDERS[sort]}`, () => {
    const slots = [...shown(sort).matchAll(/^ +(\d)/gm)].map(([, slot]) => slot)
    assert.equal(slots.join(' '), ORDERS[sort])
  })
}

test('at the first look there are no rates', () => {
  const [, line] = workerLines(lookAt(statusWith({ workers: WORKERS.slice(0, 1) }), null), 'busiest', 80, 9)
  assert.match(textOf(line!), /keepalive +512 +0 +- +- +40 /)
})

test('those there is no room for are counted, and it is told what they are doing', () => {
  assert.equal(
    shown('busiest', 40, 4),
    `\
SLOT     PID STATE       CONNS REQ/S
   1    4243 W busy         10 12.4k
   0    4242 K keepalive   512    40
     3 not shown: 1 starting, 1 waiting, 1 draining
`,
  )
  assert.equal(shown('slot', 40, 6).split('\n').length, 7, 'there is room for all')
  assert.match(shown('slot', 40, 5), /\n {5}2 not shown: 1 starting, 1 draining\n$/)
  assert.match(shown('slot', 40, 2), /^SLOT.*\n {5}5 not shown: /)
  assert.match(shown('slot', 40, 1), /^SLOT.*\n$/)
  assert.equal(shown('slot', 40, 0), '')
})

test('from 24 columns on nothing is wider than they are, however large the numbers', () => {
  const most = Number.MAX_SAFE_INTEGER
  const counts = { connections: most, active: most, requests: most, bytesSent: most, pssBytes: most }
  const worst = workerWith(4_095, { ...counts, pid: 4_194_304, generation: 99_999, state: 'keepalive', ageMs: 8e11 })
  for (let columns = 24; columns <= 100; columns++) {
    const [titles, line] = shown('busiest', columns, 9, [worst]).split('\n')
    assert.ok(titles!.length <= columns && line!.length <= columns, `${columns}: ${line}`)
    assert.match(line!, /^4095 4194304 .*K keepalive/)
  }
})

test('how many are in which state', () => {
  assert.equal(statesIn([]), '')
  assert.equal(statesIn(['waiting', 'busy', 'waiting']), '1 busy, 2 waiting')
})
