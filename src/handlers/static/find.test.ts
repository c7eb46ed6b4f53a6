import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { StaticOptions } from '../../config/options.ts'
import { atOnce, bytesOf, fieldsOf, openDescriptors, request, serving, storyOf } from './site.test.support.ts'

type Answers = readonly (readonly [path: string, story: string])[]

/** Asks twice: the second answer comes from what is known by then. And no road leaves a descriptor open. */
function check(t: TestContext, files: readonly string[], options: Partial<StaticOptions>, answers: Answers): void {
  const { get } = serving(t, files, options)
  const before = openDescriptors()
  for (const round of ['first', 'second']) {
    for (const [path, story] of answers) assert.equal(get(path), story, `${path}, ${round} time`)
  }
  assert.equal(openDescriptors(), before)
}

test('the first index that is there stands for its folder', (t) =>
  check(
    t,
    ['a/one.html', 'a/two.htm', 'b/two.htm', 'c/three.html', 'd/one.html/'],
    { index: ['one.html', 'two.htm'] },
    [
      ['/a/', '200 [a/one.html]'],
      ['/b/', '200 [b/two.htm]'],
      ['/b', '301 /b/'],
      ['/c/', '404'],
      ['/d/', '404'],
      ['/a/two.htm', '200 [a/two.htm]'],
    ],
  ))

test('with no index a folder is nothing', (t) =>
  check(t, ['index.html', 'a/index.html'], { index: [] }, [
    ['/', '404'],
    ['/a/', '404'],
    ['/a/index.html', '200 [a/index.html]'],
  ]))

test('an index that comes to be, or goes, is seen at once', (t) => {
  const { root, get } = serving(t, ['a/two.html'], { index: ['one.html', 'two.html'] })
  assert.equal(get('/a/'), '200 [a/two.html]')
  writeFileSync(join(root, 'a/one.html'), 'one')
  assert.equal(get('/a/'), '200 one')
  assert.equal(get('/a/'), '200 one')
  rmSync(join(root, 'a/one.html'))
  assert.equal(get('/a/'), '200 [a/two.html]')
})

const APP = ['index.html', 'about.html', 'about/index.html', 'blog/index.html', 'assets/app.js', 'a b.txt', '.env']

test('tryFiles: a path with a slash within a segment names no file, and what stands in for all paths is tried', (t) => {
  const slashed = '/package/@scope%2Fname'
  const files = [...APP, 'package/@scope/name', 'package/index.html']
  check(t, files, { tryFiles: ['$path', '/$path.html', '/index.html'], cleanUrls: true }, [
    [slashed, '200 [index.html]'],
    ['/a%2f', '200 [index.html]'],
    ['/%2fetc%2fpasswd', '200 [index.html]'],
    ['/..%2f..%2fetc%2fpasswd', '400'],
    ['/a%2fb/../..', '400'],
    ['/a%2f%00', '400'],
    ['/a%2f%', '400'],
    ['/%00', '400'],
    ['/..', '400'],
    ['/a%2f.env', '404'],
    ['/.git%2fconfig', '404'],
  ])
  check(t, files, { tryFiles: ['$path', '/nothing.html', '=410'] }, [[slashed, '410']])
  check(t, files, { tryFiles: ['$path', '$path/'] }, [[slashed, '404']])
  check(t, files, { tryFiles: ['/package/', '=410'] }, [[slashed, '200 [package/index.html]']])
  check(t, files, { tryFiles: ['/package/', '=410'], index: [], listing: true }, [[slashed, '301 /package/']])
  check(t, files, { cleanUrls: true }, [[slashed, '400']])
})

test('tryFiles: an application of one page', (t) =>
  check(t, APP, { tryFiles: ['$path', '/index.html'] }, [
    ['/', '200 [index.html]'],
    ['/users/42', '200 [index.html]'],
    ['/users/42/', '200 [index.html]'],
    ['/assets/app.js', '200 [assets/app.js]'],
    ['/assets/gone.js', '200 [index.html]'],
    ['/assets', '200 [index.html]'],
    ['/assets/', '200 [index.html]'],
    ['/a%20b.txt', '200 [a b.txt]'],
    ['/blog/', '200 [blog/index.html]'],
    ['/blog', '200 [index.html]'],
    [`/${'x'.repeat(300)}`, '200 [index.html]'],
    ['/about.html/more', '200 [index.html]'],
    ['/.env', '404'],
    ['/../x', '400'],
    ['/%00', '400'],
  ]))

