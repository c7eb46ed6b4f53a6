/**
 * fork and what follows from it. A test's own process has threads and must not
 * fork: each scenario of test/fixtures/kernel-fork.ts is a process of its own.
 */
import assert from 'node:assert/strict'
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { SIGKILL, SIGTERM } from './constants.ts'

const fixture = join(import.meta.dirname, '../../test/fixtures/kernel-fork.js')
/** A scenario takes well under a second. */
const DEADLINE_MS = 60_000

function run(scenario: string): SpawnSyncReturns<string> {
  const flags = ['--single-threaded', '--v8-pool-size=0']
  const result = spawnSync(process.execPath, [...flags, fixture, scenario], { encoding: 'utf8', timeout: DEADLINE_MS })
  assert.equal(result.stderr, '')
  return result
}

function seen(scenario: string): unknown {
  const { status, signal, stdout } = run(scenario)
  assert.deepEqual({ status, signal }, { status: 0, signal: null })
  return JSON.parse(stdout)
}

test('a child has its own copy of memory, and shares what is mapped shared', () => {
  assert.deepEqual(seen('memory'), { own: 'the parent’s', shared: 'shared, the child’s', exitCode: 0 })
})

test('getpid and getppid tell the truth in parent and child', () => {
  assert.deepEqual(seen('pids'), { child: true, parent: true, own: true, grandparent: true })
})

test('waitpid tells an exit code from a signal, and waiting from nobody there', () => {
  assert.deepEqual(seen('statuses'), {
    waiting: null,
    named: true,
    deaths: [
      [0, null],
      [7, null],
      [255, null],
      [null, SIGKILL],
      [null, SIGTERM],
    ],
    nobody: null,
    alive: false,
  })
})

test('waitpid -1 takes any child', () => {
  assert.deepEqual(seen('any'), { all: true, more: null })
})

test('with SIGCHLD ignored the kernel reaps, and there is nobody to wait for', () => {
  assert.deepEqual(seen('ignoredChildren'), { ignored: null, noticed: 3 })
})

test('a subreaper adopts and reaps the orphans below it', () => {
  assert.deepEqual(seen('subreaper'), { reaped: true, adopted: true })
})

test('a parent death signal ends the child of a killed parent', () => {
  assert.deepEqual(seen('parentDeath'), { signal: SIGKILL })
})

test('SIG_IGN keeps a process alive, SIG_DFL does not', () => {
  const { signal, stdout } = run('ignoredSignal')
  assert.deepEqual({ signal, stdout }, { signal: 'SIGUSR2', stdout: '"survived"\n' })
})

test('a signal that is blocked waits, though it is ignored; a child inherits the mask', () => {
  assert.deepEqual(seen('blockedSignal'), { signal: SIGTERM })
})

test('_exit leaves at once, with its code and without exit handlers', () => {
  const { status, stdout } = run('leave')
  assert.deepEqual({ status, stdout }, { status: 7, stdout: '' })
})

test('fifty children allocate and collect garbage, and none is lost', () => {
  assert.equal(seen('manyChildren'), 50)
})

test('timers and the thread pool work in a child', () => {
  assert.deepEqual(seen('eventLoop'), { read: true, exitCode: 4 })
})
