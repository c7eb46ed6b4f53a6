import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineOf, remark, type Told } from './line.ts'
import { lookOf } from './mode.ts'

const TOLD: Told = {
  name: 'worker 0',
  pid: 4251,
  call: 'close',
  args: '12',
  result: '0',
  hasFailed: false,
  says: 'ends the connection with 127.0.0.1:51234; the number is free again (man 2 close)',
}
const PLAIN = { columns: null, hasColours: false }
const visible = (text: string) => text.replace(/\x1b\[\d*m/g, '')

test('where nobody looks at a terminal a call is one line', () => {
  assert.equal(
    lineOf(TOLD, PLAIN),
    `worker 0     4251  close(12) = 0${' '.repeat(55)}ends the connection with 127.0.0.1:51234; the number is free again (man 2 close)\n`,
  )
})

test('on a wide terminal too', () => {
  assert.equal(lineOf(TOLD, { columns: 160, hasColours: false }), lineOf(TOLD, PLAIN))
})

test('on a narrow one the sentence stands beneath, and nothing is wider than that', () => {
  const lines = lineOf(TOLD, { columns: 80, hasColours: false }).split('\n')
  assert.deepEqual(lines, [
    'worker 0     4251  close(12) = 0',
    '                     ends the connection with 127.0.0.1:51234; the number is',
    '                     free again (man 2 close)',
    '',
  ])
  const words = remark('preloader', 7, `${'word '.repeat(30)}`, { columns: 80, hasColours: false }).split('\n')
  assert.ok(words.length > 2 && words.every((line) => line.length <= 80), words.join('\n'))
})

test('colours change nothing but the colours', () => {
  for (const columns of [80, 200]) {
    const coloured = lineOf(TOLD, { columns, hasColours: true })
    assert.notEqual(coloured, visible(coloured))
    assert.equal(visible(coloured), lineOf(TOLD, { columns, hasColours: false }))
  }
})

test('whatever is told, it fits into one write of a pipe', () => {
  const line = lineOf({ ...TOLD, args: '…'.repeat(5000), says: '…'.repeat(5000) }, { columns: 200, hasColours: true })
  assert.ok(Buffer.byteLength(line) < 4096)
})

test('colours are for a terminal, unless NO_COLOR says otherwise', () => {
  assert.deepEqual(lookOf({ isTTY: true, columns: 100 }, {}), { columns: 100, hasColours: true })
  assert.deepEqual(lookOf({ isTTY: true }, {}), { columns: 80, hasColours: true })
  assert.deepEqual(lookOf({ isTTY: true, columns: 100 }, { NO_COLOR: '1' }), { columns: 100, hasColours: false })
  assert.deepEqual(lookOf({ isTTY: true, columns: 100 }, { NO_COLOR: '' }), { columns: 100, hasColours: true })
  assert.deepEqual(lookOf({ isTTY: true, columns: 100 }, { TERM: 'dumb' }), { columns: 100, hasColours: false })
  assert.deepEqual(lookOf({}, {}), { columns: null, hasColours: false })
})