test('tryFiles: what is made of the path, in its order', (t) =>
  check(t, APP, { tryFiles: ['$path', '$path.html', '$path/', '/index.html'] }, [
    ['/about', '200 [about.html]'],
    ['/about/', '200 [about/index.html]'],
    ['/about.html', '200 [about.html]'],
    ['/blog', '301 /blog/'],
    ['/blog/', '200 [blog/index.html]'],
    ['/assets', '200 [index.html]'],
    ['/nothing', '200 [index.html]'],
  ]))

test('tryFiles: a status is the end', (t) =>
  check(t, APP, { tryFiles: ['$path', '=410'] }, [
    ['/about.html', '200 [about.html]'],
    ['/nothing', '410'],
    ['/about', '410'],
  ]))

test('tryFiles: without one, 404 is', (t) =>
  check(t, ['a/x.txt'], { tryFiles: '/b$path' }, [
    ['/x.txt', '404'],
    ['/a/x.txt', '404'],
  ]))

test('tryFiles: a path may be put below a folder, or stand twice', (t) =>
  check(
    t,
    ['site/a.txt', 'a.txt', 'b/b.txt', 'site/c/index.html', '.well-known/x', '.private/sorry.html'],
    {
      tryFiles: ['/site$path', '/site$path/', '$path$path.txt', '/site/.$path', '/.private/sorry.html'],
    },
    [
      ['/a.txt', '200 [site/a.txt]'],
      ['/b', '200 [b/b.txt]'],
      ['/c', '301 /c/'],
      ['/c/', '200 [site/c/index.html]'],
      // Made of the path, a hidden file stays hidden; written out by the operator, it is meant.
      ['/nothing', '200 [.private/sorry.html]'],
    ],
  ))

test('tryFiles: the same page for everything, and a folder for everything', (t) => {
  check(t, ['down.html', 'a.txt'], { tryFiles: ['/down.html'] }, [
    ['/', '200 [down.html]'],
    ['/a.txt', '200 [down.html]'],
  ])
  check(t, ['down/index.html', 'a.txt'], { tryFiles: ['$path', '/down/'] }, [
    ['/a.txt', '200 [a.txt]'],
    ['/b', '200 [down/index.html]'],
    ['/down', '301 /down/'],
  ])
})

test('tryFiles: a page that stands in is a file like others, with conditions and ranges', (t) => {
  const { ask } = serving(t, ['index.html'], { tryFiles: ['$path', '/index.html'] })
  const whole = ask('/deep/route')
  const { etag, 'content-type': type } = fieldsOf(whole)
  assert.equal(type, 'text/html; charset=utf-8')
  assert.equal(ask('/other', { 'If-None-Match': etag! }).status, 304)
  const part = ask('/another', { Range: 'bytes=1-5' })
  assert.equal(`${part.status} ${bytesOf(part)}`, '206 index')
  assert.equal(ask('/another', {}, 'HEAD').statedLength, '[index.html]'.length)
})

test('tryFiles: what comes to be where another file stood in is answered at once', (t) => {
  const { root, get } = serving(t, ['index.html'], { tryFiles: ['$path', '/index.html'] })
  for (let i = 0; i < 3; i++) assert.equal(get('/new.txt'), '200 [index.html]')
  writeFileSync(join(root, 'new.txt'), 'new')
  assert.equal(get('/new.txt'), '200 new')
  renameSync(join(root, 'new.txt'), join(root, 'old.txt'))
  assert.equal(get('/new.txt'), '200 [index.html]')
})

const CLEAN = [
  'index.html',
  'about.html',
  'both.html',
  'both/index.html',
  'blog/index.html',
  'blog/post.html',
  'empty/',
  'exact',
  'exact.html',
  'style.css',
  'a b.html',
  'x.html/',
]

