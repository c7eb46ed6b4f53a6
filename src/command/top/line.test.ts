import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cell, clipped, lengthOf, lineOf, painted, piece, textOf, wholeParts } from './line.ts'

const line = lineOf('serving ', piece('full', 'bad'), ' end')

test('a line is cut anywhere, and what is left looks as it did', () => {
  for (let columns = 0; columns <= 20; columns++) {
    assert.equal(textOf(clipped(line, columns)), 'serving full end'.slice(0, columns))
    assert.ok(lengthOf(clipped(line, columns)) <= columns)
  }
  assert.deepEqual(clipped(line, 10), [piece('serving '), piece('fu', 'bad')])
})

test('of parts, none is cut but the first', () => {
  const parts = ['12.3k/s', ' 1.2M so far', ' 3 open'].map((text) => lineOf(text))
  const shown = (columns: number) => textOf(wholeParts(parts, columns))
  assert.equal(shown(26), '12.3k/s 1.2M so far 3 open')
  assert.equal(shown(25), '12.3k/s 1.2M so far')
  assert.equal(shown(18), '12.3k/s')
  assert.equal(shown(3), '12.')
  assert.equal(textOf(wholeParts([lineOf('long'), lineOf('er'), lineOf('x')], 5)), 'long')
})

test('a cell is as wide as its column', () => {
  assert.equal(cell('7', 4), '   7')
  assert.equal(cell('busy', -6), 'busy  ')
  assert.equal(cell('123456', 4), '123+')
  assert.equal(cell('1234', 4), '1234')
})

test('what could move the cursor, or take two columns, is never written', () => {
  assert.equal(textOf(lineOf('unix:/a\x1b[2J\n한/é')), 'unix:/a?[2J??/?')
  assert.equal(piece('💥').text, '?')
})

test('painted, or told by words alone', () => {
  assert.equal(painted(line, true), 'serving \x1b[1;31mfull\x1b[0m end')
  assert.equal(painted(line, false), 'serving full end')
})
