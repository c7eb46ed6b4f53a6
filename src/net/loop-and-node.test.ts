/** The two loops, ours and Node's, in a process of their own: who has its turn when. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const fixture = join(import.meta.dirname, '../../test/fixtures/loop-and-node.js')

function order(scene: string): string[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fixture, scene], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(stderr, '')
  assert.equal(status, 0)
  return stdout.trimEnd().split('\n')
}

test('rounds that need nothing of Node follow each other, and Node has no turn in between', () => {
  assert.deepEqual(order('plain'), ['told', 'told', 'told', 'microtask'])
})

test('who leaves has its promises settled and its ticks run before the next round', () => {
  assert.deepEqual(order('leaving'), ['told', 'tick', 'promise', 'told', 'tick', 'promise', 'told', 'tick', 'promise'])
})

test('what needs Node’s loop wakes it: timers, files, signals, immediates; and it sleeps in between', () => {
  const [first, second, ...rest] = order('node')
  assert.deepEqual([first, second].sort(), ['file', 'immediate'], 'which of them is first is a matter of the file')
  assert.deepEqual(rest, ['timer', 'signal', 'told', 'slept', 'idle'])
})

test('a watcher that throws ends neither loop', () => {
  assert.deepEqual(order('throwing'), ['caught: thrown', 'told', 'timer'])
})
