import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coalesce, multipartOf, partBytesOf } from './byteranges.ts'
import { type ByteRange, parseRange, RANGES_MAX } from './range.ts'

function rangesOf(text: string): ByteRange[] {
  return text.split(' ').map((range) => {
    const [first, last] = range.split('-').map(Number)
    return { first: first!, last: last! }
  })
}

/** With parts that cost ten bytes each. */
function joins(asked: string, expected: string): void {
  const told = coalesce(rangesOf(asked), 10)
  assert.equal(told.map(({ first, last }) => `${first}-${last}`).join(' '), expected, asked)
}

test('ranges far apart stay as they were asked for', () => {
  joins('0-9', '0-9')
  joins('500-599 0-9 999-999', '500-599 0-9 999-999')
})

test('those that overlap, touch or nearly touch become one', () => {
  joins('0-99 50-149', '0-149')
  joins('0-99 100-149', '0-149')
  joins('0-99 110-149', '0-149')
  joins('0-99 111-149', '0-99 111-149')
  joins('110-149 0-99', '0-149')
  joins('0-99 0-99 0-99', '0-99')
  joins('0-999 5-5 7-7', '0-999')
})

test('one that bridges others takes all of them in, where the first of them stood', () => {
  joins('500-509 0-9 100-109 5-105', '500-509 0-109')
  joins('0-9 500-509 100-109 200-209 5-205', '0-209 500-509')
  joins('900-909 0-9 300-309 100-109 305-895', '300-909 0-9 100-109')
})

test('nobody has a byte sent twice, whatever is asked', () => {
  const asked = Array.from({ length: RANGES_MAX }, (_, i) => ({
    first: (i * 7919) % 1000,
    last: ((i * 7919) % 1000) + i * 13,
  }))
  const joined = coalesce(asked, 10)
  for (const [i, a] of joined.entries()) {
    for (const b of joined.slice(i + 1)) assert.ok(a.last + 10 < b.first || b.last + 10 < a.first)
  }
  for (const a of asked) assert.ok(joined.some(({ first, last }) => first <= a.first && a.last <= last))
})

test('the body is that of the RFC, and as long as it says', () => {
  const parts = multipartOf(rangesOf('500-999 7000-7999'), 8000, 'application/pdf', 'THIS_STRING_SEPARATES')
  assert.equal(parts.contentType, 'multipart/byteranges; boundary=THIS_STRING_SEPARATES')
  const body = parts.heads.map((head, at) => {
    const { first, last } = parts.ranges[at]!
    return head + 'x'.repeat(last - first + 1)
  })
  const whole = body.join('') + parts.end
  assert.equal(whole.length, parts.length)
  assert.equal(
    whole.replace(/x+/g, '…'),
    [
      '--THIS_STRING_SEPARATES',
      'Content-Type: application/pdf',
      'Content-Range: bytes 500-999/8000',
      '',
      '…',
      '--THIS_STRING_SEPARATES',
      'Content-Type: application/pdf',
      'Content-Range: bytes 7000-7999/8000',
      '',
      '…',
      '--THIS_STRING_SEPARATES--',
      '',
    ].join('\r\n'),
  )
})

test('a part costs what its head takes', () => {
  const two = multipartOf(rangesOf('5000-5000 7000-7000'), 8000, 'text/plain', 'b')
  const three = multipartOf(rangesOf('5000-5000 6000-6000 7000-7000'), 8000, 'text/plain', 'b')
  assert.equal(three.length - two.length - 1, partBytesOf(8000, 'text/plain', 'b'))
})

test('as many parts as there may be are hardly longer than the whole', () => {
  const length = 1_000_000
  const [type, boundary] = ['application/pdf', 'x'.repeat(30)]
  const cost = partBytesOf(length, type, boundary)
  for (const step of [2, cost, cost + 1, cost + 2, 2 * cost]) {
    const asked = Array.from({ length: RANGES_MAX }, (_, i) => `${i * step}-${i * step}`).join(',')
    const joined = coalesce(parseRange(`bytes=${asked}`, length) as ByteRange[], cost)
    const parts = multipartOf(joined, length, type, boundary)
    const spanned = joined.at(-1)!.last + 1
    assert.ok(parts.length <= spanned + cost + parts.end.length, `${joined.length} parts, ${step} apart`)
  }
})
