import assert from 'node:assert/strict'
import { test } from 'node:test'
import koffi from 'koffi'
import { pathAddress, writePath } from './path-bytes.ts'

/** What the kernel would read there. */
function written(): string {
  const bytes = Buffer.from(koffi.view(BigInt(pathAddress), 4_096))
  return bytes.toString('latin1', 0, bytes.indexOf(0))
}

test('a path is UTF-8, and a lone surrogate the byte that it stands for', () => {
  for (const [text, bytes] of [
    ['', ''],
    ['a/b c', 'a/b c'],
    ['한', '\xed\x95\x9c'],
    ['😀', '\xf0\x9f\x98\x80'],
    ['caf\udce9', 'caf\xe9'],
    ['\udcff\udc80', '\xff\x80'],
    ['한\udced\udc95/😀\udcc0', '\xed\x95\x9c\xed\x95/\xf0\x9f\x98\x80\xc0'],
  ] as const) {
    assert.equal(writePath(text), true)
    assert.equal(written(), bytes, JSON.stringify(text))
  }
})

test('what does not fit, or would end early, is refused', () => {
  for (const [text, fits] of [
    ['x'.repeat(4_095), true],
    ['x'.repeat(4_096), false],
    ['é'.repeat(2_047), true],
    ['é'.repeat(2_048), false],
    [`${'é'.repeat(2_047)}x`, true],
    [`${'x'.repeat(4_090)}한한한`, false],
    [`${'x'.repeat(4_092)}한`, true],
    [`${'x'.repeat(4_092)}😀`, false],
    ['\udcff'.repeat(4_095), true],
    ['\udcff'.repeat(4_096), false],
    ['a\0b', false],
    ['\udcff\0', false],
  ] as const) {
    assert.equal(writePath(text), fits, `${text.length} of ${JSON.stringify(text.slice(0, 2))}`)
  }
})

test('a refused path is not left there to be used', () => {
  writePath('before')
  assert.equal(writePath('x'.repeat(5_000)), false)
  assert.equal(writePath('after'), true)
  assert.equal(written(), 'after')
})
