import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rows } from './rows.ts'

test('rows are taken from the first one on, and no row twice', () => {
  const rows = new Rows(3)
  assert.deepEqual([rows.take(), rows.take(), rows.take()], [0, 1, 2])
  assert.equal(rows.take(), null)
  assert.equal(rows.taken, 3)
})

test('one that is given back is taken again', () => {
  const rows = new Rows(3)
  for (let i = 0; i < 3; i++) rows.take()
  rows.give(1)
  assert.equal(rows.taken, 2)
  assert.equal(rows.take(), 1)
})

test('whoever wants to know is told which are given back', () => {
  const rows = new Rows(3)
  const given: number[][] = []
  rows.onGiven = (...what) => void given.push(what)
  rows.take(3)
  rows.give(2)
  rows.give(0, 2)
  assert.deepEqual(given, [
    [2, 1],
    [0, 2],
  ])
})

test('rows that are taken together lie together', () => {
  const rows = new Rows(8)
  for (let i = 0; i < 5; i++) rows.take()
  rows.give(1)
  rows.give(3)
  assert.equal(rows.take(3), 5)
  assert.deepEqual([rows.take(), rows.take(), rows.take()], [1, 3, null])
})

test('there may be enough of them, and not together', () => {
  const rows = new Rows(4)
  for (let i = 0; i < 4; i++) rows.take()
  rows.give(0)
  rows.give(2, 2)
  assert.equal(rows.take(3), null)
  assert.equal(rows.take(2), 2)
})
