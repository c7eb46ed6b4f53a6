import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hrefOf, originOf } from './request-url.ts'

const AUTHORITIES = [
  'example.test',
  'EXAMPLE.test:80',
  'a:8080',
  '127.0.0.1:1',
  '127.1',
  '[::1]:8080',
  'a%41.test',
  '_x',
]

test('an authority becomes the origin that the URL standard makes of it', () => {
  for (const authority of AUTHORITIES) assert.equal(originOf(authority, false), new URL(`http://${authority}/`).origin)
})

test('over TLS its scheme is https, whose own port is left out', () => {
  for (const authority of AUTHORITIES) assert.equal(originOf(authority, true), new URL(`https://${authority}/`).origin)
  assert.equal(originOf('a.test:443', true), 'https://a.test')
  assert.equal(originOf('a.test:80', true), 'https://a.test:80')
  assert.equal(originOf('a.test:443', false), 'http://a.test:443')
  assert.equal(originOf('1.2.3.4.5', true), null)
})

test('an authority that can be in no URL has no origin', () => {
  for (const authority of ['a:b', '1.2.3.4.5', '[::1', 'a b', 'user@host', 'a/b', 'a?b', 'a#b', 'a\\b', '%zz', '']) {
    assert.equal(originOf(authority, false), null, authority)
  }
})

test('origins are remembered, and a client that makes up names cannot fill the memory with them', () => {
  for (let i = 0; i < 2_000; i++) assert.equal(originOf(`name-${i}.test`, false), `http://name-${i}.test`)
  assert.equal(originOf('name-0.test', false), 'http://name-0.test')
})

const PIECES = [
  '/',
  'a',
  '.',
  '..',
  '%2e',
  '%2E%2e',
  '%',
  '%41',
  '"',
  '<',
  '^',
  '`',
  '{',
  '|',
  "'",
  '[',
  '\\',
  '~',
  ':',
  '@',
  ';',
  '+',
]

test('path and query become what the URL standard makes of them, plain or not', () => {
  for (const one of PIECES) {
    for (const two of PIECES) {
      for (const target of [`/${one}${two}`, `/a/${one}/${two}`, `/${one}/${two}/`, `//${one}${two}`]) {
        assert.equal(hrefOf('http://a', target, ''), new URL(`http://a${target}`).href)
      }
      const query = `?${one}=${two}&?`
      assert.equal(hrefOf('http://a', '/', query), new URL(`http://a/${query}`).href)
    }
  }
})

test('every single character is treated as the URL standard does', () => {
  for (let code = 0x21; code < 0x7f; code++) {
    const char = String.fromCharCode(code)
    if (char === '#' || char === '?') continue
    assert.equal(hrefOf('http://a', `/x${char}y`, `?x${char}y`), new URL(`http://a/x${char}y?x${char}y`).href)
  }
})

test("the '*' of OPTIONS is a path of its own", () => assert.equal(hrefOf('http://a', '*', ''), 'http://a/*'))
