import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { StaticOptions } from '../../config/options.ts'
import type { Fd } from '../../kernel/fd.ts'
import { AWKWARD_NAMES, writeAwkward } from './awkward.test.support.ts'
import { readFolder } from './read-folder.ts'
import { bytesOf, fieldsOf, openDescriptors, serving } from './site.test.support.ts'

const JSON_ALONE = { Accept: 'application/json' }

interface Listed {
  readonly name: string
  readonly url: string
  readonly type: 'file' | 'directory'
  readonly size?: number
  readonly mtime: string
}

function listing(t: TestContext, files: readonly string[], options: Partial<StaticOptions> = {}) {
  const site = serving(t, files, { listing: true, ...options })
  const page = (path: string) => String(bytesOf(site.ask(path)))
  const json = (path: string) =>
    JSON.parse(String(bytesOf(site.ask(path, JSON_ALONE)))) as { path: string; isWhole: boolean; entries: Listed[] }
  return { ...site, page, json, names: (path: string) => json(path).entries.map(({ name }) => name) }
}

/** Where the rows of a page lead, resolved as a browser resolves them. */
function linksOf(page: string, base: string): URL[] {
  const rows = page.slice(page.indexOf('<tbody>'))
  const hrefs = [...rows.matchAll(/<a href="([^"]*)">/g)].map(([, href]) =>
    href!.replaceAll('&amp;', '&').replaceAll('&#39;', "'"),
  )
  return hrefs.map((href) => new URL(href, base))
}

test('a folder without an index is listed, where that is asked for', (t) => {
  const files = ['a/one.txt', 'a/two/three.txt', 'b/index.html', 'b/other.txt']
  const { ask, get, page } = listing(t, files)
  assert.match(page('/'), /<title>Index of \/<\/title>/)
  assert.match(page('/a/'), /<title>Index of \/a\/<\/title>/)
  assert.equal(get('/a'), '301 /a/')
  assert.equal(get('/b/'), '200 [b/index.html]')
  assert.equal(get('/nothing/'), '404')
  assert.equal(get('/a/one.txt/'), '404')
  assert.equal(ask('/a/', {}, 'POST').status, 405)
  assert.equal(serving(t, files).get('/a/'), '404')
})

test('HEAD says what GET says', (t) => {
  const { ask } = listing(t, ['a.txt'])
  const [head, got] = [ask('/', {}, 'HEAD'), ask('/')]
  assert.deepEqual([head.status, head.fields, head.body], [200, got.fields, got.body]) // the connection sends no body
})

