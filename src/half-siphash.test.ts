import assert from 'node:assert/strict'
import { test } from 'node:test'
import { halfSipHash } from './half-siphash.ts'

/** The reference's own key and messages: the bytes 0, 1, 2, …; its answers for those that are whole words. */
const KEY = { low: 0x03020100, high: 0x07060504 }
const WORDS = [0x03020100, 0x07060504, 0x0b0a0908]
const ANSWERS = ['218d1f59b9b83cc8', 'd5e78a175be52ea1', 'edfee820bce4858c', '7bc71f9faef5c799']

for (const [count, answer] of ANSWERS.entries()) {
  test(`the reference's answer for ${4 * count} bytes`, () => {
    const { low, high } = halfSipHash(KEY, WORDS.slice(0, count))
    const bytes = Buffer.alloc(8)
    bytes.writeInt32LE(low, 0)
    bytes.writeInt32LE(high, 4)
    assert.equal(bytes.toString('hex'), answer)
  })
}

test('another key, another answer', () => {
  assert.notDeepEqual(halfSipHash({ low: 1, high: 0 }, WORDS), halfSipHash({ low: 0, high: 1 }, WORDS))
})
