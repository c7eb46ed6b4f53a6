import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONTINUE, type ResponseFraming, responseHead } from './response-head.ts'

const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT'
const EMPTY: ResponseFraming = { kind: 'length', length: 0 }

function check(expected: string, ...[minor, status, fields, framing, connection]: Arguments): void {
  const head = responseHead(minor, status, fields, framing, connection, DATE)
  assert.equal(head, `${expected.replaceAll('\n', '\r\n')}\r\n\r\n`)
}

type Arguments = Parameters<typeof responseHead> extends [...infer Before, string] ? Before : never

test('a head has a status line, the fields, the date, the length', () =>
  check(
    `HTTP/1.1 200 OK\nContent-Type: text/plain\nX: ä\nDate: ${DATE}\nContent-Length: 13`,
    1,
    200,
    ['Content-Type', 'text/plain', 'X', 'ä'],
    { kind: 'length', length: 13 },
    null,
  ))

test('each framing has its field', () => {
  check(`HTTP/1.1 200 OK\nDate: ${DATE}\nTransfer-Encoding: chunked`, 1, 200, [], { kind: 'chunked' }, null)
  check(`HTTP/1.1 200 OK\nDate: ${DATE}\nConnection: close`, 0, 200, [], { kind: 'close' }, 'close')
  check(`HTTP/1.1 304 Not Modified\nETag: "a"\nDate: ${DATE}`, 1, 304, ['ETag', '"a"'], { kind: 'none' }, null)
  check(`HTTP/1.1 205 Reset Content\nDate: ${DATE}\nContent-Length: 0`, 1, 205, [], EMPTY, null)
})

test('an HTTP/1.0 client is told that it may stay', () =>
  check(`HTTP/1.1 200 OK\nDate: ${DATE}\nContent-Length: 0\nConnection: keep-alive`, 0, 200, [], EMPTY, 'keep-alive'))

test('a status without a phrase keeps the space before it', () =>
  check(`HTTP/1.1 299 \nDate: ${DATE}\nContent-Length: 0`, 1, 299, [], EMPTY, null))

test('what the handler says about framing and connection is dropped', () => {
  const fields = ['content-length', '99', 'Transfer-Encoding', 'gzip', 'CONNECTION', 'x', 'Keep-Alive', '1', 'A', 'b']
  check(`HTTP/1.1 200 OK\nA: b\nDate: ${DATE}\nContent-Length: 0`, 1, 200, fields, EMPTY, null)
})

test("a handler's date is kept, once", () => {
  const fields = ['date', 'then', 'Date', 'later', 'Data', '1']
  check('HTTP/1.1 200 OK\ndate: then\nData: 1\nContent-Length: 0', 1, 200, fields, EMPTY, null)
})

test('a protocol that is offered is named in Connection', () => {
  const fields = ['upgrade', 'websocket', 'Upgraded', '1']
  const lines = (connection: string) =>
    `HTTP/1.1 426 Upgrade Required\nupgrade: websocket\nUpgraded: 1\nDate: ${DATE}\nContent-Length: 0\nConnection: ${connection}`
  check(lines('Upgrade'), 1, 426, fields, EMPTY, null)
  check(lines('close, Upgrade'), 1, 426, fields, EMPTY, 'close')
})

test('no name or value can break the head apart', () => {
  const field = (name: string, value: string) => () => responseHead(1, 200, [name, value], EMPTY, null, DATE)
  for (const name of ['', 'a b', 'a:', 'a\r\nb', 'ä', '\u0141']) assert.throws(field(name, ''), /name/, name)
  // U+010A ends in the byte of a line feed.
  for (const value of ['a\r\nb: c', 'a\nb', 'a\rb', 'a\0', '\x7f', '\u010a', '😀']) {
    assert.throws(field('a', value), /character that cannot be sent/, value)
  }
  assert.doesNotThrow(field('a', '\t \xff'))
  assert.throws(field('Content-Length', '\n'), /cannot be sent/, 'a dropped field is still checked')
})

test('a frame that a client would misread is our mistake', () => {
  const head = (minor: 0 | 1, status: number, framing: ResponseFraming) => () =>
    responseHead(minor, status, [], framing, null, DATE)
  assert.throws(head(0, 200, { kind: 'chunked' }), /HTTP\/1\.0/)
  assert.throws(head(1, 200, { kind: 'none' }), /needs a frame/)
  assert.throws(head(1, 200, { kind: 'close' }), /ends with the connection/)
  for (const status of [100, 204]) assert.throws(head(1, status, EMPTY), /no Content-Length/)
  for (const status of [101, 204, 304]) assert.throws(head(1, status, { kind: 'chunked' }), /no body/)
  for (const length of [-1, 0.5, Number.NaN, 2 ** 53]) assert.throws(head(1, 200, { kind: 'length', length }), /length/)
  for (const status of [99, 1000, 200.5, Number.NaN]) assert.throws(head(1, status, EMPTY), /not a status/)
})

test('the interim response is a head of its own', () => assert.equal(CONTINUE, 'HTTP/1.1 100 Continue\r\n\r\n'))
