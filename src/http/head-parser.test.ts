import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DONE, type HeadLimits, HeadParser, MORE, type ParseOutcome, REFUSED } from './head-parser.ts'
import { check } from './play.test.support.ts'
import { LIMITS } from './read.test.support.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

test('a head may be exactly as long as its limit', () => {
  check(GET, 'GET / 1.1 "a"', { ...LIMITS, headBytes: GET.length })
  check(GET, 'refused HEAD_TOO_LONG', { ...LIMITS, headBytes: GET.length - 1 })
})

test('a target may be exactly as long as its limit', () => {
  const head = 'GET /234?678 HTTP/1.1\r\nHost: a\r\n\r\n'
  check(head, 'GET /234?678 1.1 "a"', { ...LIMITS, targetBytes: 8 })
  check(head, 'refused TARGET_TOO_LONG', { ...LIMITS, targetBytes: 7 })
  check(head, 'refused TARGET_TOO_LONG', { ...LIMITS, targetBytes: 3 })
})

test('an https resource is for whoever has come over TLS; there an http one is, too', () => {
  const parser = new HeadParser(LIMITS)
  const read = (target: string, isSecure: boolean) => {
    const bytes = Buffer.from(`GET ${target} HTTP/1.1\r\nHost: b\r\n\r\n`)
    parser.isSecure = isSecure
    if (parser.parse(bytes, 0, bytes.length) !== DONE) return parser.refusal
    const { host, path, query } = parser.take(bytes, 0)
    return `${host} ${path}${query}`
  }
  const readAnew = (target: string, isSecure: boolean) => {
    parser.reset()
    return read(target, isSecure)
  }
  for (const scheme of ['https', 'HTTPS']) {
    assert.equal(readAnew(`${scheme}://a:8443/x?y`, true), 'a:8443 /x?y')
    assert.equal(readAnew(`${scheme}://a:8443/x?y`, false), 'NOT_SECURED')
  }
  for (const isSecure of [true, false]) {
    assert.equal(readAnew('http://a/x', isSecure), 'a /x')
    assert.equal(readAnew('/x', isSecure), 'b /x')
    for (const target of ['https://', 'https:/a', 'https://u@a/', 'httpss://a/', 'wss://a/']) {
      assert.equal(readAnew(target, isSecure), 'BAD_TARGET', target)
    }
  }
})

test('there may be exactly as many fields as their limit', () => {
  const head = 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\n\r\n'
  check(head, 'GET / 1.1 "a"', { ...LIMITS, fieldCount: 3 })
  check(head, 'refused TOO_MANY_FIELDS', { ...LIMITS, fieldCount: 2 })
})

test('a limit is kept at the first byte over it', () => {
  const bytesUntilRefused = (text: string, limits: Partial<HeadLimits>) => {
    const parser = new HeadParser({ ...LIMITS, ...limits })
    const bytes = Buffer.from(text)
    for (let to = 1; to <= bytes.length; to++) if (parser.parse(bytes, 0, to) === REFUSED) return to
    return null
  }
  assert.equal(bytesUntilRefused(`GET /${'a'.repeat(99)}`, { targetBytes: 10 }), 'GET '.length + 11)
  assert.equal(bytesUntilRefused(`GET /?${'a'.repeat(99)}`, { targetBytes: 10 }), 'GET '.length + 11)
  assert.equal(bytesUntilRefused(`GET / HTTP/1.1\r\nX: ${'a'.repeat(99)}`, { headBytes: 40 }), 40)
  assert.equal(
    bytesUntilRefused('GET / HTTP/1.1\r\nX:\r\nY:\r\n', { fieldCount: 1 }),
    'GET / HTTP/1.1\r\nX:\r\nY'.length,
  )
  assert.equal(bytesUntilRefused('A'.repeat(99), {}), 33)
  assert.equal(bytesUntilRefused('\r\n'.repeat(9), {}), 9)
})

