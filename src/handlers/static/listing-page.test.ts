import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shownName, sizeOf } from './listing-page.ts'

test('a size has two digits or more, and never 1024 of a unit', () => {
  for (const [bytes, shown] of [
    [0, '0 B'],
    [1, '1 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [1_536, '1.5 KiB'],
    [10_188, '9.9 KiB'],
    [10_189, '10 KiB'],
    [1_048_000, '1023 KiB'],
    [1_048_575, '1.0 MiB'],
    [5_000_000_000, '4.7 GiB'],
    [2 ** 53, '8.0 PiB'],
  ] as const) {
    assert.equal(/>(.*)</.exec(sizeOf(bytes))![1], shown, `${bytes}`)
  }
})

test('a name is shown as text that is seen', () => {
  for (const [name, shown] of [
    ['plain.txt', 'plain.txt'],
    ['<&>"\'', '&lt;&amp;&gt;&quot;&#39;'],
    ['\0\n\x1f\x7f', '␀␊␟␡'],
    ['\x80\u2028\u202e\u2066x', '\ufffd\ufffd\ufffd\ufffdx'],
    [' a  b   ', '␣a  b  ␣'],
    ['   ', '␣ ␣'],
    ['\udce9\ud800', '\ufffd\ufffd'],
    ['가 😀 👨‍👩‍👧', '가 😀 👨‍👩‍👧'],
  ] as const) {
    assert.equal(shownName(name), shown, JSON.stringify(name))
  }
})
