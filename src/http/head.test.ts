import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readHead } from './play.test.support.ts'

const HEAD = [
  'GET /a?b HTTP/1.1',
  'Host: example.com',
  'ACCEPT: text/html',
  'Cookie: a=1',
  'X-Empty:',
  'X-Blank: \t ',
  'Accept:\t*/* ',
  'cookie: b=2',
  'X_Tilde~: \xe4 b',
].join('\r\n')

const head = readHead(`${HEAD}\r\n\r\n`)

test('a field is found by its lower-case name, however it was written', () => {
  assert.equal(head.field('host'), 'example.com')
  assert.equal(head.field('x_tilde~'), '\xe4 b')
  assert.equal(head.field('x_tilde^'), null)
  assert.equal(head.field('x-none'), null)
  assert.equal(head.field(''), null)
})

test('an empty field is there, and empty', () => {
  assert.equal(head.field('x-empty'), '')
  assert.equal(head.field('x-blank'), '')
})

test('lines of one name are joined by commas, cookies by semicolons', () => {
  assert.equal(head.field('accept'), 'text/html, */*')
  assert.equal(head.field('cookie'), 'a=1; b=2')
})

test('pairs come one by one, in order, their names in lower case', () => {
  assert.equal(head.fieldCount, 8)
  assert.deepEqual(head.fieldPairs(), [
    ['host', 'example.com'],
    ['accept', 'text/html'],
    ['cookie', 'a=1'],
    ['x-empty', ''],
    ['x-blank', ''],
    ['accept', '*/*'],
    ['cookie', 'b=2'],
    ['x_tilde~', '\xe4 b'],
  ])
})

test('the authority of an absolute target replaces the Host field everywhere', () => {
  const absolute = readHead('GET http://real.test:8/x?y HTTP/1.1\r\nX: 1\r\nHost: other.test\r\n\r\n')
  assert.equal(absolute.target, 'http://real.test:8/x?y')
  assert.equal(absolute.path, '/x')
  assert.equal(absolute.query, '?y')
  assert.equal(absolute.host, 'real.test:8')
  assert.equal(absolute.field('host'), 'real.test:8')
  assert.deepEqual(absolute.fieldPairs()[1], ['host', 'real.test:8'])
  assert.equal(readHead('GET http://real.test/ HTTP/1.0\r\n\r\n').field('host'), null)
})

test('for another path all else stays as it was sent', () => {
  const head = readHead('PUT http://real.test/x?y HTTP/1.1\r\nX: 1\r\nHost: other.test\r\nContent-Length: 3\r\n\r\n')
  const other = head.withPath('/new')
  const { method, target, path, query, host, bodyKind, bodyLength, keepAlive, minorVersion } = other
  assert.deepEqual([method, target, path, query, host], ['PUT', 'http://real.test/x?y', '/new', '?y', 'real.test'])
  assert.deepEqual([bodyKind, bodyLength, keepAlive, minorVersion], ['length', 3, true, 1])
  assert.deepEqual(other.fieldPairs(), head.fieldPairs())
  assert.equal(other.field('x'), '1')
  assert.deepEqual([head.path, head.askedPath, other.askedPath], ['/x', '/x', '/x'])
  assert.equal(other.withPath('/newer').askedPath, '/x')
})

test('the body is what the framing fields say', () => {
  const body = (...fields: string[]) => {
    const { bodyKind, bodyLength } = readHead(['POST / HTTP/1.1', 'Host: a', ...fields, '', ''].join('\r\n'))
    return [bodyKind, bodyLength]
  }
  assert.deepEqual(body(), ['none', 0])
  assert.deepEqual(body('Content-Length: 0'), ['length', 0])
  assert.deepEqual(body('Content-Length: 9007199254740991'), ['length', Number.MAX_SAFE_INTEGER])
  assert.deepEqual(body('Transfer-Encoding: Chunked'), ['chunked', 0])
})

test('the common methods are known words, the others are as they came', () => {
  const methods = ['GET', 'PUT', 'POST', 'HEAD', 'PATCH', 'TRACE', 'DELETE', 'OPTIONS', 'Get', 'PROPFIND', 'X', 'GETS']
  for (const method of methods) assert.equal(readHead(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`).method, method)
})