test('every byte that may not stand somewhere is refused there, and every other is let through', () => {
  const survivors = (front: string, back: string) => {
    let kept = ''
    for (let byte = 0; byte < 256; byte++) {
      const bytes = Buffer.from(`${front}${String.fromCharCode(byte)}${back}`, 'latin1')
      if (new HeadParser(LIMITS).parse(bytes, 0, bytes.length) !== REFUSED) kept += String.fromCharCode(byte)
    }
    return kept
  }
  const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
  const methods = survivors('G', 'T / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.match(methods, token)
  assert.equal(methods.length, 77)
  const names = survivors('GET / HTTP/1.1\r\nHost: a\r\nX', 'X: y\r\n\r\n')
  // A colon ends the name: "X" with the value "X: y".
  assert.match(names.replace(':', ''), token)
  assert.equal(names.length, 78)
  const values = survivors('GET / HTTP/1.1\r\nHost: a\r\nX: y', 'y\r\n\r\n')
  assert.match(values, /^\t[\x20-\x7e\x80-\xff]+$/)
  assert.equal(values.length, 1 + 95 + 128)
  const targets = survivors('GET /', ' HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.match(targets, /^[\x21-\x7e]+$/)
  assert.equal(targets.includes('#'), false)
  assert.equal(targets.length, 93)
})

test('one parser reads many heads, and forgets each', () => {
  const parser = new HeadParser(LIMITS)
  const read = (text: string): [ParseOutcome, string | null] => {
    const bytes = Buffer.from(text)
    const outcome = parser.parse(bytes, 0, bytes.length)
    const story = outcome === DONE ? JSON.stringify(parser.take(bytes, 0)) : parser.refusal
    parser.reset()
    return [outcome, story]
  }
  const plain = `\r\n\r\n\r\n\r\n${GET}`
  const asking = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n'
  const fresh = [read(plain), read(asking)]
  const heads = [
    'POST http://b/?q HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close, upgrade\r\nUpgrade: x\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n',
    'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n',
    '\r\n\r\nG{T',
    'GET / HTTP/1.1\r\nHost: b\r\nContent-Length: 1\r\nX',
  ]
  for (const head of heads) {
    for (const [i, next] of [plain, asking].entries()) {
      read(head)
      assert.deepEqual(read(next), fresh[i], head)
    }
  }
})

test('a head does not change when its parser and its buffer are used again', () => {
  const parser = new HeadParser(LIMITS)
  const buffer = Buffer.alloc(200)
  const read = (text: string) => {
    assert.equal(parser.parse(buffer, 0, buffer.write(text)), DONE)
    const head = parser.take(buffer, 0)
    parser.reset()
    return head
  }
  const first = read('GET /first?1 HTTP/1.1\r\nHost: first.test\r\nAccept: a/b\r\nCookie: c=d\r\n\r\n')
  const before = JSON.stringify([first, first.fieldPairs()])
  read('POST http://second/2 HTTP/1.0\r\nX: y\r\nLonger-Than-Before: z\r\nAnd: another\r\nContent-Length: 9\r\n\r\n')
  buffer.fill(0)
  assert.equal(JSON.stringify([first, first.fieldPairs()]), before)
  assert.equal(first.field('cookie'), 'c=d')
})

test('it has started at the first byte that is no blank line', () => {
  const parser = new HeadParser(LIMITS)
  const bytes = Buffer.from('\r\n\r\nGET')
  const seen = [0, 1, 2, 3, 4, 5].map((to) => [parser.parse(bytes, 0, to), parser.started])
  assert.deepEqual(seen, [...Array(5).fill([MORE, false]), [MORE, true]])
  parser.reset()
  assert.equal(parser.started, false)
})

test('the length of a head has its blank lines, and nothing of what follows', () => {
  const parser = new HeadParser(LIMITS)
  const bytes = Buffer.from(`xx\r\n${GET}GET /next`)
  assert.equal(parser.parse(bytes, 2, bytes.length), DONE)
  assert.equal(parser.bytesUsed, 2 + GET.length)
  assert.equal(parser.parse(bytes, 2, bytes.length), DONE, 'asking again changes nothing')
  assert.equal(parser.bytesUsed, 2 + GET.length)
})
