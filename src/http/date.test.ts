import assert from 'node:assert/strict'
import { test } from 'node:test'
import { httpDate, parseHttpDate } from './date.ts'

const EXAMPLE_MS = Date.UTC(1994, 10, 6, 8, 49, 37)
const NOW_MS = Date.UTC(2025, 0, 1)

function check(text: string, expected: number | null): void {
  assert.equal(parseHttpDate(text, NOW_MS), expected, text)
}

test("the RFC's example is written and read in all three formats", () => {
  assert.equal(httpDate(EXAMPLE_MS), 'Sun, 06 Nov 1994 08:49:37 GMT')
  check('Sun, 06 Nov 1994 08:49:37 GMT', EXAMPLE_MS)
  check('Sunday, 06-Nov-94 08:49:37 GMT', EXAMPLE_MS)
  check('Sun Nov  6 08:49:37 1994', EXAMPLE_MS)
})

test('what is written can be read, to the second', () => {
  for (const ms of [0, 951_827_696_789, Date.UTC(2024, 1, 29, 23, 59, 59), Date.UTC(9999, 11, 31), -1]) {
    check(httpDate(ms), Math.floor(ms / 1000) * 1000)
  }
})

test('a time beyond four-digit years is written as the last there is', () => {
  assert.equal(httpDate(8.64e15), 'Fri, 31 Dec 9999 23:59:59 GMT')
  assert.equal(httpDate(-8.64e15), 'Sat, 01 Jan 0000 00:00:00 GMT')
  check('Sat, 01 Jan 0000 00:00:00 GMT', Date.parse('0000-01-01T00:00:00Z'))
})

test('a two-digit year is at most fifty years ahead', () => {
  const year = (digits: string, nowMs: number) =>
    new Date(parseHttpDate(`Monday, 01-Jan-${digits} 00:00:00 GMT`, nowMs)!).getUTCFullYear()
  assert.equal(year('25', NOW_MS), 2025)
  assert.equal(year('75', NOW_MS), 2075)
  assert.equal(year('76', NOW_MS), 1976)
  assert.equal(year('00', NOW_MS), 2000)
  assert.equal(year('10', Date.UTC(1980, 0, 1)), 2010)
  assert.equal(year('31', Date.UTC(1980, 0, 1)), 1931)
  assert.equal(year('10', Date.UTC(2090, 0, 1)), 2110)
})

test('leap days and leap seconds', () => {
  check('Thu, 29 Feb 2024 00:00:00 GMT', Date.UTC(2024, 1, 29))
  check('Wed, 29 Feb 2023 00:00:00 GMT', null)
  check('Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0, 1))
  check('Sat, 31 Dec 2016 23:59:61 GMT', null)
})

test('anything else is no date', () => {
  for (const text of [
    '',
    '0',
    '1994-11-06T08:49:37Z',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 nov 1994 08:49:37 GMT',
    'sun, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 +00',
    'Sun, 06 Nov 1994 08.49.37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:00 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 31 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 199x 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT ',
    'Sun,  6 Nov 1994 08:49:37 GMT',
    'Xxx, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06-Nov-94 08:49:37 GMT',
    'Sunday, 06-Nov-1994 08:49:37 GMT',
    'Sunday, 06 Nov 94 08:49:37 GMT',
    'Sun Nov 6 08:49:37 1994',
    'Sun Nov 06 08:49:37 94',
    'Sun Nov  6 08:49:37 1994 GMT',
  ]) {
    check(text, null)
  }
})
