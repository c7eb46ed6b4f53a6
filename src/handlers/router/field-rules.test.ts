import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addVary, FieldRules } from './field-rules.ts'

const OF_HANDLER = ['Content-Type', 'text/html', 'Vary', 'Accept-Encoding', 'Set-Cookie', 'a=1', 'X-One', 'handler']

test('a field takes the place of what the answer has by that name, in any case', () => {
  const sent = new FieldRules([
    ['x-one', 'ours'],
    ['X-Two', 'two'],
  ]).apply(OF_HANDLER)
  assert.deepEqual(sent, [...OF_HANDLER.slice(0, 6), 'x-one', 'ours', 'X-Two', 'two'])
})

test('null takes a field out', () => {
  assert.deepEqual(
    new FieldRules([
      ['CONTENT-TYPE', null],
      ['x-one', null],
      ['none', null],
    ]).apply(OF_HANDLER),
    OF_HANDLER.slice(2, 6),
  )
  assert.deepEqual(
    new FieldRules([
      ['set-cookie', null],
      ['vary', null],
    ]).apply(OF_HANDLER),
    [...OF_HANDLER.slice(0, 2), ...OF_HANDLER.slice(6)],
  )
})

test('Vary and Set-Cookie are added beside what is there', () => {
  const sent = new FieldRules([
    ['Vary', 'Accept-Encoding, X-A'],
    ['Set-Cookie', 'b=2'],
  ]).apply(OF_HANDLER)
  assert.deepEqual(sent, [
    'Content-Type',
    'text/html',
    'Vary',
    'Accept-Encoding, X-A',
    'Set-Cookie',
    'a=1',
    'X-One',
    'handler',
    'Set-Cookie',
    'b=2',
  ])
})

test('what the handler gave is not changed: files share theirs', () => {
  const before = [...OF_HANDLER]
  new FieldRules([
    ['Vary', 'X-A'],
    ['X-One', null],
  ]).apply(OF_HANDLER)
  assert.deepEqual(OF_HANDLER, before)
})

test('names that somebody else will write are taken out and not put in', () => {
  const rules = new FieldRules(
    [
      ['X-One', 'ours'],
      ['X-Two', 'two'],
    ],
    ['x-one'],
  )
  assert.deepEqual(rules.apply(['X-ONE', 'a', 'B', 'b']), ['B', 'b', 'X-Two', 'two'])
})

test('without a rule there is nothing to apply', () => {
  assert.equal(new FieldRules([]).isEmpty, true)
  assert.equal(new FieldRules([['a', null]]).isEmpty, false)
  assert.equal(new FieldRules([], ['a']).isEmpty, false)
  assert.equal(new FieldRules([['Vary', 'a']]).isEmpty, false)
})

const VARY: readonly (readonly [fields: string[], name: string, sent: string[]])[] = [
  [[], 'Origin', ['Vary', 'Origin']],
  [['vary', 'Accept'], 'Origin', ['vary', 'Accept, Origin']],
  [['Vary', 'accept , origin'], 'Origin', ['Vary', 'accept , origin']],
  [['Vary', '*'], 'Origin', ['Vary', '*']],
]

for (const [fields, name, sent] of VARY) {
  test(`${name} beside ${fields.join(': ') || 'nothing'}`, () => {
    addVary(fields, name)
    assert.deepEqual(fields, sent)
  })
}
