/** What is told from memory, and for how long: the clock is the test's, the files are real. */
import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Reply } from '../handler.ts'
import { SMALL_BYTES_MAX } from './content.ts'
import { FileSlice } from './open-file.ts'
import { shelf, textOf } from './shelf.test.support.ts'
import { bytesOf, fieldsOf, openDescriptors } from './site.test.support.ts'

function told(reply: Reply): string {
  return reply.status === 200 ? `200 ${bytesOf(reply)}` : `${reply.status}`
}

test('within its time an answer comes from memory, whatever becomes of the file', (t) => {
  const { ask, root, clock } = shelf(t, { 'a.txt': 'a' })
  const first = ask('/a.txt')
  const second = ask('/a.txt')
  assert.deepEqual(second, first)
  rmSync(join(root, 'a.txt'))
  clock.ms = 999
  assert.equal(ask('/a.txt'), second, 'the very same')
  clock.ms = 1_000
  assert.equal(told(ask('/a.txt')), '404')
})

test('a look at the file begins its time anew, and what is unchanged is not read again', (t) => {
  const { ask, clock, write } = shelf(t, { 'a.txt': 'a' })
  ask('/a.txt')
  const kept = ask('/a.txt')
  clock.ms = 1_000
  assert.equal(ask('/a.txt'), kept)
  clock.ms = 1_999
  write('a.txt', 'b')
  assert.equal(ask('/a.txt'), kept)
  clock.ms = 2_000
  assert.equal(told(ask('/a.txt')), '200 b')
})

test('what is asked for once is not kept', (t) => {
  const { ask, root } = shelf(t, { 'a.txt': 'a' })
  ask('/a.txt')
  rmSync(join(root, 'a.txt'))
  assert.equal(told(ask('/a.txt')), '404')
})

test('with cacheMs 0 each request looks, and still what is unchanged is not read again', (t) => {
  const { ask, write } = shelf(t, { 'a.txt': 'a' }, { cacheMs: 0 })
  ask('/a.txt')
  assert.equal(ask('/a.txt'), ask('/a.txt'))
  write('a.txt', 'b')
  assert.equal(told(ask('/a.txt')), '200 b')
})

test('a change that keeps length and time of change is seen by its inode or its ctime', (t) => {
  const { ask, write, root } = shelf(t, { 'a.txt': 'a' }, { cacheMs: 0 })
  for (const text of ['b', 'c', 'd']) {
    ask('/a.txt')
    const before = statSync(join(root, 'a.txt'))
    if (text === 'c') write('a.txt', text)
    else {
      write('next', text)
      renameSync(join(root, 'next'), join(root, 'a.txt'))
    }
    assert.equal(statSync(join(root, 'a.txt')).mtimeMs, before.mtimeMs)
    assert.equal(told(ask('/a.txt')), `200 ${text}`)
  }
})

test('what has only just changed is never told from memory', (t) => {
  const { ask, write, root } = shelf(t, { 'a.txt': 'a' })
  t.mock.timers.setTime(Math.floor(statSync(join(root, 'a.txt')).ctimeMs))
  for (const text of ['b', 'c', 'd']) {
    write('a.txt', text)
    assert.equal(told(ask('/a.txt')), `200 ${text}`)
    t.mock.timers.setTime(Math.floor(statSync(join(root, 'a.txt')).ctimeMs))
  }
})

test('what is not there is looked for each time', (t) => {
  const { ask, write } = shelf(t, {})
  assert.equal(told(ask('/a.txt')), '404')
  write('a.txt', 'a')
  assert.equal(told(ask('/a.txt')), '200 a')
})

test('a root that is exchanged takes with it what is known', (t) => {
  const { ask, root, clock } = shelf(t, { 'a.txt': 'old', 'gone.txt': 'old' }, { cacheMs: 60_000 })
  for (const path of ['/a.txt', '/a.txt', '/gone.txt', '/gone.txt']) ask(path)
  mkdirSync(`${root}.next`)
  t.after(() => rmSync(`${root}.old`, { recursive: true }))
  writeFileSync(join(`${root}.next`, 'a.txt'), 'new')
  renameSync(root, `${root}.old`)
  renameSync(`${root}.next`, root)
  clock.ms = 999
  assert.deepEqual([told(ask('/a.txt')), told(ask('/gone.txt'))], ['200 old', '200 old'])
  clock.ms = 1_000
  assert.deepEqual([told(ask('/a.txt')), told(ask('/gone.txt'))], ['200 new', '404'])
})

test('a path that another file stands in for is told from memory as long, and then its own is found', (t) => {
  const { ask, clock, write } = shelf(t, { 'index.html': 'app' }, { tryFiles: ['$path', '/index.html'] })
  assert.deepEqual(
    ['/deep', '/deep'].map((path) => told(ask(path))),
    ['200 app', '200 app'],
  )
  write('deep', 'its own')
  clock.ms = 999
  assert.equal(told(ask('/deep')), '200 app')
  assert.equal(told(ask('/index.html')), '200 app')
  clock.ms = 1_000
  assert.equal(told(ask('/deep')), '200 its own')
})

