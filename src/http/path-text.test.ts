import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../test/support/random.ts'
import { percentEncode, textOfBytes } from './path-text.ts'
import { decodePath } from './target.ts'

test('text of bytes: UTF-8 as it is, every other byte for itself', () => {
  for (const [bytes, text] of [
    ['', ''],
    ['a b', 'a b'],
    ['\xed\x95\x9c\xea\xb5\xad', '한국'],
    ['\xf0\x9f\x98\x80', '😀'],
    ['caf\xe9', 'caf\udce9'],
    ['\xed\x95', '\udced\udc95'],
    ['\xed\x95\x9c\x95!', '한\udc95!'],
    ['\xc0\xaf\xc1\xbf', '\udcc0\udcaf\udcc1\udcbf'],
    ['\xe0\x80\xaf', '\udce0\udc80\udcaf'],
    ['\xed\xa0\x80', '\udced\udca0\udc80'],
    ['\xf4\x90\x80\x80', '\udcf4\udc90\udc80\udc80'],
    ['\xff\xfe', '\udcff\udcfe'],
    ['\xef\xbb\xbfa', '\ufeffa'],
  ] as const) {
    assert.equal(textOfBytes(Buffer.from(bytes, 'latin1')), text, JSON.stringify(bytes))
  }
})

test('percentEncode leaves nothing that means something in a URL', () => {
  assert.equal(
    percentEncode('a b?c#d%e&f=g+h"<>\\^`{|}:@;,/'),
    'a%20b%3Fc%23d%25e%26f%3Dg%2Bh%22%3C%3E%5C%5E%60%7B%7C%7D%3A%40%3B%2C%2F',
  )
  assert.equal(percentEncode('한\n😀'), '%ED%95%9C%0A%F0%9F%98%80')
  assert.equal(percentEncode('\udce9é\udcff.txt'), '%E9%C3%A9%FF.txt')
})

test('all bytes come back, whatever they are', (t) => {
  const random = seededRandom(t)
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(
      Array.from({ length: random(12) }, () => (random(2) ? 0x80 + random(128) : 1 + random(255))),
    )
    const text = textOfBytes(bytes)
    const encoded = percentEncode(text)
    assert.match(encoded, /^[\x21-\x7e]*$/)
    assert.equal(
      encoded.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
      bytes.toString('latin1'),
    )
    if (!bytes.includes(0x2f)) assert.equal(decodePath(encoded), text)
  }
})
