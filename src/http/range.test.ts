import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY_ELEMENTS_MAX, parseRange, RANGES_MAX } from './range.ts'

function check(field: string, length: number, expected: string): void {
  const answer = parseRange(field, length)
  const told = typeof answer === 'string' ? answer : answer.map(({ first, last }) => `${first}-${last}`).join(' ')
  assert.equal(told, expected, `${field} of ${length}`)
}

test('one range', () => {
  check('bytes=0-499', 1000, '0-499')
  check('bytes=999-999', 1000, '999-999')
  check('bytes=500-', 1000, '500-999')
  check('bytes=-1', 1000, '999-999')
  check('BYTES=0-0', 1000, '0-0')
  check('bytes= 0-0 ', 1000, '0-0')
})

test('a range is cut off at the end', () => {
  check('bytes=500-5000', 1000, '500-999')
  check('bytes=-5000', 1000, '0-999')
  check('bytes=0-99999999999999999999999', 1000, '0-999')
  check('bytes=-99999999999999999999999', 1000, '0-999')
})

test('several ranges come in the order asked', () => {
  check('bytes=500-599, 0-0,\t-1', 1000, '500-599 0-0 999-999')
  check('bytes=0-0,5000-', 1000, '0-0')
})

test('ranges beyond the end cannot be satisfied', () => {
  check('bytes=1000-', 1000, 'unsatisfiable')
  check('bytes=1000-2000,3000-', 1000, 'unsatisfiable')
  check('bytes=-0', 1000, 'unsatisfiable')
  check('bytes=9007199254740993-9007199254740993', 1000, 'unsatisfiable')
})

test('empty elements of a list are passed over, RFC 9110 §5.6.1.2', () => {
  check('bytes=,0-1,,', 1000, '0-1')
  check('bytes= , ,\t,0-1, ,5-6', 1000, '0-1 5-6')
  check(`bytes=${','.repeat(EMPTY_ELEMENTS_MAX)}0-1`, 1000, '0-1')
  check(`bytes=${','.repeat(EMPTY_ELEMENTS_MAX + 1)}0-1`, 1000, 'ignore')
  check(`bytes=${'0-1,'.repeat(RANGES_MAX)}`, 1000, Array(RANGES_MAX).fill('0-1').join(' '))
  check(`bytes=0-1${','.repeat(10_000)}`, 1000, 'ignore')
  check('bytes=,', 1000, 'ignore')
  check('bytes=, ,', 1000, 'ignore')
})

test('what is no range is ignored', () => {
  for (const field of [
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=5',
    'bytes=5-4',
    'bytes=--1',
    'bytes=1-2-3',
    'bytes=+1-2',
    'bytes=1 - 2',
    'bytes=0-1;2-3',
    'bytes=0-1,x',
    'bytes =0-1',
    'bytes=0x0-1',
    'items=0-1',
  ]) {
    check(field, 1000, 'ignore')
  }
})

test('of nothing there is no range', () => {
  check('bytes=0-', 0, 'ignore')
  check('bytes=-1', 0, 'ignore')
})

test('more ranges than an honest client asks for are ignored', () => {
  const ranges = (count: number) => Array.from({ length: count }, (_, i) => `${2 * i}-${2 * i}`).join(',')
  check(`bytes=${ranges(RANGES_MAX)}`, 1000, ranges(RANGES_MAX).replaceAll(',', ' '))
  check(`bytes=${ranges(RANGES_MAX + 1)}`, 1000, 'ignore')
  check(`bytes=${ranges(10_000)}`, 1000, 'ignore')
})

test('overlaps are told as they were asked for', () => {
  check('bytes=0-,0-', 1000, '0-999 0-999')
  check('bytes=0-599,400-999', 1000, '0-599 400-999')
})

test('of a file beyond 2^32 each byte can be named; beyond 2^53 there is none', () => {
  const size = 2 ** 33 + 7
  check(`bytes=${2 ** 32}-${2 ** 32 + 1}`, size, '4294967296-4294967297')
  check('bytes=-7', size, '8589934592-8589934598')
  check(`bytes=${2 ** 53}-`, size, 'unsatisfiable')
  check('bytes=9223372036854775807-18446744073709551616', size, 'unsatisfiable')
  check('bytes=18446744073709551616-1', size, 'ignore')
  check('bytes=9007199254740993-9007199254740992', size, 'ignore')
  check('bytes=9007199254740992-9007199254740993', size, 'unsatisfiable')
  check('bytes=09007199254740993-0009007199254740993', size, 'unsatisfiable')
  check('bytes=10000000000000000-009999999999999999', size, 'ignore')
  check('bytes=-18446744073709551616', size, '0-8589934598')
  check('bytes=0-18446744073709551615', size, '0-8589934598')
})