test('conditions, HEAD, ranges and refusals are answered from memory, too', (t) => {
  const { ask, root } = shelf(t, { 'a.txt': 'small text' })
  const { etag } = fieldsOf(ask('/a.txt')) as { etag: string }
  ask('/a.txt')
  rmSync(join(root, 'a.txt'))
  const before = openDescriptors()
  assert.equal(ask('/a.txt', { 'If-None-Match': etag }).status, 304)
  assert.equal(ask('/a.txt', { 'If-Match': '"x"' }).status, 412)
  assert.equal(ask('/a.txt', {}, 'HEAD').statedLength, 10)
  assert.equal(`${bytesOf(ask('/a.txt', { Range: 'bytes=6-' }))}`, 'text')
  assert.equal(ask('/a.txt', { Range: 'bytes=10-' }).status, 416)
  assert.equal(openDescriptors(), before)
})

test('large files are sent by sendfile each time, and what is known of them answers the rest', (t) => {
  const large = Buffer.alloc(70_000, 'x')
  const { ask, root, clock } = shelf(t, { 'a.bin': large, 'middle.bin': large.subarray(0, SMALL_BYTES_MAX + 1) })
  for (let i = 0; i < 3; i++) {
    const { body } = ask('/a.bin')
    assert.ok(body instanceof FileSlice)
    body.close()
  }
  const [first, second] = [ask('/middle.bin'), ask('/middle.bin')]
  assert.ok(first.body instanceof FileSlice)
  first.body.close()
  assert.ok(second.body instanceof Uint8Array, 'kept, as it was asked for again')
  rmSync(join(root, 'a.bin'))
  assert.equal(ask('/a.bin', {}, 'HEAD').statedLength, large.length)
  assert.equal(told(ask('/a.bin')), '404')
  clock.ms = 1_000
  assert.equal(ask('/a.bin', {}, 'HEAD').status, 404)
})

test('without memory everything is read each time', (t) => {
  const { ask, write } = shelf(t, { 'a.txt': 'a' }, { cacheBytes: 0, cacheMs: 60_000 })
  for (let i = 0; i < 3; i++) assert.equal(told(ask('/a.txt')), '200 a')
  write('a.txt', 'b')
  assert.equal(told(ask('/a.txt')), '200 b')
})

test('nothing larger than the operator allows is kept', (t) => {
  const { ask, root } = shelf(t, { 'a.txt': 'aa', 'b.txt': 'b' }, { cacheFileBytesMax: 1 })
  for (const path of ['/a.txt', '/a.txt', '/b.txt', '/b.txt']) ask(path)
  for (const name of ['a.txt', 'b.txt']) rmSync(join(root, name))
  assert.deepEqual([told(ask('/a.txt')), told(ask('/b.txt'))], ['404', '200 b'])
})

test('the tag is weak while the next change might not show, then strong', (t) => {
  const { ask, root } = shelf(t, { 'a.txt': 'a' })
  const path = join(root, 'a.txt')
  const now = new Date(Date.now())
  utimesSync(path, now, now)
  const { etag } = fieldsOf(ask('/a.txt')) as { etag: string }
  assert.match(etag, /^W\//)
  t.mock.timers.setTime(now.getTime() + 3_000)
  assert.equal(fieldsOf(ask('/a.txt')).etag, etag.slice(2))
  assert.equal(ask('/a.txt', { 'If-None-Match': etag }).status, 304)
})

test('Cache-Control is said of the file that is sent, with every answer that a cache may keep', async (t) => {
  const text = textOf(5_000)
  const { ask, encoded, write } = shelf(
    t,
    { 'index.html': 'app', 'assets/a.js': text, 'assets/b.js': text, 'js/main.3f9a1c2b.js': text },
    {
      tryFiles: ['$path', '/index.html'],
      cacheControl: [
        { path: '/assets/*', value: 'max-age=60' },
        { path: '*.html', value: 'no-cache' },
      ],
      hashedNames: 'immutable',
    },
  )
  write('assets/b.js.br', 'as br')
  const said = (reply: Reply) => `${reply.status} ${fieldsOf(reply)['cache-control']}`
  const plain = ask('/assets/a.js')
  assert.equal(said(plain), '200 max-age=60')
  assert.equal(said(ask('/assets/a.js', { Range: 'bytes=0-1' })), '206 max-age=60')
  assert.equal(said(ask('/assets/a.js', { 'If-None-Match': fieldsOf(plain).etag! })), '304 max-age=60')
  assert.equal(said(await encoded('/assets/a.js', 'br')), '200 max-age=60')
  assert.equal(said(await encoded('/assets/b.js', 'br')), '200 max-age=60')
  assert.equal(said(ask('/some/page')), '200 no-cache')
  assert.equal(said(ask('/js/main.3f9a1c2b.js')), '200 public, max-age=31536000, immutable')
  assert.equal(said(ask('/assets/a.js', { 'If-Match': '"x"' })), '412 undefined')
  assert.equal(said(ask('/assets/a.js', { Range: 'bytes=99999-' })), '416 undefined')
})
