import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DONE, HeadParser } from '../http/head-parser.ts'
import type { Handler, IncomingRequest, Reply } from './handler.ts'
import { withTlsRedirect } from './tls-redirect.ts'

const LIMITS = { headBytes: 16_384, fieldCount: 10, targetBytes: 8_192 }
const OF_TARGET: Reply = { status: 204, fields: [], body: null }
const target: Handler = () => OF_TARGET

/** `host` null: HTTP/1.0 without one. */
function ask(line: string, host: string | null = 'example.test', port: number | null = 443, isSecure = false): Reply {
  const head = host === null ? `${line} HTTP/1.0\r\n\r\n` : `${line} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const bytes = Buffer.from(head, 'latin1')
  const parser = new HeadParser(LIMITS)
  assert.equal(parser.parse(bytes, 0, bytes.length), DONE, parser.refusal ?? 'head not whole')
  const request = { head: parser.take(bytes, 0), localAuthority: '127.0.0.1:8080', isSecure }
  return withTlsRedirect(target, port)(request as IncomingRequest) as Reply
}

function locationOf(line: string, host?: string | null, port?: number): string {
  const reply = ask(line, host, port)
  assert.equal(reply.status, 308)
  assert.equal(reply.body, null)
  assert.equal(reply.fields.length, 2)
  assert.equal(reply.fields[0], 'Location')
  return reply.fields[1]!
}

test('whoever comes without TLS is sent to the same host and path with it, whatever the method', () => {
  for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'M-SEARCH', 'get']) {
    assert.equal(locationOf(`${method} /where?q=now`), 'https://example.test/where?q=now')
  }
})

test('whoever has come over TLS is there, and where nobody is to be sent everybody is', () => {
  assert.equal(ask('GET /', 'a', 443, true), OF_TARGET)
  assert.equal(withTlsRedirect(target, null), target)
})

const HOSTS: readonly (readonly [host: string | null, port: number, origin: string])[] = [
  ['a.test', 443, 'https://a.test'],
  ['a.test:80', 443, 'https://a.test'],
  ['a.test:', 443, 'https://a.test'],
  ['a.test:443', 8443, 'https://a.test:8443'],
  ['A.Test', 8443, 'https://a.test:8443'],
  ['[::1]', 443, 'https://[::1]'],
  ['[2001:db8::1:80]', 8443, 'https://[2001:db8::1:80]:8443'],
  ['[2001:db8::1]:80', 8443, 'https://[2001:db8::1]:8443'],
  ['a%2db.test', 443, 'https://a-b.test'],
  [null, 8443, 'https://127.0.0.1:8443'],
  ['', 443, 'https://127.0.0.1'],
]

for (const [host, port, origin] of HOSTS) {
  test(`the host ${JSON.stringify(host)} and the port ${port} are ${origin}`, () => {
    assert.equal(locationOf('GET /x', host, port), `${origin}/x`)
  })
}

const TARGETS: readonly (readonly [target: string, location: string])[] = [
  ['/', '/'],
  ['/a%20b/%e2?x=%0d%0aSet-Cookie:%20y', '/a%20b/%e2?x=%0d%0aSet-Cookie:%20y'],
  ['//other.test/x', '//other.test/x'],
  ['/\\other.test/x', '//other.test/x'],
  ['/@other.test', '/@other.test'],
  ['/"<>?"<>', '/%22%3C%3E?%22%3C%3E'],
  ['/a/../../b?..', '/b?..'],
  ['/?', '/?'],
]

for (const [target, location] of TARGETS) {
  test(`${target} leads to ${location} of the same host`, () => {
    assert.equal(locationOf(`GET ${target}`), `https://example.test${location}`)
    assert.equal(new URL(locationOf(`GET ${target}`)).host, 'example.test')
  })
}

test('the host in the target is the one that counts', () => {
  assert.equal(locationOf('GET http://a.test:81/x?y', 'b.test'), 'https://a.test/x?y')
  assert.equal(locationOf('GET http://a.test', 'b.test'), 'https://a.test/')
})

test('OPTIONS of the server itself stays that', () => {
  assert.equal(locationOf('OPTIONS *', 'a.test', 8443), 'https://a.test:8443')
})

test('a CONNECT has no other place, and a host that no URL can have none at all', () => {
  assert.equal(ask('CONNECT a.test:443', 'a.test').status, 421)
  for (const host of ['1.2.3.4.5', 'a%00b']) assert.equal(ask('GET /', host).status, 400)
})
