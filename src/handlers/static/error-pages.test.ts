import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Reply } from '../handler.ts'
import { errorReply } from '../pages.ts'
import { createErrorPages, ERROR_PAGE_BYTES_MAX, ERROR_PAGE_LOOKUP_MS } from './error-pages.ts'
import { Root } from './open.ts'
import { bytesOf, fieldsOf, openDescriptors, optionsOf, serving } from './site.test.support.ts'

const PAGES = { 404: '/404.html', '4xx': '/other.txt', '5xx': '/.errors/sorry.html' }
const FILES = ['404.html', 'other.txt', '.errors/sorry.html', 'small.txt']

function told(reply: Reply): string {
  return `${reply.status} ${bytesOf(reply)}`
}

test('the page of the status, else of its class, else the built-in one', (t) => {
  const { ask } = serving(t, FILES, { errorPages: PAGES })
  assert.equal(told(ask('/nothing')), '404 [404.html]')
  assert.equal(told(ask('/.hidden')), '404 [404.html]')
  assert.equal(told(ask('/..')), '400 [other.txt]')
  assert.equal(told(ask('/small.txt', {}, 'POST')), '405 [other.txt]')
  assert.equal(told(ask('/small.txt', { 'If-Match': '"x"' })), '412 [other.txt]')
  assert.match(told(serving(t, FILES, { errorPages: { 410: '/404.html' } }).ask('/nothing')), /^404 <!doctype html>/)
})

test('it is sent by its own type, and keeps what the status has to say', (t) => {
  const { ask } = serving(t, FILES, { errorPages: PAGES })
  assert.deepEqual(fieldsOf(ask('/nothing')), {
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
  })
  assert.deepEqual(fieldsOf(ask('/small.txt', {}, 'POST')), {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    allow: 'GET, HEAD, OPTIONS',
  })
  assert.equal(fieldsOf(ask('/small.txt', { Range: 'bytes=99-' }))['content-range'], 'bytes */11')
  const own = serving(t, FILES, { errorPages: PAGES, types: { html: 'text/html' }, charset: 'off' })
  assert.equal(fieldsOf(own.ask('/nothing'))['content-type'], 'text/html')
})

test('no conditions and no ranges: the page is about the request, not its object', (t) => {
  const { ask } = serving(t, FILES, { errorPages: PAGES })
  const fields = { Range: 'bytes=0-1', 'If-None-Match': '*', 'If-Modified-Since': new Date().toUTCString() }
  assert.equal(told(ask('/nothing', fields)), '404 [404.html]')
})

test('nothing that is found is touched', (t) => {
  const { ask } = serving(t, [...FILES, 'folder/index.html'], { errorPages: PAGES })
  assert.equal(told(ask('/small.txt')), '200 [small.txt]')
  assert.equal(ask('/folder').status, 301)
  assert.equal(told(ask('/404.html')), '200 [404.html]')
})

test('a status that ends tryFiles has its page', (t) => {
  const { ask } = serving(t, FILES, { errorPages: { 410: '/other.txt' }, tryFiles: ['$path', '=410'] })
  assert.equal(told(ask('/nothing')), '410 [other.txt]')
})

/** Error pages of a root, with a clock of ours. */
function pagesOf(t: TestContext, errorPages: Record<string, string>, symlinks: 'beneath' | 'never' = 'beneath') {
  const { root } = serving(t, FILES)
  const lines: string[] = []
  const clock = { ms: 0 }
  const opened = new Root(root, symlinks)
  t.after(() => opened.close())
  const dress = createErrorPages(
    optionsOf({ errorPages }),
    opened,
    { warn: (line) => void lines.push(line) },
    () => clock.ms,
  )!
  return { root, lines, clock, answer: () => told(dress(errorReply(404))) }
}

const BUILT_IN = /^404 <!doctype html>/

