import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Salvage, salvage } from './salvage.ts'

const NOTHING: Salvage = {
  line: '',
  method: null,
  target: null,
  protocol: null,
  host: null,
  referer: null,
  userAgent: null,
}

const WHOLE = { line: 'GET /a HTTP/1.1', method: 'GET', target: '/a', protocol: 'HTTP/1.1' }

const CASES: readonly (readonly [what: string, bytes: string, told: Partial<Salvage>])[] = [
  ['nothing', '', {}],
  ['empty lines', '\r\n\r\n', {}],
  ['half a method', 'GE', { line: 'GE' }],
  ['a request line that may go on', 'GET /a HTTP/1.1', { line: 'GET /a HTTP/1.1' }],
  ['a whole request line', 'GET /a HTTP/1.1\r', WHOLE],
  ['behind empty lines', '\r\n\r\nGET /a HTTP/1.1\r\n', WHOLE],
  ['ended by a bare LF', 'GET /a HTTP/1.1\nHost: a\n\n', WHOLE],
  ['another version', 'GET /a HTTP/3.0\r\n', { ...WHOLE, line: 'GET /a HTTP/3.0', protocol: 'HTTP/3.0' }],
  ['no version', 'GET /a\r\n', { line: 'GET /a' }],
  ['four words', 'GET /a b HTTP/1.1\r\n', { line: 'GET /a b HTTP/1.1' }],
  ['TLS', '\x16\x03\x01\x02\0\x01\0\x01', { line: '\x16\x03\x01\x02\0\x01\0\x01' }],
  [
    'fields',
    'GET /a HTTP/1.1\r\nHost:a\r\nREFERER: \t b c \r\nuser-agent: d\r\n\r\n',
    { ...WHOLE, host: 'a', referer: 'b c', userAgent: 'd' },
  ],
  ['fields that came whole', 'GET /a HTTP/1.1\r\nUser-Agent: d\r\nHost: exam', { ...WHOLE, userAgent: 'd' }],
  ['fields beside a wrong one', 'GET /a HTTP/1.1\r\nbad line\r\nHost: a\r\n', { ...WHOLE, host: 'a' }],
  ['the first of several', 'GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', { ...WHOLE, host: 'a' }],
  ['nothing of a body', 'GET /a HTTP/1.1\r\n\r\nHost: a\r\n', WHOLE],
  ['an empty field', 'GET /a HTTP/1.1\r\nHost:\r\nUser-Agent: \r\n', { ...WHOLE, host: '', userAgent: '' }],
]

for (const [what, bytes, told] of CASES) {
  test(`salvaged: ${what}`, () => assert.deepEqual(salvage(Buffer.from(bytes, 'latin1')), { ...NOTHING, ...told }))
}

test('however much came, only so much is looked at', () => {
  assert.equal(salvage(Buffer.alloc(1_000_000, 'a')).line.length, 16_384)
})

test('a field of white space takes no time that grows with its square', () => {
  const spaces = ' '.repeat(16_300)
  const before = performance.now()
  for (let i = 0; i < 20; i++) salvage(Buffer.from(`GET /a HTTP/1.1\r\nHost:${spaces}x${i % 2 === 0 ? '\r\n' : ''}`))
  assert.ok(performance.now() - before < 1_000)
})
