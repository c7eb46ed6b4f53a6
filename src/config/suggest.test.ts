import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean, nearest } from './suggest.ts'

const KNOWN = ['port', 'host', 'workers', 'logLevel', 'limits.headBytes']

const MEANT: readonly (readonly [written: string, meant: string | null])[] = [
  ['port', 'port'],
  ['prot', 'port'],
  ['por', 'port'],
  ['ports', 'port'],
  ['PORT', 'port'],
  ['wrokers', 'workers'],
  ['log-level', 'logLevel'],
  ['limits.headbyte', 'limits.headBytes'],
  ['p', null],
  ['zzzz', null],
  ['', null],
  ['x'.repeat(10_000), null],
]

for (const [written, meant] of MEANT) {
  const shown = written.slice(0, 20)
  test(`'${shown}' ${meant === null ? 'is like no option' : `is taken for ${meant}`}`, () => {
    assert.equal(nearest(written, KNOWN), meant)
  })
}

test('of two near words the nearer is suggested', () => assert.equal(nearest('posts', ['ports', 'post']), 'ports'))
test('a suggestion ends a sentence', () => assert.equal(didYouMean('prot', KNOWN), "; did you mean 'port'?"))
test('no suggestion adds nothing', () => assert.equal(didYouMean('zzzz', KNOWN), ''))
