import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FIELD_VALUE, isWord, skip, skipFieldValue, TOKEN } from './bytes.ts'

test('reading field values by words and by bytes stops at the same place, whatever the bytes around', () => {
  for (const neighbour of [0x20, 0x7e, 0x41, 0x80, 0xff, 0x09, 0x21, 0x00, 0x7f]) {
    for (let byte = 0; byte < 256; byte++) {
      for (let place = 0; place < 9; place++) {
        const bytes = Buffer.alloc(10, 0x61)
        bytes[place] = byte
        bytes[place + 1] = neighbour
        const stopped = skipFieldValue(bytes, 0, bytes.length)
        assert.equal(stopped, skip(FIELD_VALUE, bytes, 0, bytes.length), `${byte} at ${place} before ${neighbour}`)
      }
    }
  }
})

test('reading stops at the end it is given, not at the end of the buffer', () => {
  const bytes = Buffer.alloc(64, 0x61)
  for (let to = 0; to < 12; to++) assert.equal(skipFieldValue(bytes, 0, to), to)
})

test('a view of one buffer is not used for another', () => {
  const pool = Buffer.from('aaaa\0bbb')
  assert.equal(skipFieldValue(pool, 0, 8), 4)
  assert.equal(skipFieldValue(pool.subarray(5), 0, 3), 3)
  assert.equal(skipFieldValue(Buffer.from('a\nbcdefg'), 0, 8), 1)
})

test('a token has no separators, controls or bytes above ASCII', () => {
  const members = Array.from(TOKEN, (is, byte) => (is === 1 ? String.fromCharCode(byte) : '')).join('')
  assert.equal(members, "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~")
})

test('a word is compared in any case, and only whole', () => {
  const says = (text: string) => isWord(Buffer.from(text, 'latin1'), 0, text.length, 'keep-alive')
  assert.deepEqual(['keep-alive', 'KEEP-Alive'].map(says), [true, true])
  assert.deepEqual(['keep-aliv', 'keep-alivee', 'keep\ralive', ''].map(says), [false, false, false, false])
})
