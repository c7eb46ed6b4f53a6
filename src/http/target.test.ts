import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodePath, normalizePath } from './target.ts'

test('percent-encoded UTF-8 becomes text', () => {
  assert.equal(decodePath('/plain/a+b'), '/plain/a+b')
  assert.equal(decodePath('/a%20b%3f%23%25'), '/a b?#%')
  assert.equal(decodePath('/%ED%95%9c%EA%b5%ad/%f0%9f%98%80'), '/한국/😀')
  assert.equal(decodePath('/%252e%252e'), '/%2e%2e')
})

test('what two readers could understand differently is no path', () => {
  for (const path of ['/%', '/%2', '/%zz', '/%u0041', '/a%2fb', '/a%2Fb', '/%00', '/a%00.html', '/%20%2F']) {
    assert.equal(decodePath(path), null, path)
  }
})

test('bytes that are no UTF-8 stand for themselves, and never for a dot or a slash', () => {
  for (const [path, text] of [
    ['/caf%e9', '/caf\udce9'],
    ['/%80', '/\udc80'],
    ['/%c0%ae%c0%af', '/\udcc0\udcae\udcc0\udcaf'],
    ['/%ed%a0%80', '/\udced\udca0\udc80'],
    ['/%ed%b3%bf', '/\udced\udcb3\udcbf'],
    ['/%f4%90%80%80', '/\udcf4\udc90\udc80\udc80'],
    ['/%e2%82', '/\udce2\udc82'],
    ['/%EA%B0%80%ff/b%20', '/가\udcff/b '],
  ] as const) {
    assert.equal(decodePath(path), text, path)
  }
  for (const path of ['/%ff%', '/%ff%2f', '/%ff%00', '/%ff%zz', '/%ff%2']) assert.equal(decodePath(path), null, path)
})

test('dot segments are taken out', () => {
  for (const [path, expected] of [
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a/b/', '/a/b/'],
    ['/a/./b', '/a/b'],
    ['/a/.', '/a/'],
    ['/.', '/'],
    ['/a/../b', '/b'],
    ['/a/b/..', '/a/'],
    ['/a/..', '/'],
    ['/a/b/../../c', '/c'],
    ['//a///b//', '/a/b/'],
    ['//', '/'],
    ['/.a/..b/c./...', '/.a/..b/c./...'],
    ['/a\\..\\b', '/a\\..\\b'],
  ]) {
    assert.equal(normalizePath(path), expected, path)
  }
})

test('a path that climbs above the root is none', () => {
  for (const path of ['/..', '/../a', '/a/../..', '/a/../../b', '/./..', '//..', '/a//../..', '', '*', 'a/b']) {
    assert.equal(normalizePath(path), null, path)
  }
})

test('an encoded dot segment is one, a twice encoded one is not', () => {
  assert.equal(normalizePath(decodePath('/a/%2e%2E/b')!), '/b')
  assert.equal(normalizePath(decodePath('/a/%252e%252e/b')!), '/a/%2e%2e/b')
})
