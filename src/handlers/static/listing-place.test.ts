import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAddress, placeOf } from './listing-place.ts'
import { atOnce, bytesOf, request, serving, siteOf, storyOf } from './site.test.support.ts'
import { createStaticHandler } from './static.ts'

/** A request whose path a rewrite has replaced. */
function rewritten(asked: string, path: string, fields: Record<string, string> = {}) {
  const given = request('GET', asked, fields)
  return { ...given, head: given.head.withPath(path) }
}

test('a folder is where the client asked for it, and ways up go as far as both paths have the same names', () => {
  for (const [asked, path, shown, above] of [
    ['/files/', '/', '/files/', 0],
    ['/files/dir/', '/dir/', '/files/dir/', 1],
    ['/files/a/b/', '/a/b/', '/files/a/b/', 2],
    ['/files/a/b/', '/pub/a/b/', '/files/a/b/', 2],
    ['/dir/', '/pub/dir/', '/dir/', 1],
    ['/', '/pub/', '/', 0],
    ['/x/dir/', '/other/', '/x/dir/', 0],
    ['/home', '/home/', '/home', 0],
    ['/f%69les/%ED%95%9C%20b/', '/%ED%95%9C%20b/', '/files/한 b/', 1],
    ['/x%2Fy/dir/', '/dir/', '/x%2Fy/dir/', 1],
    ['//files/./dir/', '/dir/', '/files/dir/', 1],
  ] as const) {
    assert.deepEqual(placeOf(rewritten(asked, path).head, decodeURI(path)), { path: shown, above }, asked)
  }
  assert.deepEqual(placeOf(request('GET', '/a/b/').head, '/a/b/'), { path: '/a/b/', above: 2 })
})

test('it has one address, in the words of the client and in those of the rewrite', () => {
  for (const [asked, path, is] of [
    ['/files/dir/', '/dir/', true],
    ['/f%69les/d%69r/', '/dir/', true],
    ['/x%2Fy/dir/', '/dir/', true],
    ['/files//dir/', '/dir/', false],
    ['/files/./dir/', '/dir/', false],
    ['/files/%2E/dir/', '/dir/', false],
    ['/files/dir/', '//dir/', false],
  ] as const) {
    assert.equal(isAddress(rewritten(asked, path).head, '/dir/'), is, asked)
  }
})

test('the page and the JSON tell the client its own path, and every way up leads where it says', (t) => {
  const { root } = serving(t, ['a/b/c.txt'])
  const handler = createStaticHandler(siteOf(root, { listing: true }))
  t.after(() => handler.close())
  const ask = (asked: string, path: string, fields?: Record<string, string>) =>
    atOnce(handler(rewritten(asked, path, fields)))
  const page = String(bytesOf(ask('/files/a/b/?sort=size', '/a/b/')))
  assert.match(page, /<title>Index of \/files\/a\/b\/<\/title>/)
  assert.match(page, /<h1><bdi>b<\/bdi><\/h1>/)
  const crumbs = [.../<ol>.*<\/ol>/.exec(page)![0].matchAll(/href="([^"]*)"><bdi>(.*?)<\/bdi>/g)]
  const led = crumbs.map(([, href, name]) => [name, new URL(href!, 'http://a/files/a/b/').pathname])
  assert.deepEqual(led, [
    ['files', '/files/'],
    ['a', '/files/a/'],
  ])
  const top = String(bytesOf(ask('/files/', '/')))
  assert.match(top, /<ol><li><span aria-current="page"><bdi>files<\/bdi><\/span><\/li><\/ol>/)
  assert.doesNotMatch(top, /Parent folder/)
  const json = JSON.parse(String(bytesOf(ask('/files/a/', '/a/', { Accept: 'application/json' }))))
  assert.deepEqual([json.path, json.entries[0].url], ['/files/a/', 'b/'])
  assert.equal(storyOf(ask('/files//a/', '/a/')), '301 /a/') // which the router tells in the client's terms
})
