import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleanPathOf, isHidden, locationOf, meantPath, refusalBesideSlashes, says } from './names.ts'

test('a raw path means one path, or none', () => {
  for (const [raw, meant] of [
    ['/', '/'],
    ['/a%20b/%ED%95%9C', '/a b/한'],
    ['//a/./b//../c/', '/a/c/'],
    ['/a/..', '/'],
    ['/..', 400],
    ['/a/../../b', 400],
    ['/%2e%2e/a', 400],
    ['/a%2fb', 400],
    ['/a%00', 400],
    ['/%', 400],
    ['/%e9', '/\udce9'],
    ['*', 400],
    ['/.env', 404],
    ['/a/%2egit/config', 404],
    ['/.well-known', '/.well-known'],
    ['/.well-known/a.b', '/.well-known/a.b'],
    ['/.well-known/.a', 404],
    ['/.well-knownish/a', 404],
    ['/a/.well-known/b', 404],
    ['/...', 404],
    ['/a.b/c..d/e.', '/a.b/c..d/e.'],
  ] as const) {
    assert.equal(meantPath(raw, 'deny'), meant, raw)
    if (meant === 404) assert.equal(meantPath(raw, 'allow'), decodeURIComponent(raw), raw)
  }
})

test('a path with a slash within a segment names no file, and may be right otherwise', () => {
  for (const [raw, refusal] of [
    ['/package/@scope%2Fname', null],
    ['/a%2f', null],
    ['/%2F', null],
    ['/a%2fb/../c', null],
    ['/%2fetc%2fpasswd', null],
    ['/caf%e9%2fa', null],
    ['/a%2f%00', 400],
    ['/a%2f%', 400],
    ['/a%2f%zz', 400],
    ['/%%2fff', 400],
    ['/%2%2f', 400],
    ['/..%2fsecret', 400],
    ['/a/..%2f..%2fsecret', 400],
    ['/a%2fb/../..', 400],
    ['/%2f../..', 400],
    ['*%2f', 400],
    ['/%00', 400],
    ['/a', 400], // never asked of such
    ['/a%2f.git', 404],
    ['/.git%2fconfig', 404],
    ['/a/.%2f.env', 404],
  ] as const) {
    assert.equal(refusalBesideSlashes(raw, 'deny'), refusal, raw)
    if (refusal === 404) assert.equal(refusalBesideSlashes(raw, 'allow'), null, raw)
  }
})

test('dots hide names, not what is in the middle of one', () => {
  for (const path of ['/.a', '/a/.b', '/a/.b/c', '/..a', '/.well-known/.a']) assert.equal(isHidden(path), true, path)
  for (const path of ['/', '/a.b', '/a./b', '/.well-known', '/.well-known/']) assert.equal(isHidden(path), false, path)
})

test('a location is a path of this server, whatever the name', () => {
  assert.equal(locationOf('/a b/한/', '?q=1'), '/a%20b/%ED%95%9C/?q=1')
  assert.equal(locationOf('/\\evil.com/', ''), '/%5Cevil.com/')
  assert.equal(locationOf('/a?b#c%', ''), '/a%3Fb%23c%25')
  assert.equal(locationOf('/\t\r\n', ''), '/%09%0D%0A')
  assert.equal(locationOf('/caf\udce9/', ''), '/caf%E9/')
})

test('a clean path has neither .html nor the name of an index', () => {
  const index = ['index.html', 'home.htm']
  for (const [name, path] of [
    ['about.html', '/about'],
    ['a/b.c.html', '/a/b.c'],
    ['index.html', '/'],
    ['a/index.html', '/a/'],
    ['a/home.htm', '/a/'],
    ['a/other.htm', null],
    ['a.html/b', null],
    ['.html', null],
    ['a/.html', null],
    ['about.HTML', null],
    ['style.css', null],
  ] as const) {
    assert.equal(cleanPathOf(name, index), path, name)
  }
})

test('a path says a name with or without its .html', () => {
  assert.equal(says('/a.html', 'a.html'), true)
  assert.equal(says('/a', 'a.html'), true)
  assert.equal(says('/a/', 'a/index.html'), false)
  assert.equal(says('/b', 'a.html'), false)
})
