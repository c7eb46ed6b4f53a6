/**
 * Which file answers for a path, as the configuration says, and as curl sees it:
 * tryFiles, clean URLs, error pages, hidden files, links.
 */
import assert from 'node:assert/strict'
import { chmodSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { curl, say, unless } from '../support/curl.ts'
import { folderOf, type Server, startServer } from '../support/server.ts'

const FILES: Readonly<Record<string, string>> = {
  'public/index.html': 'home',
  'public/about.html': 'about us',
  'public/blog/index.html': 'the blog',
  'public/한국.html': '안녕하세요',
  'public/app.js': 'script',
  'public/404.html': '<h1>Lost?</h1>',
  'public/.env': 'SECRET',
  'secret.txt': 'SECRET',
}

const withCurl = { skip: unless('curl') }

async function serve(t: TestContext, options: object, files: Record<string, string> = {}): Promise<Server> {
  const config = `export default { target: 'public', workers: 1, static: ${JSON.stringify(options)} }`
  return startServer(t, { files: { ...FILES, ...files, 'prefork.config.mjs': config } })
}

/** `200 text`, `301 location`. */
async function story({ url }: Server, path: string, ...args: string[]): Promise<string> {
  const { status, fields, text } = await curl([...args, '--path-as-is', `${url}${path}`])
  return `${status} ${fields.get('location') ?? text}`
}

test('an application of one page', withCurl, async (t) => {
  const server = await serve(t, { tryFiles: ['$path', '$path.html', '/index.html'] })
  for (const [path, told] of [
    ['/', '200 home'],
    ['/users/42?tab=1', '200 home'],
    ['/package/@scope%2Fname', '200 home'],
    ['/about', '200 about us'],
    ['/%ED%95%9C%EA%B5%AD', '200 안녕하세요'],
    ['/app.js', '200 script'],
    ['/blog/', '200 the blog'],
  ] as const) {
    assert.equal(await story(server, path), told, path)
  }
  assert.match(await story(server, '/.env'), /^404 <!doctype html>/)
  const { fields } = await curl([`${server.url}/any/route`])
  const etag = fields.get('etag')!
  assert.equal((await curl(['-H', `If-None-Match: ${etag}`, `${server.url}/other/route`])).status, 304)
  assert.equal(await story(server, '/third/route', '-H', 'Range: bytes=1-2'), '206 om')
})

test('types of files, for all and for a route', withCurl, async (t) => {
  const svgz = gzipSync('<svg/>')
  const route = "{ path: '/route/*', rewrite: '/$1', static: 'public', types: { wat: 'text/x-wat;charset=us-ascii' } }"
  const hosts = `{ '*': { routes: [${route}, { static: 'public' }] } }`
  const config = `export default { hosts: ${hosts}, static: { types: { '.WAT': 'text/plain' }, charset: 'off' } }`
  const files = {
    'public/a.wat': '(module)',
    'public/a.svgz': svgz,
    'public/a.html': '<p>',
    'prefork.config.mjs': config,
  }
  const { url } = await startServer(t, { files })
  for (const [path, type] of [
    ['/a.wat', 'text/plain'],
    ['/route/a.wat', 'text/x-wat;charset=us-ascii'],
    ['/route/a.html', 'text/html'],
    ['/a.svgz', 'image/svg+xml'],
  ]) {
    assert.equal((await curl([`${url}${path}`])).fields.get('content-type'), type, path)
  }
  assert.equal((await curl(['--compressed', `${url}/a.svgz`])).text, '<svg/>')
})

test('each page under one address', withCurl, async (t) => {
  const server = await serve(t, { cleanUrls: true })
  for (const [path, told] of [
    ['/', '200 home'],
    ['/index.html', '301 /'],
    ['/about', '200 about us'],
    ['/about.html?a=%20', '301 /about?a=%20'],
    ['/blog', '301 /blog/'],
    ['/blog/index.html', '301 /blog/'],
    ['/%ED%95%9C%EA%B5%AD.html', '301 /%ED%95%9C%EA%B5%AD'],
  ] as const) {
    assert.equal(await story(server, path), told, path)
  }
  assert.equal(await story(server, '/about.html', '--location'), '200 about us')
})

test('pages of your own for errors', withCurl, async (t) => {
  const server = await serve(t, { errorPages: { 404: '/404.html', 405: '/gone.html' } })
  const lost = await curl([`${server.url}/nothing`])
  assert.deepEqual([lost.status, lost.text], [404, FILES['public/404.html']])
  assert.equal(lost.fields.get('content-type'), 'text/html; charset=utf-8')
  const head = await curl(['--head', `${server.url}/nothing`])
  assert.deepEqual([head.status, head.text, head.fields.get('content-length')], [404, '', String(lost.body.length)])
  for (let i = 0; i < 3; i++) {
    const { status, fields, text } = await curl(['-X', 'DELETE', `${server.url}/app.js`])
    assert.deepEqual([status, fields.get('allow')], [405, 'GET, HEAD, OPTIONS'])
    assert.match(text, /<title>405 Method Not Allowed<\/title>/)
  }
  await server.waitForLog(/warn worker 0 .*: the error page for 405, \/gone\.html, cannot be read \(ENOENT\)/)
  assert.equal(server.log.filter((line) => line.includes('gone.html')).length, 1)
})

test('an error page does not spoil what is asked after it on one connection', async (t) => {
  const { port } = await serve(t, { errorPages: { 404: '/404.html' } })
  const ask = (line: string, more = '') => `${line} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
  const answer = await say(port, ask('HEAD /a') + ask('GET /b') + ask('GET /app.js', 'Connection: close\r\n'))
  assert.deepEqual(
    [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
    ['404', '404', '200'],
  )
  assert.equal(answer.split('<h1>Lost?</h1>').length, 2)
  assert.ok(answer.endsWith('\r\n\r\nscript'))
})

test('hidden files and links, as they are asked for', withCurl, async (t) => {
  const server = await serve(t, { hidden: 'allow', symlinks: 'never' })
  symlinkSync('about.html', join(server.cwd, 'public/link'))
  assert.equal(await story(server, '/.env'), '200 SECRET')
  assert.match(await story(server, '/link'), /^404 /)
  const lenient = await serve(t, {})
  symlinkSync('about.html', join(lenient.cwd, 'public/link'))
  symlinkSync('../secret.txt', join(lenient.cwd, 'public/out'))
  assert.equal(await story(lenient, '/link'), '200 about us')
  assert.match(await story(lenient, '/out'), /^404 /)
})

test('links by their owner: the same for one who owns all', withCurl, async (t) => {
  const server = await serve(t, { symlinks: 'owner' })
  symlinkSync('../public/blog', join(server.cwd, 'public/out-and-in'))
  symlinkSync('blog', join(server.cwd, 'public/diary'))
  symlinkSync('../about.html', join(server.cwd, 'public/blog/about'))
  assert.equal(await story(server, '/diary/'), '200 the blog')
  assert.equal(await story(server, '/diary/about'), '200 about us')
  assert.match(await story(server, '/out-and-in/'), /^404 /)
})

test('a file that may not be read is 403, and no page stands in for it', withCurl, async (t) => {
  const isRoot = process.geteuid!() === 0 // permissions do not bind root, whose workers can be somebody else
  const cwd = folderOf(t, { 'public/index.html': 'home', 'public/secret.html': 'SECRET' })
  chmodSync(cwd, 0o755)
  chmodSync(join(cwd, 'public/secret.html'), 0)
  const config = `export default { target: 'public', static: { tryFiles: ['$path', '$path.html', '/index.html'] } }`
  const args = isRoot ? ['--user', 'nobody'] : []
  const server = await startServer(t, {
    cwd,
    args,
    files: { 'prefork.config.mjs': config },
    log: [/ info supervisor /],
  })
  for (const path of ['/secret.html', '/secret']) assert.match(await story(server, path), /^403 <!doctype html>/)
  assert.equal(await story(server, '/other'), '200 home')
})

test('what changes on disk changes the answer at once, where nothing is told from memory', withCurl, async (t) => {
  const server = await serve(t, { tryFiles: ['$path', '$path.html', '/index.html'], cleanUrls: true, cacheMs: 0 })
  const at = (name: string) => join(server.cwd, 'public', name)
  for (let i = 0; i < 3; i++) assert.equal(await story(server, '/news'), '200 home')
  writeFileSync(at('news.html'), 'news')
  assert.equal(await story(server, '/news'), '200 news')
  assert.equal(await story(server, '/news.html'), '301 /news')
  renameSync(at('news.html'), at('old.html'))
  assert.equal(await story(server, '/news'), '200 home')
  assert.equal(await story(server, '/news.html'), '200 home')
})
