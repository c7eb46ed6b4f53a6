import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fullnessOf as fullnessInTop } from '../../command/queue-text.ts'
import * as top from '../../command/units.ts'
import { fullnessOf } from './diagnosis.ts'
import { bytes, count, duration, many, momentText, rate, shortTime } from './units.ts'

test('numbers and queues are told in the words of `prefork top`', () => {
  for (const number of [0, 0.04, 0.4, 1, 12, 999, 999.6, 1_000, 12_345, 999_999, 5e6, 2 ** 40]) {
    assert.equal(count(number), top.count(number))
    assert.equal(bytes(number), top.bytes(number))
    assert.equal(rate(number), top.rate(number))
    assert.equal(duration(number * 100), top.duration(number * 100))
    assert.equal(many(number, 'worker'), top.many(number, 'worker'))
  }
  for (let length = 0; length <= 12; length++) assert.equal(fullnessOf(length, 10), fullnessInTop(length, 10))
})

test('short times have three digits and the unit that fits', () => {
  const told = [0, 0.00005, 0.05, 0.1, 0.123456, 12.345, 999.4, 1_000, 12_345].map(shortTime)
  assert.deepEqual(told, ['0 ms', '0.05 µs', '50 µs', '0.1 ms', '0.123 ms', '12.3 ms', '999 ms', '1 s', '12.3 s'])
})

test('moments of a story are told finer', () => {
  assert.deepEqual([0, 0.02, 0.5, 41.287, 999.99, 12_345.678].map(momentText), [
    '0 ms',
    '20 µs',
    '0.5 ms',
    '41.29 ms',
    '999.99 ms',
    '12.3457 s',
  ])
})
