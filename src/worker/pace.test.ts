import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from './pace.ts'

const LOAN_MS = 10_000
const T = 1_000_000_000

/** A client that moves `bytes` every `everyMs`, waited for all the time: how long until it is too slow, or null. */
function lasts(pace: Pace, bytes: number, everyMs: number, withinMs = 1_000_000): number | null {
  let deadline = pace.wait(0, T)
  for (let at = everyMs, moved = bytes; at <= withinMs; at += everyMs, moved += bytes) {
    if (T + at > deadline) return deadline - T
    deadline = pace.wait(moved, T + at)
  }
  return null
}

test('a silence is over when the loan is', () => {
  const pace = new Pace(LOAN_MS, 100)
  assert.equal(pace.wait(0, T), T + LOAN_MS)
  for (const after of [1, 4_000, 9_999]) assert.equal(pace.wait(0, T + after), T + LOAN_MS)
})

test('who keeps the pace is waited for as long as it likes, in any rhythm', () => {
  for (const everyMs of [10, 1_000, 9_000]) assert.equal(lasts(new Pace(LOAN_MS, 100), everyMs / 10, everyMs), null)
})

test('who is slower has the loan to fall behind in', () => {
  assert.equal(lasts(new Pace(LOAN_MS, 100), 50, 1_000), 19_500) // half of its waiting is paid for, up to the last half second
  assert.equal(lasts(new Pace(LOAN_MS, 100), 1, 1_000), 10_100) // ten bytes, ten times 10 ms
})

test('nothing is saved up: who was fast has no more than the loan', () => {
  const pace = new Pace(LOAN_MS, 100)
  pace.wait(0, T)
  assert.equal(pace.wait(1_000_000_000, T + 1_000), T + 1_000 + LOAN_MS)
  assert.equal(pace.wait(1_000_000_000, T + 2_000), T + 1_000 + LOAN_MS)
})

test('the loan is earned back byte by byte', () => {
  const pace = new Pace(LOAN_MS, 100)
  pace.wait(0, T)
  assert.equal(pace.wait(200, T + 9_000), T + 9_000 + 1_000 + 2_000)
})

test('time in which it is not waited for costs nothing', () => {
  const pace = new Pace(LOAN_MS, 100)
  pace.wait(0, T)
  pace.rest(T + 4_000)
  pace.rest(T + 5_000)
  assert.equal(pace.wait(0, T + 500_000), T + 500_000 + 6_000)
})

test('what came while it was not waited for counts', () => {
  const pace = new Pace(LOAN_MS, 100)
  pace.wait(0, T)
  pace.rest(T + 4_000)
  assert.equal(pace.wait(300, T + 500_000), T + 500_000 + 9_000)
})

test('what had come before counts for nothing', () => {
  const pace = new Pace(LOAN_MS, 100, 5_000)
  pace.wait(5_000, T)
  assert.equal(pace.wait(5_100, T + 5_000), T + 5_000 + 6_000)
})

test('at no pace in particular, any byte is enough', () => {
  const pace = new Pace(LOAN_MS, 0)
  assert.equal(pace.wait(0, T), T + LOAN_MS)
  assert.equal(pace.wait(0, T + 3_000), T + LOAN_MS)
  assert.equal(pace.wait(1, T + 9_000), T + 9_000 + LOAN_MS)
  assert.equal(lasts(new Pace(LOAN_MS, 0), 1, 9_999), null)
})
