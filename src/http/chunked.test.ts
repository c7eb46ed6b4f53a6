import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChunkedDecoder, chunkHead, LAST_CHUNK } from './chunked.ts'

/** Plays a body (\n stands for CR LF) whole, byte by byte and cut at every place; all tell the same story. */
function check(body: string, expected: string, bodyBytesMax = 1_000): void {
  const input = Buffer.from(body.replaceAll('\n', '\r\n'), 'latin1')
  assert.equal(tell(input, [], bodyBytesMax), expected)
  const everywhere = Array.from(input, (_, at) => at)
  assert.equal(tell(input, everywhere, bodyBytesMax), expected, 'one byte at a time')
  for (const cut of everywhere) assert.equal(tell(input, [cut], bodyBytesMax), expected, `cut at ${cut}`)
}

function tell(input: Buffer, cuts: readonly number[], bodyBytesMax: number): string {
  const decoder = new ChunkedDecoder(bodyBytesMax)
  let body = ''
  const sink = {
    data(bytes: Buffer, from: number, to: number) {
      body += bytes.toString('latin1', from, to)
    },
  }
  let used = 0
  for (const end of [...cuts, input.length]) used += decoder.decode(input, used, end, sink)
  const end = decoder.refusal !== null ? `refused ${decoder.refusal}` : decoder.done ? 'done' : 'unfinished'
  const rest = decoder.done ? input.toString('latin1', used) : ''
  return `body "${body}", ${end}${rest === '' ? '' : `, then "${rest}"`}`
}

test('chunks become one body', () => check('1\na\n2\nbc\n0\n\n', 'body "abc", done'))
test('a trailer ends the body', () => check('1\na\n0\nX: y\nZ:\n\n', 'body "a", done'))
test('what follows is left for the next request', () => check('1\na\n0\n\nGET', 'body "a", done, then "GET"'))
test('a body that breaks off is not done', () => check('5\nabc', 'body "abc", unfinished'))
test('the last line break is part of the body', () => check('0\n', 'body "", unfinished'))

test('a body may be exactly as long as its limit', () => {
  check('3\nabc\n2\nde\n0\n\n', 'body "abcde", done', 5)
  check('3\nabc\n3\ndef\n0\n\n', 'body "abc", refused BODY_TOO_LONG', 5)
  check('0\n\n', 'body "", done', 0)
})

test('a size over the limit is refused before its data comes', () => check('10', 'body "", refused BODY_TOO_LONG', 15))

test('without a limit a size must still be a number that can be counted', () => {
  check('1fffffffffffff\n', 'body "", unfinished', Number.POSITIVE_INFINITY)
  check('20000000000000', 'body "", refused BAD_CHUNK', Number.POSITIVE_INFINITY)
  check(`${'0'.repeat(15)}1\na\n0\n\n`, 'body "a", done')
  check(`${'0'.repeat(16)}1\na\n0\n\n`, 'body "", refused BAD_CHUNK')
})

test('an extension may be exactly as long as its limit', () => {
  check(`1;${'e'.repeat(255)}\na\n0\n\n`, 'body "a", done')
  check(`1;${'e'.repeat(256)}\na\n0\n\n`, 'body "", refused EXTENSIONS_TOO_LONG')
})

test('a trailer section may be exactly as long as its limits', () => {
  check(`0\n${'X:\n'.repeat(64)}\n`, 'body "", done')
  check(`0\n${'X:\n'.repeat(65)}\n`, 'body "", refused TRAILER_TOO_LONG')
})

test('a sink that throws has taken its bytes', () => {
  const decoder = new ChunkedDecoder(10)
  const input = Buffer.from('3\r\nabc\r\n0\r\n\r\n')
  const fails = { data: () => assert.fail('no room') }
  assert.throws(() => decoder.decode(input, 0, input.length, fails), /no room/)
  assert.equal(decoder.decode(input, 6, input.length, fails), input.length - 6)
  assert.equal(decoder.done, true)
})

test('no byte beside a size or a line break is passed over', () => {
  const passedOver = (front: string, back: string) => {
    let bytes = ''
    for (let code = 0; code < 256; code++) {
      const [before, after] = [front, back].map((text) => text.replaceAll('/', '\r\n'))
      const input = Buffer.from(`${before}${String.fromCharCode(code)}${after}`, 'latin1')
      if (tell(input, [], 1_000) === 'body "hello", done') bytes += String.fromCharCode(code)
    }
    return bytes
  }
  assert.equal(passedOver('', '5/hello/0//'), '0')
  assert.equal(passedOver('5', '/hello/0//'), '')
  assert.equal(passedOver('5/', 'hello/0//'), '')
  assert.equal(passedOver('5/hello', '/0//'), '')
  assert.equal(passedOver('5/hello/', '0//'), '0')
  assert.equal(passedOver('5/hello/0', '//'), '0')
  assert.equal(passedOver('5/hello/0/', '/'), '')
  assert.equal(passedOver('5\r', 'hello/0//'), '\n')
  assert.equal(passedOver('5', '\nhello/0//'), '\r')
  assert.equal(passedOver('5/hello\r', '0//'), '\n')
  assert.equal(passedOver('5/hello', '\n0//'), '\r')
})

test('what is written can be read', () => {
  const body = [1, 15, 16, 255, 4096].map((length) => `${chunkHead(length)}${'x'.repeat(length)}\r\n`).join('')
  const input = Buffer.from(body + LAST_CHUNK)
  assert.equal(tell(input, [], 10_000), `body "${'x'.repeat(1 + 15 + 16 + 255 + 4096)}", done`)
  assert.equal(chunkHead(255), 'ff\r\n')
})