test('cleanUrls: each page has one address', (t) =>
  check(t, CLEAN, { cleanUrls: true }, [
    ['/', '200 [index.html]'],
    ['/index.html', '301 /'],
    ['/index', '301 /'],
    ['/about', '200 [about.html]'],
    ['/about.html', '301 /about'],
    ['/about.html?a=1&b', '301 /about?a=1&b'],
    ['//./about.html', '301 /about'],
    ['/about/', '404'],
    ['/blog', '301 /blog/'],
    ['/blog/', '200 [blog/index.html]'],
    ['/blog/index.html', '301 /blog/'],
    ['/blog/index.html?q', '301 /blog/?q'],
    ['/blog/index', '301 /blog/'],
    ['/blog/post', '200 [blog/post.html]'],
    ['/blog/post.html', '301 /blog/post'],
    // A page and a folder of one name.
    ['/both', '200 [both.html]'],
    ['/both.html', '301 /both'],
    ['/both/', '200 [both/index.html]'],
    ['/both/index.html', '301 /both/'],
    // The clean path is another file's: no redirect that would lose this one.
    ['/exact', '200 [exact]'],
    ['/exact.html', '200 [exact.html]'],
    ['/style.css', '200 [style.css]'],
    ['/a%20b.html', '301 /a%20b'],
    ['/a%20b', '200 [a b.html]'],
    ['/empty', '404'],
    ['/x.html', '404'],
    ['/x', '404'],
    ['/nothing', '404'],
    ['/nothing.html', '404'],
    ['/.html', '404'],
  ]))

test('cleanUrls with tryFiles: only where that list leads back to the page', (t) => {
  check(t, CLEAN, { cleanUrls: true, tryFiles: ['$path', '$path.html', '/index.html'] }, [
    ['/about.html', '301 /about'],
    ['/about', '200 [about.html]'],
    ['/index.html', '301 /'],
    ['/any/route', '200 [index.html]'],
    ['/any/route.html', '200 [index.html]'],
  ])
  check(t, CLEAN, { cleanUrls: true, tryFiles: ['$path', '/index.html'] }, [
    ['/about.html', '200 [about.html]'],
    ['/about', '200 [index.html]'],
    ['/index.html', '301 /'],
  ])
})

test('a path means one file, however it is written, and no other', (t) =>
  check(t, ['a/b.txt', 'a/index.html', '가/나.txt'], {}, [
    ['/a/b.txt', '200 [a/b.txt]'],
    ['//a//b.txt', '200 [a/b.txt]'],
    ['/./a/./b.txt', '200 [a/b.txt]'],
    ['/x/../a/b.txt', '200 [a/b.txt]'],
    ['/%61/b%2Etxt', '200 [a/b.txt]'],
    ['/%2e/a/x/%2E%2e/b.txt', '200 [a/b.txt]'],
    ['/a/b.txt?x=/../y', '200 [a/b.txt]'],
    ['http://elsewhere.example/a/b.txt', '200 [a/b.txt]'],
    ['/%EA%B0%80/%EB%82%98.txt', '200 [가/나.txt]'],
    ['/a', '301 /a/'],
    ['//a', '301 /a/'],
    ['/a/.', '200 [a/index.html]'],
    ['/a/b.txt/', '404'],
    ['/a/b.txt/.', '404'],
    ['/a/b.txt/..', '200 [a/index.html]'],
    ['/a/b.txt.', '404'],
    ['/a/b.txt%20', '404'],
    ['/A/b.txt', '404'],
    ['/a/B.TXT', '404'],
    ['/a/b.txt::$DATA', '404'],
    ['/a/b.txt;x', '404'],
    ['/a%2fb.txt', '400'],
    ['/a\\b.txt', '404'],
    ['/a%5cb.txt', '404'],
    ['/a/b.txt%00', '400'],
    // Composed and decomposed are two names, as they are on disk.
    [`/${encodeURIComponent('가'.normalize('NFD'))}/${encodeURIComponent('나')}.txt`, '404'],
  ]))

test('a name that is no UTF-8 is found by its bytes', (t) => {
  const { root, get } = serving(t, [], {})
  const name = Buffer.concat([Buffer.from(`${root}/caf`), Buffer.of(0xe9)])
  mkdirSync(name)
  writeFileSync(Buffer.concat([name, Buffer.from('/index.html')]), 'old')
  assert.equal(get('/caf%e9/'), '200 old')
  assert.equal(get('/caf%E9'), '301 /caf%E9/')
  assert.equal(get('/caf%C3%A9/'), '404')
})