test('the page is whole, and its policy lets nothing else in', (t) => {
  const { ask } = listing(t, ['a.txt', 'folder/'])
  const reply = ask('/')
  const page = String(bytesOf(reply))
  const fields = fieldsOf(reply)
  assert.equal(fields['content-type'], 'text/html; charset=utf-8')
  assert.equal(fields['cache-control'], 'no-cache')
  assert.equal(fields.vary, 'Accept')
  assert.equal(fields['x-content-type-options'], 'nosniff')
  assert.equal(fields.etag, undefined)
  const style = /<style>(.*?)<\/style>/s.exec(page)![1]!
  const hash = createHash('sha256').update(style).digest('base64')
  assert.equal(
    fields['content-security-policy'],
    `default-src 'none'; style-src 'sha256-${hash}'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`,
  )
  assert.doesNotMatch(page, /https?:|src=|url\(|@import|<script| style=| on\w+=/)
})

test('every name leads to its file, and nowhere else, and stands on the page as text', (t) => {
  const { root, ask, page, json } = listing(t, ['folder/'])
  writeAwkward(join(root, 'folder'))
  const html = page('/folder/')
  const links = linksOf(html, 'http://test/folder/').slice(1) // the first leads up
  assert.equal(links.length, AWKWARD_NAMES.length)
  const found = links.map((url) => {
    assert.equal(url.origin, 'http://test')
    assert.match(url.href, /^http:\/\/test\/folder\/[^/?#]+$/)
    return String(bytesOf(ask(url.pathname)))
  })
  const contents = AWKWARD_NAMES.map((name) => String(Buffer.from(name)))
  assert.deepEqual(found.toSorted(), contents.toSorted())
  for (const { url } of json('/folder/').entries) assert.equal(ask(`/folder/${url}`).status, 200, url)

  const rows = html.slice(html.indexOf('<tbody>'))
  const tags = new Set([...rows.matchAll(/<\/?(\w+)/g)].map(([, tag]) => tag))
  assert.deepEqual([...tags].sort(), [
    'a',
    'bdi',
    'body',
    'data',
    'html',
    'main',
    'span',
    'svg',
    'table',
    'tbody',
    'td',
    'th',
    'time',
    'tr',
    'use',
  ])
  assert.doesNotMatch(html, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
  assert.equal(html, html.replace(/\p{Surrogate}/gu, '\ufffd'))
  for (const shown of [
    '&lt;img src=x onerror=alert(1)&gt;',
    'line␊break.txt',
    'return␍and␉tab.txt',
    'escape␛[31mred␇.txt',
    'a&amp;b &amp;amp; &amp;lt;c&amp;gt; &amp;#100;',
    '한국어 파일 이름.txt',
    '👨‍👩‍👧‍👦 family 🇰🇷.jpg',
    '\ufffdgnp.exe',
    'caf\ufffd of old.txt',
  ]) {
    assert.ok(html.includes(`<bdi>${shown}</bdi>`), shown)
  }
})

test('folders have awkward names, too: title, way up and links are text and paths', (t) => {
  const name = `<b>&"'한 #?%`
  const { page } = listing(t, [`${name}/${name}/x/`])
  const raw = encodeURIComponent(name).replaceAll("'", '%27')
  const html = page(`/${raw}/${raw}/?sort=size&order=asc`)
  const shown = '&lt;b&gt;&amp;&quot;&#39;한 #?%'
  assert.ok(html.includes(`<title>Index of /${shown}/${shown}/</title>`))
  assert.ok(html.includes(`<h1><bdi>${shown}</bdi></h1>`))
  const way = /<ol>(.*)<\/ol>/.exec(html)![1]
  assert.equal(
    way,
    '<li><a href="../../?sort=size&amp;order=asc"><bdi>Index</bdi></a></li>' +
      `<li><a href="../?sort=size&amp;order=asc"><bdi>${shown}</bdi></a></li>` +
      `<li><span aria-current="page"><bdi>${shown}</bdi></span></li>`,
  )
  const [up, down] = linksOf(html, `http://test/${raw}/${raw}/`)
  assert.equal(up!.href, `http://test/${raw}/?sort=size&order=asc`)
  assert.equal(down!.href, `http://test/${raw}/${raw}/x/?sort=size&order=asc`)
})

test('sizes and dates, for people and for programs', (t) => {
  const { root, page, json } = listing(t, ['a.bin', 'b.bin', 'old', 'folder/'])
  truncateSync(join(root, 'a.bin'), 1_500)
  truncateSync(join(root, 'b.bin'), 3 * 1024 ** 4)
  utimesSync(join(root, 'a.bin'), 1_700_000_000.25, 1_700_000_000.25)
  utimesSync(join(root, 'old'), new Date(-1e12), new Date(-1e12))
  const html = page('/')
  assert.ok(html.includes('<data value="1500" title="1,500 bytes">1.5 KiB</data>'))
  assert.ok(html.includes('<data value="3298534883328" title="3,298,534,883,328 bytes">3.0 TiB</data>'))
  assert.ok(html.includes('<time datetime="2023-11-14T22:13:20.250Z">2023-11-14<span> 22:13</span></time>'))
  assert.ok(html.includes('1 folder, 3 files.'))
  const [folder, a] = json('/').entries
  assert.deepEqual([folder!.type, folder!.url, folder!.size], ['directory', 'folder/', undefined])
  assert.deepEqual(a, { name: 'a.bin', url: 'a.bin', type: 'file', size: 1_500, mtime: '2023-11-14T22:13:20.250Z' })
  assert.match(html, /datetime="1938-04-24T22:13:20\.000Z"/)
})

test('columns are sorted by links, and say how they are sorted', (t) => {
  const { root, page } = listing(t, ['a', 'b', 'c', 'z/'])
  for (const [name, size] of Object.entries({ a: 2, b: 3, c: 1 })) truncateSync(join(root, name), size)
  const order = (query: string) =>
    linksOf(page(`/${query}`), 'http://test/')
      .map(({ pathname }) => pathname)
      .join('')
  assert.equal(order(''), '/z//a/b/c')
  assert.equal(order('?sort=size&order=desc'), '/z//b/a/c')
  assert.equal(order('?sort=name&order=desc'), '/z//c/b/a')
  const head = (query: string) => /<thead>\n<tr>(.*)<\/tr>/.exec(page(`/${query}`))![1]!
  assert.match(head(''), /^<th scope="col" aria-sort="ascending"><a href="\?sort=name&amp;order=desc">Name/)
  assert.match(head(''), /<th scope="col"><a href="\?sort=size&amp;order=desc">Size<\/a>/)
  assert.match(head('?sort=size'), /aria-sort="descending"><a href="\?sort=size&amp;order=asc">Size/)
  assert.equal(page('/?sort=%22%3E%3Cb%3E'), page('/'))
})

test('listed is what would be served: nothing hidden, no special file, no link that leads astray', (t) => {
  const files = ['a.txt', 'folder/', '.env', '.well-known/x', 'unreadable.txt']
  const make = (root: string) => {
    for (const [name, target] of [
      ['in', 'a.txt'],
      ['in-folder', 'folder'],
      ['out', '/etc/passwd'],
      ['out-too', '../..'],
      ['gone', 'nothing'],
      ['loop', 'loop'],
      ['to-fifo', 'fifo'],
      ['folder/up', '../a.txt'],
    ] as const) {
      symlinkSync(target, join(root, name))
    }
    execFileSync('mkfifo', [join(root, 'fifo')])
    chmodSync(join(root, 'unreadable.txt'), 0)
  }
  const beneath = listing(t, files)
  make(beneath.root)
  assert.deepEqual(beneath.names('/'), ['folder', 'in-folder', 'a.txt', 'in', 'unreadable.txt'])
  assert.deepEqual(beneath.names('/folder/'), ['up'])
  assert.deepEqual(beneath.json('/').entries.find(({ name }) => name === 'in')!.size, '[a.txt]'.length)
  const never = listing(t, files, { symlinks: 'never' })
  make(never.root)
  assert.deepEqual(never.names('/'), ['folder', 'a.txt', 'unreadable.txt'])
  const open = listing(t, files, { hidden: 'allow' })
  assert.deepEqual(open.names('/'), ['.well-known', 'folder', '.env', 'a.txt', 'unreadable.txt'])
})

test('a folder of more names than are read says so', (t) => {
  const files = Array.from({ length: 20 }, (_, i) => `f${i}`)
  const { page, json } = listing(t, files, { listingEntriesMax: 7 })
  assert.equal(json('/').entries.length, 7)
  assert.equal(json('/').isWhole, false)
  assert.match(page('/'), /7 files\. <strong>There is more in this folder than is listed\.<\/strong>/)
  const exact = listing(t, files, { listingEntriesMax: 20 })
  assert.equal(exact.json('/').isWhole, true)
  assert.match(exact.page('/'), /<p>20 files\.<\/p>/)
})

test('an empty folder, and one that is removed while it is open', (t) => {
  const { root, page, get, json } = listing(t, ['empty/'])
  assert.match(page('/empty/'), /<p>There is nothing here\.<\/p>/)
  assert.deepEqual(json('/empty/'), { path: '/empty/', isWhole: true, entries: [] })
  const fd = openSync(join(root, 'empty'), 'r') as Fd
  rmdirSync(join(root, 'empty'))
  const rules = { namesMax: 9, hidden: 'deny', look: () => false } as const
  const removed = readFolder({ kind: 'folder', name: 'empty/', path: '/empty/', fd }, rules)
  assert.deepEqual(removed, { entries: [], isWhole: true })
  closeSync(fd)
  assert.equal(get('/empty/'), '404')
})

test('JSON for those who want it more than HTML', (t) => {
  const { ask } = listing(t, ['a.txt'])
  const typeFor = (accept?: string) =>
    fieldsOf(ask('/', accept === undefined ? {} : { Accept: accept }))['content-type']
  for (const accept of ['application/json', 'application/json, text/html;q=0.5', 'application/*']) {
    assert.equal(typeFor(accept), 'application/json; charset=utf-8', accept)
  }
  for (const accept of [undefined, '*/*', 'text/html', 'text/html, application/json', 'image/png', 'nonsense']) {
    assert.equal(typeFor(accept), 'text/html; charset=utf-8', accept)
  }
  assert.equal(fieldsOf(ask('/', JSON_ALONE)).vary, 'Accept')
})

test('a folder has one address, or its links would count wrong', (t) => {
  const { root, get } = listing(t, ['a/b/c.txt', '가/'], { tryFiles: ['$path', '$path/', '/a/'] })
  assert.equal(get('//a//b/'), '301 /a/b/')
  assert.equal(get('/a/./b/?sort=size'), '301 /a/b/?sort=size')
  assert.equal(get('/a/%2e/b/'), '301 /a/b/')
  assert.equal(get('/x/'), '301 /a/')
  assert.equal(get('/x'), '301 /a/')
  assert.equal(get('/a/b'), '301 /a/b/')
  mkdirSync(join(root, 'it is!'))
  for (const path of ['/a/b/', '/%61/b/', '/%EA%B0%80/', '/%ea%b0%80/', '/it%20is!/', '/it%20is%21/']) {
    assert.match(get(path), /^200 <!doctype html>/, path)
  }
})

test('folders found by tryFiles are listed under the path that leads to them', (t) => {
  const files = ['site/a/b.txt', 'down/c.txt', 'x/sub/d.txt']
  const below = listing(t, files, { tryFiles: ['/site$path', '/site$path/'] })
  assert.equal(below.get('/a'), '301 /a/')
  assert.deepEqual(below.json('/a/').path, '/a/')
  assert.match(below.page('/a/'), /<ol><li><a href="\.\.\/"><bdi>Index<\/bdi><\/a><\/li><li><span[^>]*><bdi>a</)
  assert.equal(below.get('/a/b.txt'), '200 [site/a/b.txt]')
  assert.deepEqual(below.names('/'), ['a'])
  const fixed = listing(t, files, { tryFiles: ['/site$path', '/down/'] })
  assert.equal(fixed.get('/nothing'), '301 /down/')
  assert.equal(fixed.get('/nothing/'), '301 /down/')
  assert.deepEqual(fixed.names('/down/'), ['c.txt'])
  const sub = listing(t, files, { tryFiles: ['$path/sub/', '=410'] })
  assert.equal(sub.get('/x'), '410')
  assert.deepEqual(sub.names('/x/'), ['d.txt'])
})

test('listing keeps no descriptor', (t) => {
  const { root, ask } = listing(t, ['a.txt', 'folder/b.txt'])
  symlinkSync('a.txt', join(root, 'link'))
  symlinkSync('gone', join(root, 'broken'))
  ask('/')
  const before = openDescriptors()
  for (const path of ['/', '/folder/', '/?sort=time', '//', '/nothing/', '/folder']) {
    for (const fields of [{}, JSON_ALONE]) for (const method of ['GET', 'HEAD', 'POST']) ask(path, fields, method)
  }
  assert.equal(openDescriptors(), before)
})

test('a folder of some thousand names is read in pieces', (t) => {
  const { root, names } = listing(t, ['many/'], { listingEntriesMax: 100_000 })
  const all = Array.from({ length: 3_000 }, (_, i) => `${'n'.repeat(i % 50)}${i}.txt`)
  for (const name of all) writeFileSync(join(root, 'many', name), '')
  assert.deepEqual(names('/many/').toSorted(), all.toSorted())
})
