import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, count, duration, exactDuration, many, rate } from './units.ts'

const table = <T>(show: (value: T) => string, rows: readonly (readonly [T, string])[]) => {
  for (const [value, shown] of rows) assert.equal(show(value), shown)
}

test('counts in units', () =>
  table(count, [
    [0, '0'],
    [999, '999'],
    [1000, '1.0k'],
    [1249, '1.2k'],
    [99_949, '99.9k'],
    [99_950, '100k'],
    [999_499, '999k'],
    [999_500, '1.0M'],
    [123_456_789, '123M'],
    [2 ** 53, '9.0P'],
  ]))

test('how many a second', () =>
  table(rate, [
    [0, '0'],
    [0.04, '0'],
    [0.2, '0.2'],
    [0.97, '1'],
    [1.4, '1'],
    [12_345.6, '12.3k'],
  ]))

test('bytes in units', () =>
  table(bytes, [
    [0, '0B'],
    [1023, '1023B'],
    [1024, '1.0K'],
    [1536, '1.5K'],
    [1024 * 1023.4, '1023K'],
    [1024 * 1023.6, '1.0M'],
    [34.25 * 2 ** 20, '34.3M'],
    [5 * 2 ** 40, '5.0T'],
  ]))

test('durations in whole units', () =>
  table(duration, [
    [0, '0s'],
    [999, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [3_599_999, '59m'],
    [3_600_000, '1h'],
    [86_399_999, '23h'],
    [86_400_000, '1d'],
    [400 * 86_400_000, '400d'],
  ]))

test('durations to the millisecond', () =>
  table(exactDuration, [
    [0, '0 ms'],
    [1, '1 ms'],
    [1_500, '1500 ms'],
    [60_000, '1 minute'],
    [61_000, '61 seconds'],
    [5_400_000, '90 minutes'],
    [28_800_000, '8 hours'],
    [86_400_000, '1 day'],
    [604_740_000, '10079 minutes'],
    [604_800_000, '7 days'],
  ]))

test('one of a thing, and several', () =>
  assert.deepEqual(
    [0, 1, 2, 12_345].map((n) => many(n, 'worker')),
    ['0 workers', '1 worker', '2 workers', '12.3k workers'],
  ))
