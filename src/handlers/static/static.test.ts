import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Reply } from '../handler.ts'
import { SMALL_BYTES_MAX } from './content.ts'
import { FileSlice } from './open-file.ts'
import { atOnce, bytesOf, fieldsOf, request, siteOf } from './site.test.support.ts'
import { createStaticHandler } from './static.ts'

// One site for all tests: `public` is the root, `secret.txt` lies beside it.
const SMALL = 'smallest of all'
const BIG = Buffer.from(Array.from({ length: SMALL_BYTES_MAX * 5 }, (_, at) => at % 251))
const base = mkdtempSync(join(tmpdir(), 'static-'))
const root = join(base, 'public')
chmodSync(base, 0o755)
mkdirSync(join(root, 'folder'), { recursive: true })
mkdirSync(join(root, 'empty-folder'))
writeFileSync(join(base, 'secret.txt'), 'secret')
for (const [name, text] of Object.entries({
  'index.html': '<h1>home</h1>',
  'folder/index.html': '<h1>folder</h1>',
  'small.txt': SMALL,
  'big.bin': BIG,
  'just-small.bin': BIG.subarray(0, SMALL_BYTES_MAX),
  'just-big.bin': BIG.subarray(0, SMALL_BYTES_MAX + 1),
  'empty.txt': '',
})) {
  writeFileSync(join(root, name), text)
  utimesSync(join(root, name), 1_700_000_000.25, 1_700_000_000.25)
}
const handler = createStaticHandler(siteOf(root))
after(() => {
  handler.close()
  rmSync(base, { recursive: true })
})

const LAST_MODIFIED = 'Tue, 14 Nov 2023 22:13:20 GMT'
const ETAG = fieldsOf(ask('GET', '/small.txt')).etag!

function ask(method: string, target: string, fields?: Record<string, string>): Reply {
  return atOnce(handler(request(method, target, fields)))
}

/** What GET answers: the status, and the text of a 200. */
function get(target: string, fields?: Record<string, string>): string {
  const reply = ask('GET', target, fields)
  const bytes = bytesOf(reply)
  return reply.status === 200 ? `200 ${bytes}` : `${reply.status}`
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

function named(name: string, text: string): void {
  writeFileSync(join(root, name), text)
}

test('a file is answered with its bytes, type and validators', () => {
  const reply = ask('GET', '/small.txt')
  assert.equal(`${bytesOf(reply)}`, SMALL)
  assert.deepEqual(fieldsOf(reply), {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    vary: 'Accept-Encoding',
    'last-modified': LAST_MODIFIED,
    etag: ETAG,
    'accept-ranges': 'bytes',
  })
  assert.match(ETAG, /^"[0-9a-f.-]+"$/)
})

test('the query does not name the file', () => assert.equal(get('/small.txt?v=2'), `200 ${SMALL}`))
test('a folder is answered with its index', () => {
  assert.equal(get('/'), '200 <h1>home</h1>')
  assert.equal(get('/folder/'), '200 <h1>folder</h1>')
})
test('a folder without an index is not found', () => assert.equal(get('/empty-folder/'), '404'))
test('a file is no folder', () => assert.equal(get('/small.txt/'), '404'))
test('what is not there is not found', () => assert.equal(get('/nothing'), '404'))
test('a name too long for the file system is not found', () => assert.equal(get(`/${'x'.repeat(300)}`), '404'))

test('the second answer for a path, from what is known, is the first again', () => {
  assert.deepEqual(ask('GET', '/folder/'), ask('GET', '/folder/'))
})

test('a file that changed is answered anew, with another tag', () => {
  named('changing.txt', 'before')
  const before = ask('GET', '/changing.txt')
  named('changing.txt', 'and after')
  const now = ask('GET', '/changing.txt')
  assert.equal(`${bytesOf(before)} ${bytesOf(now)}`, 'before and after')
  assert.notEqual(fieldsOf(before).etag, fieldsOf(now).etag)
})

test('names in every script, and with every awkward character, are found', () => {
  for (const name of [
    '한국어.txt',
    '🌱 봄.txt',
    'two words.txt',
    '100%.txt',
    'a?b#c.txt',
    'plus+.txt',
    "it's [1].txt",
  ]) {
    named(name, name)
    assert.equal(get(`/${encodeURIComponent(name)}`), `200 ${name}`)
  }
})

test('no path leads out of the root', () => {
  for (const path of [
    '/../secret.txt',
    '/folder/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/%2E%2e/%2e%2E/etc/passwd',
    '/..%2fsecret.txt',
    '/folder/..%2f..%2fsecret.txt',
    '/.%2e/secret.txt',
    '/%252e%252e/secret.txt',
    '/..%5csecret.txt',
    '/..\\secret.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '//../secret.txt',
    '/./../secret.txt',
    '//etc/passwd',
    '/small.txt%00.html',
    '/%',
    '/%zz',
  ]) {
    assert.match(get(path), /^40[04]$/, path)
  }
})

test('symbolic links within the root are followed, links out of it are not', () => {
  symlinkSync('small.txt', join(root, 'inside'))
  symlinkSync('../small.txt', join(root, 'folder/up-and-inside'))
  symlinkSync('../secret.txt', join(root, 'out'))
  symlinkSync('..', join(root, 'out-folder'))
  symlinkSync(join(root, 'small.txt'), join(root, 'absolute'))
  symlinkSync('/etc', join(root, 'absolute-folder'))
  symlinkSync('loop', join(root, 'loop'))
  assert.equal(get('/inside'), `200 ${SMALL}`)
  assert.equal(get('/folder/up-and-inside'), `200 ${SMALL}`)
  for (const path of ['/out', '/out-folder/secret.txt', '/absolute', '/absolute-folder/passwd', '/loop']) {
    assert.equal(get(path), '404', path)
  }
})

test('magic links of /proc lead nowhere', () => {
  const proc = createStaticHandler(siteOf('/proc/self'))
  for (const path of ['/root/etc/passwd', '/cwd/package.json', '/exe', '/fd/0']) {
    assert.equal(atOnce(proc(request('GET', path))).status, 404, path)
  }
  proc.close()
})

test('hidden files are not found, except those meant to be', () => {
  for (const name of ['.git', '.well-known', 'folder/.well-known', '.well-known/.hidden']) mkdirSync(join(root, name))
  for (const name of ['.env', '.git/config', '.well-known/a', 'folder/.well-known/a', '.well-known/.hidden/a'])
    named(name, 'x')
  named('.well-knownish', 'x')
  assert.equal(get('/.well-known/a'), '200 x')
  for (const path of [
    '/.env',
    '/%2eenv',
    '/.git/config',
    '/.well-knownish',
    '/folder/.well-known/a',
    '/.well-known/.hidden/a',
  ]) {
    assert.equal(get(path), '404', path)
  }
})

test('what is no regular file is not found, and never waited for', async () => {
  execFileSync('mkfifo', [join(root, 'fifo')])
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve))
  assert.equal(get('/fifo'), '404')
  assert.equal(get('/socket'), '404')
  server.close()
  const dev = createStaticHandler(siteOf('/dev'))
  assert.equal(atOnce(dev(request('GET', '/null'))).status, 404)
  dev.close()
})

