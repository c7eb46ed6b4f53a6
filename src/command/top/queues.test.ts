import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ListenerStatus } from '../../control/tree-status.ts'
import { listenerWith, statusWith } from './documents.test.support.ts'
import { textOf } from './line.ts'
import { lookAt } from './look.ts'
import { queueLines } from './queues.ts'

function shown(listeners: readonly ListenerStatus[], columns = 80, max = 6): string {
  const lines = queueLines(lookAt(statusWith({ listeners }), null), columns, max)
  return lines.map((line) => `${textOf(line).trimEnd()}\n`).join('')
}

test('each listener with its bar', () =>
  assert.equal(
    shown([
      listenerWith('127.0.0.1:8080', [0], 511, 0),
      listenerWith('127.0.0.1:8081', [1], 511, 250),
      listenerWith('127.0.0.1:8082', [450], 511, 460),
      listenerWith('127.0.0.1:8083', [512], 511, 512),
      listenerWith('[::1]:8084', [0, 12, 300, 0], 511, 400),
      { ...listenerWith('unix:/a.sock', []), synQueue: null },
    ]),
    `\
LISTENER       ACCEPT QUEUE                            WAIT  LIMIT   PEAK    SYN
127.0.0.1:8080 [                                   ]      0    511      0      0
127.0.0.1:8081 [|                :                 ]      1    511    250      0
127.0.0.1:8082 [||||||||||||||||||||||| nearly full]    450    511    460      0
127.0.0.1:8083 [|||||||||||||||||||||||||||||| full]    512    511    512      0
[::1]:8084     [|||||||||||||||||||||  longest of 4]    300    511    400      0
unix:/a.sock   [                                   ]      -      -      -      -
`,
  ))

test('where there is no room for a bar, the word stands by itself; then columns are left out', () => {
  const listeners = [listenerWith('192.168.100.100:8080', [5], 5, 6), listenerWith('[::]:80', [4], 5)]
  assert.equal(
    shown(listeners, 60),
    `\
LISTENER         ACCEPT QUEUE      WAIT  LIMIT   PEAK    SYN
+68.100.100:8080 [|||||||| full]      5      5      6      0
[::]:80          [| nearly full]      4      5      4      0
`,
  )
  assert.equal(
    shown(listeners, 54),
    `\
LISTENER       WAIT  LIMIT   PEAK    SYN
+00.100:8080      5      5      6      0 full
[::]:80           4      5      4      0 nearly full
`,
  )
  assert.equal(
    shown(listeners, 40),
    `\
LISTENER       WAIT  LIMIT
+00.100:8080      5      5 full
[::]:80           4      5 nearly full
`,
  )
})

test('where there are too many, the fullest are shown, in their order', () =>
  assert.equal(
    shown(
      [0, 3, 0, 9, 0].map((length, i) => listenerWith(`[::]:${i}`, [length], 10)),
      40,
      2,
    ),
    `\
LISTENER       WAIT  LIMIT
[::]:1            3     10
[::]:3            9     10 nearly full
3 more, none of them fuller
`,
  ))

test('whoever waits is seen, and only what is full looks full', () => {
  const barOf = (length: number, limit: number) =>
    /\[([ |:]*)(?: [a-z ]+)?\]/.exec(shown([listenerWith('a', [length], limit)]))![1]!
  assert.match(barOf(1, 65_535), /^\| +$/)
  assert.match(barOf(0, 65_535), /^ +$/)
  assert.match(barOf(1, 0), /^\|+$/)
  assert.match(barOf(70_000, 65_535), /^\|+$/)
})

test('however narrow, every line begins with the address', () => {
  for (let columns = 1; columns <= 200; columns++) {
    const [titles, listener] = shown([listenerWith('[::]:80', [5], 5)], columns).split('\n')
    assert.match(titles!, /^LISTENER/)
    assert.match(listener!, /^\[::\]:80 .* full/)
    if (columns >= 40) assert.ok(listener!.length <= columns, `${columns}: ${listener}`)
  }
})