test('hidden files are refused, or served where that is asked for', (t) => {
  const files = ['.env', '.git/config', 'a/.b/c', '.well-known/x', '.well-known/.y', 'index.html', '.hidden/index.html']
  const hidden = ['/.env', '/%2eenv', '/.git/config', '/.git', '/a/.b/c', '/.well-known/.y', '/.hidden/', '/.']
  const { get } = serving(t, files, { tryFiles: ['$path', '$path/', '/index.html'] })
  for (const path of hidden.slice(0, -1)) assert.equal(get(path), '404', path)
  assert.equal(get('/.'), '200 [index.html]')
  assert.equal(get('/.well-known/x'), '200 [.well-known/x]')
  check(t, files, { hidden: 'allow' }, [
    ['/.env', '200 [.env]'],
    ['/.git', '301 /.git/'],
    ['/a/.b/c', '200 [a/.b/c]'],
    ['/.well-known/.y', '200 [.well-known/.y]'],
    ['/.hidden/', '200 [.hidden/index.html]'],
    ['/..', '400'],
  ])
})

test('symlinks: beneath follows what stays in the root, never follows none', (t) => {
  const files = ['a.txt', 'folder/index.html', 'folder/b.txt']
  const links = [
    ['link', 'a.txt'],
    ['to-folder', 'folder'],
    ['folder/up', '../a.txt'],
    ['out', '/etc/passwd'],
    ['loop', 'loop'],
  ] as const
  for (const [symlinks, found] of [
    ['beneath', true],
    ['never', false],
  ] as const) {
    const { root, get } = serving(t, files, { symlinks })
    for (const [name, target] of links) symlinkSync(target, join(root, name))
    assert.equal(get('/folder/b.txt'), '200 [folder/b.txt]')
    for (const [path, story] of [
      ['/link', '200 [a.txt]'],
      ['/to-folder', '301 /to-folder/'],
      ['/to-folder/', '200 [folder/index.html]'],
      ['/to-folder/b.txt', '200 [folder/b.txt]'],
      ['/folder/up', '200 [a.txt]'],
    ] as const) {
      assert.equal(get(path), found ? story : '404', `${symlinks} ${path}`)
    }
    for (const path of ['/out', '/loop']) assert.equal(get(path), '404', path)
  }
})

test('what is no regular file is refused, and never waited for', async (t) => {
  const { root, get } = serving(t, ['index.html'], {})
  execFileSync('mkfifo', [join(root, 'fifo')])
  execFileSync('mkfifo', [join(root, 'fifo.html')])
  symlinkSync('fifo', join(root, 'to-fifo'))
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve))
  const before = openDescriptors()
  for (const path of ['/fifo', '/to-fifo', '/socket', '/fifo/', '/fifo.html']) assert.equal(get(path), '404', path)
  assert.equal(openDescriptors(), before)
  await new Promise((resolve) => server.close(resolve))
})

/** Permissions do not bind root: be nobody meanwhile. False without the capability. */
function asNobody(work: () => void): boolean {
  if (process.geteuid!() !== 0) {
    work()
    return true
  }
  try {
    process.seteuid!(65_534)
  } catch {
    return false
  }
  try {
    work()
  } finally {
    process.seteuid!(0)
  }
  return true
}

test('what may not be read is forbidden, and nothing stands in for it', (t) => {
  const files = ['index.html', 'secret.html', 'secret.txt', 'closed/index.html', 'unread/index.html']
  const { root, get } = serving(t, files, { tryFiles: ['$path', '$path.html', '$path/', '/index.html'], listing: true })
  chmodSync(root, 0o755)
  for (const name of ['secret.html', 'secret.txt', 'closed', 'unread/index.html']) chmodSync(join(root, name), 0)
  const isTried = asNobody(() => {
    for (const path of ['/secret.txt', '/secret', '/secret.html', '/closed/', '/closed/x', '/closed', '/unread/']) {
      assert.equal(get(path), '403', path)
    }
    assert.equal(get('/other'), '200 [index.html]')
  })
  for (const name of ['secret.html', 'secret.txt', 'closed', 'unread/index.html']) chmodSync(join(root, name), 0o755)
  if (!isTried) t.skip('root without the capability to become another user')
})

test('a path that a rewrite has made up is not sent on to a cleaner one, which might lead back to the same rewrite', (t) => {
  const { handler } = serving(t, ['about.html'], { cleanUrls: true })
  const asked = (askedPath: string) =>
    storyOf(
      atOnce(handler({ ...request('GET', askedPath), head: request('GET', askedPath).head.withPath('/about.html') })),
    )
  assert.equal(asked('/docs/about.html'), '301 /about')
  for (const path of ['/about', '/legal', '/x/about.html/y']) assert.equal(asked(path), '200 [about.html]')
})