test('a file that may not be read is forbidden', (t) => {
  named('unreadable.txt', 'x')
  chmodSync(join(root, 'unreadable.txt'), 0)
  if (process.geteuid!() !== 0) return assert.equal(get('/unreadable.txt'), '403')
  try {
    process.seteuid!(65_534) // permissions do not bind root: be nobody for a moment
  } catch {
    return t.skip('root without the capability to become another user')
  }
  try {
    assert.equal(get('/unreadable.txt'), '403')
  } finally {
    process.seteuid!(0)
  }
})

test('a folder without its slash is redirected, on this server only', () => {
  mkdirSync(join(root, '\\evil.com'))
  mkdirSync(join(root, '길 ?#%'))
  for (const [target, location] of [
    ['/folder', '/folder/'],
    ['/folder?a=1&b=//x', '/folder/?a=1&b=//x'],
    ['//folder', '/folder/'],
    ['/.//folder', '/folder/'],
    ['///folder/../folder', '/folder/'],
    ['/\\evil.com', '/%5Cevil.com/'],
    ['/%5cevil.com', '/%5Cevil.com/'],
    [`/${encodeURIComponent('길 ?#%')}`, `/${encodeURIComponent('길 ?#%')}/`],
    ['http://elsewhere.example/folder', '/folder/'],
  ] as const) {
    const reply = ask('GET', target)
    assert.equal(`${reply.status} ${fieldsOf(reply).location}`, `301 ${location}`, target)
  }
})

test('HEAD says what GET says and has no body', () => {
  for (const path of ['/small.txt', '/big.bin', '/empty.txt', '/']) {
    const head = ask('HEAD', path)
    const whole = ask('GET', path)
    assert.deepEqual([head.status, head.fields, head.body], [200, whole.fields, null])
    assert.equal(head.statedLength, bytesOf(whole).length)
  }
  assert.equal(ask('HEAD', '/big.bin', { Range: 'bytes=0-1' }).status, 200)
})

test('other methods are not allowed, and told which are', () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'get', 'BREW']) {
    const reply = ask(method, '/small.txt')
    assert.equal(`${reply.status} ${fieldsOf(reply).allow}`, '405 GET, HEAD, OPTIONS', method)
  }
  for (const target of ['/small.txt', '*']) {
    const reply = ask('OPTIONS', target)
    assert.deepEqual([reply.status, fieldsOf(reply), reply.body], [204, { allow: 'GET, HEAD, OPTIONS' }, null])
  }
})

