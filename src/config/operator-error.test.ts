import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeOperatorError, OperatorError, quote } from './operator-error.ts'

test('the sentence alone, without a stack of ours', () => {
  assert.equal(describeOperatorError(new OperatorError('--port needs a value')), '--port needs a value')
})

test("the operator's own error follows the sentence, with its stack", () => {
  const cause = new TypeError('boom')
  const text = describeOperatorError(new OperatorError('x.ts could not be loaded', { cause }))
  assert.ok(text.startsWith('x.ts could not be loaded\nTypeError: boom\n    at '), text)
})

const QUOTED: readonly (readonly [unknown, string])[] = [
  ['a', "'a'"],
  ['a\nb\x1b[31m', "'a\\nb\\u001b[31m'"],
  [3, '3'],
  [null, 'null'],
  [{ a: { b: { c: 1 } } }, '{ a: { b: [Object] } }'],
  [() => 1, 'a function'],
  ['x'.repeat(200), `'${'x'.repeat(79)}…`],
]

for (const [value, shown] of QUOTED) test(`quoted: ${shown}`, () => assert.equal(quote(value), shown))
