import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HISTORY_SECONDS, History } from './history.ts'
import { countedSince, quantileBound } from './quantiles.ts'
import { sorted } from './sort.ts'

test('a history holds two minutes and no more', () => {
  const history = new History()
  for (let i = 1; i <= HISTORY_SECONDS + 5; i++) history.add(i)
  assert.deepEqual([history.length, history.at(0), history.at(HISTORY_SECONDS - 1)], [120, 6, 125])
  assert.deepEqual([history.max, history.sumOf(2), history.sumOf(1_000)], [125, 249, (120 * (6 + 125)) / 2])
})

const histogram = (...counts: number[]) => ({ bounds: [0.1, 0.5], counts, sum: 0 })

test('a quantile is told as the bound of its bucket', () => {
  assert.equal(quantileBound(histogram(0, 0, 0), 0.5), null)
  assert.equal(quantileBound(histogram(1, 0, 0), 0.99), 0.1)
  assert.equal(quantileBound(histogram(5, 5, 0), 0.5), 0.1)
  assert.equal(quantileBound(histogram(5, 5, 0), 0.51), 0.5)
  assert.equal(quantileBound(histogram(5, 5, 1), 0.99), Number.POSITIVE_INFINITY)
})

test('what was measured since; after a restart, all of it', () => {
  assert.deepEqual(countedSince(histogram(1, 2, 3), histogram(1, 4, 9)).counts, [0, 2, 6])
  assert.deepEqual(countedSince(histogram(9, 2, 3), histogram(1, 4, 9)).counts, [1, 4, 9])
  assert.deepEqual(countedSince(null, histogram(1, 4, 9)).counts, [1, 4, 9])
})

test('rows are sorted by numbers, by addresses as people read them, and what is not known comes last', () => {
  const by = (values: (number | string | null)[], direction: 'ascending' | 'descending') =>
    sorted(values, (value) => value, direction)
  assert.deepEqual(by([3, null, 20, 1], 'ascending'), [1, 3, 20, null])
  assert.deepEqual(by([3, null, 20, 1], 'descending'), [20, 3, 1, null])
  assert.deepEqual(by(['10.0.0.9:80', '10.0.0.10:5', '9.0.0.1:1'], 'ascending'), [
    '9.0.0.1:1',
    '10.0.0.9:80',
    '10.0.0.10:5',
  ])
})
