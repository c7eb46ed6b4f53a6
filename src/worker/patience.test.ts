import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Timeouts } from '../config/options.ts'
import { NEVER, Patience } from './patience.ts'

const TIMEOUTS: Timeouts = {
  headMs: 1,
  bodyMs: 20,
  idleMs: 300,
  writeMs: 4_000,
  lingerMs: 50_000,
  stopMs: 600_000,
  drainGraceMs: 5_000,
  drainTimeoutMs: 300_000,
  shutdownDelayMs: 0,
  workerTimeoutMs: 0,
  bootMs: 7_000_000,
}

const T = 1_000_000_000

test('a wait for progress begins with each turn that awaits it', () => {
  const patience = new Patience(TIMEOUTS)
  assert.equal(patience.until('idleMs', T), T + 300)
  assert.equal(patience.until('bodyMs', T + 5), T + 25)
  assert.equal(patience.until('bodyMs', T + 15), T + 35)
  assert.equal(patience.until('writeMs', T), T + 4_000)
  assert.equal(patience.until(null, T), NEVER)
})

test('a bound wait ends when it ends', () => {
  const patience = new Patience(TIMEOUTS)
  patience.bind('lingerMs', T)
  assert.equal(patience.isBound, true)
  for (const now of [T, T + 100, T + 40_000]) assert.equal(patience.until('idleMs', now), T + 50_000)
  patience.unbind()
  assert.equal(patience.isBound, false)
  assert.equal(patience.until('idleMs', T), T + 300)
})

test('blocked, only what was sent starts the wait anew', () => {
  const patience = new Patience(TIMEOUTS)
  assert.equal(patience.whileBlocked(10, T), T + 4_000)
  assert.equal(patience.whileBlocked(10, T + 3_000), T + 4_000)
  assert.equal(patience.whileBlocked(11, T + 3_500), T + 7_500)
})

test('blocked again after it was not, it is another wait', () => {
  const patience = new Patience(TIMEOUTS)
  patience.whileBlocked(10, T)
  patience.until(null, T + 1)
  assert.equal(patience.whileBlocked(10, T + 1_000), T + 5_000)
})

test('blocked before anything was sent', () => {
  const patience = new Patience(TIMEOUTS)
  assert.equal(patience.whileBlocked(0, T), T + 4_000)
})
