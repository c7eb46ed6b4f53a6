import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeOperatorError, OperatorError, quote, summarizeOperatorError } from './operator-error.ts'
import { ParseFailure } from './parse-failure.ts'

test('the sentence alone, without a stack of ours', () => {
  assert.equal(describeOperatorError(new OperatorError('--port needs a value')), '--port needs a value')
})

const thrownAt = (error: Error, ...frames: readonly string[]) => {
  error.stack = [String(error), ...frames.map((frame) => `    at ${frame}`)].join('\n')
  return error
}

test("the operator's own error follows the sentence, with its stack, without frames of ours", () => {
  const cause = thrownAt(new TypeError('boom'), 'f (/srv/x.ts:2:9)', `load (${import.meta.url}:1:1)`)
  assert.equal(
    describeOperatorError(new OperatorError('x.ts could not be loaded', { cause })),
    'x.ts could not be loaded; its own error follows\nTypeError: boom\n    at f (/srv/x.ts:2:9)',
  )
})

const SUMMARIES: readonly (readonly [cause: unknown, says: string])[] = [
  [
    thrownAt(new TypeError('boom'), 'JSON.parse (<anonymous>)', 'f (file:///a%20b/x.ts:2:9)'),
    ': TypeError: boom (/a b/x.ts:2)',
  ],
  [thrownAt(new Error('boom'), '/srv/x.cjs:3:1', 'node:internal/a:1:1'), ': Error: boom (/srv/x.cjs:3)'],
  [thrownAt(new Error('boom'), 'node:internal/a:1:1'), ': Error: boom'],
  [thrownAt(new Error('boom'), `async importModule (${import.meta.url}:30:16)`), ': Error: boom'],
  [thrownAt(new Error('no \x1b[31mhost\nsecond line')), ': Error: no \\u001b[31mhost'],
  [thrownAt(new Error('x'.repeat(1_000))), `: Error: ${'x'.repeat(293)}…`],
  [
    new ParseFailure('/srv/x.ts:7', 'export default {', 'Unexpected token'),
    ': SyntaxError: Unexpected token (/srv/x.ts:7)',
  ],
  ['a string', ": 'a string' was thrown"],
  [undefined, ''],
]

for (const [cause, says] of SUMMARIES) {
  test(`in one line${says.slice(0, 60)}`, () =>
    assert.equal(summarizeOperatorError(new OperatorError('it failed', { cause })), `it failed${says}`))
}

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
