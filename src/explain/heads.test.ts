import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOOKED_AT_BYTES, requestLine, statusLine } from './heads.ts'

const HEAD = 'Host: a\r\nCookie: secret\r\nAuthorization: Basic secret\r\n\r\nsecret body'
const LONG = 'x'.repeat(LOOKED_AT_BYTES)

const REQUESTS: readonly (readonly [bytes: string, shown: string | null])[] = [
  [`GET / HTTP/1.1\r\n${HEAD}`, 'GET / HTTP/1.1'],
  [`POST /a/b.html HTTP/1.0\r\n${HEAD}`, 'POST /a/b.html HTTP/1.0'],
  ['GET / HTTP/1.1\n\n', 'GET / HTTP/1.1'],
  ['OPTIONS * HTTP/1.1\r\n', 'OPTIONS * HTTP/1.1'],
  ['GET /reset?token=secret HTTP/1.1\r\n', 'GET /reset?… HTTP/1.1'],
  ['GET /reset#secret HTTP/1.1\r\n', 'GET /reset?… HTTP/1.1'],
  ['GET http://me:secret@host/path?secret HTTP/1.1\r\n', 'GET http://host/path?… HTTP/1.1'],
  [`GET /${LONG} HTTP/1.1\r\n`.slice(0, LOOKED_AT_BYTES), `GET /${'x'.repeat(58)}……`],
  [`GET /?${LONG}`.slice(0, LOOKED_AT_BYTES), 'GET /?……'],
  [`GET /${'y'.repeat(80)} HTTP/1.1\r\n`, `GET /${'y'.repeat(58)}… HTTP/1.1`],
  ['GET /\x1b[31m HTTP/1.1\r\n', 'GET /\\x1b[31m HTTP/1.1'],
  ['{"password":"secret"}', null],
  ['password=secret&a=b', null],
  ['GET /half-a-lin', null],
  ['SECRET', null],
  [`SECRET ${LONG}`, null],
  ['', null],
]

for (const [bytes, shown] of REQUESTS) {
  test(`of ${JSON.stringify(bytes.slice(0, 40))} ${shown ?? 'nothing'} is shown`, () => {
    assert.equal(requestLine(Buffer.from(bytes, 'latin1')), shown)
  })
}

test('of a response its status line is shown, and no more', () => {
  assert.equal(statusLine(Buffer.from('HTTP/1.1 200 OK\r\nSet-Cookie: secret\r\n\r\nsecret')), 'HTTP/1.1 200 OK')
  assert.equal(statusLine(Buffer.from('HTTP/1.1 404 Not Found\r\n')), 'HTTP/1.1 404 Not Found')
  assert.equal(statusLine(Buffer.from('HTTP/1.1 200 \r\n')), 'HTTP/1.1 200 ')
  assert.equal(statusLine(Buffer.from('a body that goes on')), null)
})