test('small files are read at once, large ones are left to sendfile', () => {
  for (const [path, kind] of [
    ['/empty.txt', Uint8Array],
    ['/just-small.bin', Uint8Array],
    ['/just-big.bin', FileSlice],
    ['/big.bin', FileSlice],
  ] as const) {
    const reply = ask('GET', path)
    assert.ok((reply.body as object) instanceof kind, path)
    assert.deepEqual(bytesOf(reply), BIG.subarray(0, bytesOf(ask('GET', path)).length), path)
  }
  assert.equal(bytesOf(ask('GET', '/big.bin')).length, BIG.length)
})

test('conditional requests', () => {
  const since = (date: string) => ({ 'If-Modified-Since': date })
  const rows: [number, Record<string, string>][] = [
    [304, { 'If-None-Match': ETAG }],
    [304, { 'If-None-Match': `"other", W/${ETAG}` }],
    [304, { 'If-None-Match': '*' }],
    [200, { 'If-None-Match': '"other"' }],
    [200, { 'If-None-Match': '"other"', ...since(LAST_MODIFIED) }],
    [304, since(LAST_MODIFIED)],
    [304, since('Wed, 15 Nov 2023 00:00:00 GMT')],
    [200, since('Tue, 14 Nov 2023 22:13:19 GMT')],
    [200, since('yesterday')],
    [200, { 'If-Match': ETAG }],
    [200, { 'If-Match': '*' }],
    [412, { 'If-Match': '"other"' }],
    [412, { 'If-Match': `W/${ETAG}` }],
    [200, { 'If-Unmodified-Since': LAST_MODIFIED }],
    [412, { 'If-Unmodified-Since': 'Tue, 14 Nov 2023 22:13:19 GMT' }],
    [412, { 'If-Match': '"other"', 'If-None-Match': ETAG }],
    [304, { 'If-None-Match': ETAG, Range: 'bytes=0-1' }],
  ]
  for (const [status, fields] of rows) {
    for (const method of ['GET', 'HEAD']) {
      assert.equal(ask(method, '/small.txt', fields).status, status, `${method} ${JSON.stringify(fields)}`)
    }
  }
})

test('a 304 has the tag and what caches need to know, and no word of a body', () => {
  const reply = ask('GET', '/small.txt', { 'If-None-Match': ETAG })
  assert.deepEqual(reply, { status: 304, fields: ['ETag', ETAG, 'Vary', 'Accept-Encoding'], body: null })
})

test('what is not there is 404 whatever the conditions', () => assert.equal(get('/no', { 'If-Match': '*' }), '404'))

test('a file shorter than fstat said is never answered with a wrong length', (t) => {
  const file = '/sys/kernel/uevent_seqnum' // says it has a page, and gives a number
  if (!existsSync(file)) return t.skip('no sysfs here')
  const sysfs = createStaticHandler(siteOf('/sys/kernel'))
  const before = openDescriptors()
  assert.equal(atOnce(sysfs(request('GET', '/uevent_seqnum'))).status, 503)
  assert.equal(openDescriptors(), before)
  sysfs.close()
})

test('every descriptor is closed, on every road', () => {
  const paths = '/ /small.txt /empty.txt /folder /empty-folder/ /nothing /out /fifo /% /.env'
  const before = openDescriptors()
  const variants: Record<string, string>[] = [
    {},
    { 'If-None-Match': ETAG },
    { 'If-Match': '"x"' },
    { Range: 'bytes=1-2' },
    { Range: 'bytes=99-' },
  ]
  for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
    for (const path of paths.split(' ')) {
      for (const fields of variants) ask(method, path, fields)
    }
  }
  assert.equal(openDescriptors(), before)
  const { body } = ask('GET', '/big.bin')
  assert.ok(body instanceof FileSlice)
  assert.equal(openDescriptors(), before + 1)
  body.close()
  body.close()
  assert.equal(openDescriptors(), before)
  const failing = {
    ...request('GET', '/small.txt').head,
    method: 'GET',
    path: '/small.txt',
    field: () => assert.fail('broken'),
  }
  assert.throws(() => handler({ ...request('GET', '/'), head: failing as never }), /broken/)
  assert.equal(openDescriptors(), before)
})

test('a root that is not there is an error at start', () => {
  assert.throws(() => createStaticHandler(siteOf(join(base, 'nowhere'))), /open: ENOENT/)
  assert.throws(() => createStaticHandler(siteOf(join(base, 'secret.txt'))), /open: ENOTDIR/)
})