test('without pages there is nothing to do', (t) => {
  const root = new Root(serving(t, []).root, 'beneath')
  assert.equal(createErrorPages(optionsOf(), root, undefined), null)
  root.close()
})

test('a page that changes is sent as it is a second later, and read again only then', (t) => {
  const { root, clock, lines, answer } = pagesOf(t, { 404: '/404.html' })
  assert.equal(answer(), '404 [404.html]')
  writeFileSync(join(root, '404.html'), 'anew')
  clock.ms = ERROR_PAGE_LOOKUP_MS - 1
  assert.equal(answer(), '404 [404.html]')
  clock.ms = ERROR_PAGE_LOOKUP_MS
  assert.equal(answer(), '404 anew')
  writeFileSync(join(root, 'next'), 'same')
  utimesSync(join(root, 'next'), 1, 1)
  utimesSync(join(root, '404.html'), 1, 1)
  clock.ms += ERROR_PAGE_LOOKUP_MS
  assert.equal(answer(), '404 anew')
  renameSync(join(root, 'next'), join(root, '404.html')) // as long and as old, but another file
  clock.ms += ERROR_PAGE_LOOKUP_MS
  assert.equal(answer(), '404 same')
  truncateSync(join(root, '404.html'), 0)
  clock.ms += ERROR_PAGE_LOOKUP_MS
  assert.equal(answer(), '404 ')
  assert.deepEqual(lines, [])
})

test('a page that cannot be had is the built-in one, and that is said once', (t) => {
  const { root, clock, lines, answer } = pagesOf(t, { 404: '/404.html' })
  rmSync(join(root, '404.html'))
  for (let i = 0; i < 5; i++) {
    assert.match(answer(), BUILT_IN)
    clock.ms += ERROR_PAGE_LOOKUP_MS
  }
  const line = 'the error page for 404, /404.html, cannot be read (ENOENT); the built-in page is sent in its place'
  assert.deepEqual(lines, [line])
  writeFileSync(join(root, '404.html'), 'back')
  clock.ms += ERROR_PAGE_LOOKUP_MS
  assert.equal(answer(), '404 back')
  rmSync(join(root, '404.html'))
  clock.ms += ERROR_PAGE_LOOKUP_MS
  assert.match(answer(), BUILT_IN)
  assert.deepEqual(lines, [line, line])
})

test('no folder, no file too large, no way out of the root, no forbidden link', (t) => {
  const { root, clock, lines, answer } = pagesOf(t, { '4xx': '/page' }, 'never')
  const page = join(root, 'page')
  for (const [put, says] of [
    [() => mkdirSync(page), 'is no file'],
    [() => symlinkSync('/etc/passwd', page), 'cannot be read (ELOOP)'],
    [() => symlinkSync('404.html', page), 'cannot be read (ELOOP)'],
    [() => writeFileSync(page, Buffer.alloc(ERROR_PAGE_BYTES_MAX + 1)), `is larger than ${ERROR_PAGE_BYTES_MAX} bytes`],
  ] as const) {
    writeFileSync(page, 'fine')
    clock.ms += ERROR_PAGE_LOOKUP_MS
    assert.equal(answer(), '404 fine')
    rmSync(page)
    put()
    clock.ms += ERROR_PAGE_LOOKUP_MS
    assert.match(answer(), BUILT_IN)
    assert.ok(lines.at(-1)!.startsWith(`the error page for 4xx, /page, ${says};`), lines.at(-1))
    rmSync(page, { recursive: true })
  }
  assert.equal(lines.length, 4)
})

test('a flood of errors opens nothing and holds nothing', (t) => {
  const { root, answer } = pagesOf(t, { 404: '/404.html' })
  answer()
  const before = openDescriptors()
  rmSync(join(root, '404.html')) // whoever looked now would see it
  for (let i = 0; i < 1_000; i++) assert.equal(answer(), '404 [404.html]')
  assert.equal(openDescriptors(), before)
})
