import assert from 'node:assert/strict'
import { test } from 'node:test'
import { folderLocation, meantPath, nameOf } from './names.ts'

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
    ['/%ff', 400],
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
    assert.equal(meantPath(raw), meant, raw)
  }
})

test('a folder is named by its index', () => {
  assert.equal(nameOf('/', 'index.html'), 'index.html')
  assert.equal(nameOf('/a/', 'home.htm'), 'a/home.htm')
  assert.equal(nameOf('/a/b.txt', 'index.html'), 'a/b.txt')
})

test('a location is a path of this server, whatever the name', () => {
  assert.equal(folderLocation('/a b/한', '?q=1'), '/a%20b/%ED%95%9C/?q=1')
  assert.equal(folderLocation('/\\evil.com', ''), '/%5Cevil.com/')
  assert.equal(folderLocation('/a?b#c%', ''), '/a%3Fb%23c%25/')
  assert.equal(folderLocation('/\t', ''), '/%09/')
})
