/**
 * `prefork ./public`: files as curl and raw sockets see them.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, ftruncateSync, openSync, rmSync, symlinkSync, utimesSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Answer, curl, run, say, unless } from '../support/curl.ts'
import { addFiles, type Server, startServer } from '../support/server.ts'

const GIB = 1024 ** 3
/** More than 32 bits can count. */
const SPARSE_BYTES = 5 * GIB
const LONG_AGO = new Date('2020-02-02T20:20:20Z')
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz'
const PAGE = '<!doctype html><title>Home</title>'

const FILES: Readonly<Record<string, string>> = {
  'public/index.html': PAGE,
  'public/alphabet.txt': ALPHABET,
  'public/empty.txt': '',
  'public/long.txt': ALPHABET.repeat(100),
  'public/longer.txt': ALPHABET.repeat(10_000),
  'public/style.css': 'a{}',
  'public/code.mjs': 'export {}',
  'public/data.json': '{}',
  'public/picture.svg': '<svg/>',
  'public/what.is-this': '?',
  'public/README': 'readme',
  'public/folder/index.html': 'the folder',
  'public/no-index/a.txt': 'a',
  'public/한글 파일.txt': '안녕하세요',
  'public/🌳/🍎.html': 'apple',
  'public/a b+c%25&d;e.txt': 'odd',
  'public/.env': 'SECRET',
  'public/.git/config': 'SECRET',
  'public/.well-known/security.txt': 'contact',
  'secret.txt': 'SECRET',
  'public-too/secret.txt': 'SECRET',
}

const withCurl = { skip: unless('curl') }

/** The files served, not made just now: what has been left alone for a while has an ETag that holds for ranges. */
async function startSite(t: TestContext): Promise<Server> {
  const server = await startServer(t, { files: FILES, args: ['public'] })
  for (const file of Object.keys(FILES)) utimesSync(join(server.cwd, file), LONG_AGO, LONG_AGO)
  return server
}

type Get = (path: string, ...args: string[]) => Promise<Answer>

async function site(t: TestContext): Promise<Get> {
  const { url } = await startSite(t)
  return (path, ...args) => curl([...args, '--path-as-is', `${url}${path}`])
}

const TYPES: readonly (readonly [string, string])[] = [
  ['/', 'text/html; charset=utf-8'],
  ['/alphabet.txt', 'text/plain; charset=utf-8'],
  ['/style.css', 'text/css; charset=utf-8'],
  ['/code.mjs', 'text/javascript; charset=utf-8'],
  ['/data.json', 'application/json; charset=utf-8'],
  ['/picture.svg', 'image/svg+xml; charset=utf-8'],
  ['/what.is-this', 'application/octet-stream'],
  ['/README', 'application/octet-stream'],
]

test('files and their types', withCurl, async (t) => {
  const get = await site(t)

  await t.test('the index of the root', async () => {
    const { status, fields, text } = await get('/')
    assert.deepEqual([status, text], [200, PAGE])
    assert.equal(fields.get('content-length'), String(PAGE.length))
    assert.equal(fields.get('accept-ranges'), 'bytes')
    for (const name of ['date', 'last-modified']) assert.ok(Date.parse(fields.get(name)!) <= Date.now(), name)
  })

  for (const [path, type] of TYPES) {
    await t.test(`${path} is ${type}`, async () => {
      const { status, fields } = await get(path)
      assert.deepEqual([status, fields.get('content-type')], [200, type])
      assert.equal(fields.get('x-content-type-options'), 'nosniff')
    })
  }

  await t.test('HEAD says what GET says, and sends nothing', async () => {
    const got = await get('/alphabet.txt')
    const head = await get('/alphabet.txt', '--head')
    const told = (fields: Headers) => [...fields].filter(([name]) => name !== 'date')
    assert.deepEqual([head.status, told(head.fields), head.text], [200, told(got.fields), ''])
  })

  await t.test('an empty file', async () => {
    const { status, fields, text } = await get('/empty.txt')
    assert.deepEqual([status, fields.get('content-length'), text], [200, '0', ''])
  })

  await t.test('a query does not change the file', async () => assert.equal((await get('/style.css?v=3')).text, 'a{}'))
})

const NAMES: readonly (readonly [string, string])[] = [
  ['/한글 파일.txt', '안녕하세요'],
  ['/🌳/🍎.html', 'apple'],
  ['/a b+c%25&d;e.txt', 'odd'],
]

test('files of any name', withCurl, async (t) => {
  const get = await site(t)
  for (const [path, text] of NAMES) {
    const answer = await get(path.split('/').map(encodeURIComponent).join('/'))
    assert.deepEqual([answer.status, answer.text], [200, text], path)
  }
})

test('a copy that is still good is not sent again', withCurl, async (t) => {
  const get = await site(t)
  const { fields } = await get('/alphabet.txt')
  const etag = fields.get('etag')!
  const date = fields.get('last-modified')!
  const good = [
    `If-None-Match: ${etag}`,
    `If-None-Match: "x", ${etag}`,
    'If-None-Match: *',
    `If-Modified-Since: ${date}`,
  ]
  for (const condition of good) {
    const answer = await get('/alphabet.txt', '-H', condition)
    assert.deepEqual([answer.status, answer.text, answer.fields.get('etag')], [304, '', etag], condition)
  }
  const old = new Date(Date.parse(date) - 1000).toUTCString()
  for (const condition of ['If-None-Match: "x"', `If-Modified-Since: ${old}`, 'If-Modified-Since: yesterday']) {
    assert.equal((await get('/alphabet.txt', '-H', condition)).status, 200, condition)
  }
  assert.equal((await get('/alphabet.txt', '-H', 'If-Match: "x"')).status, 412)
})

const RANGES: readonly (readonly [string, string, string])[] = [
  ['0-0', 'a', 'bytes 0-0/26'],
  ['0-3', 'abcd', 'bytes 0-3/26'],
  ['23-', 'xyz', 'bytes 23-25/26'],
  ['-2', 'yz', 'bytes 24-25/26'],
  ['20-99', 'uvwxyz', 'bytes 20-25/26'],
]

test('ranges', withCurl, async (t) => {
  const get = await site(t)
  const getRange = (range: string, ...more: string[]) => get('/alphabet.txt', '-H', `Range: ${range}`, ...more)

  for (const [range, text, says] of RANGES) {
    await t.test(range, async () => {
      const answer = await getRange(`bytes=${range}`)
      assert.deepEqual([answer.status, answer.text, answer.fields.get('content-range')], [206, text, says])
      assert.equal(answer.fields.get('content-length'), String(text.length))
    })
  }

  await t.test('beyond the end', async () => {
    const { status, fields, text } = await getRange('bytes=26-')
    assert.deepEqual([status, fields.get('content-range')], [416, 'bytes */26'])
    assert.match(text, /<title>416 /)
  })

  await t.test('several, near each other and far apart', async () => {
    const near = await getRange('bytes=0-1,4-5')
    assert.deepEqual([near.status, near.text, near.fields.get('content-range')], [206, 'abcdef', 'bytes 0-5/26'])
    const long = await get('/long.txt', '-H', 'Range: bytes=-2,0-3')
    const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(long.fields.get('content-type')!)![1]
    const part = (range: string, text: string) =>
      `--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes ${range}/2600\r\n\r\n${text}\r\n`
    assert.equal(long.text, `${part('2598-2599', 'yz')}${part('0-3', 'abcd')}--${boundary}--\r\n`)
    assert.deepEqual([long.status, long.fields.get('content-range')], [206, null])
  })

  await t.test('a hundred of them', async () => {
    const places = Array.from({ length: 100 }, (_, i) => 259_999 - 2_601 * i)
    const { status, text } = await get('/longer.txt', '-H', `Range: bytes=${places.map((at) => `${at}-${at}`).join()}`)
    const parts = [...text.matchAll(/Content-Range: bytes (\d+)-\d+\/260000\r\n\r\n(.)\r\n--/g)]
    assert.equal(status, 206)
    assert.deepEqual(
      parts.map(([, at, letter]) => [Number(at), letter]),
      places.map((at) => [at, ALPHABET[at % 26]]),
    )
  })

  await t.test('those that need not be answered get the whole', async () => {
    for (const range of [`bytes=${'0-1,'.repeat(100)}4-5`, 'lines=1-2', 'bytes=5-2', 'bytes=x']) {
      const { status, text } = await getRange(range)
      assert.deepEqual([status, text], [200, ALPHABET], range)
    }
  })

  await t.test('of a file that has changed, the whole', async () => {
    const etag = (await get('/alphabet.txt')).fields.get('etag')!
    const same = await getRange('bytes=0-1', '-H', `If-Range: ${etag}`)
    const changed = await getRange('bytes=0-1', '-H', 'If-Range: "x"')
    assert.deepEqual([same.status, same.text], [206, 'ab'])
    assert.deepEqual([changed.status, changed.text], [200, ALPHABET])
  })
})

test('pages for what is not there, or not allowed', withCurl, async (t) => {
  const get = await site(t)

  for (const path of [
    '/nothing',
    '/no-index/',
    '/alphabet.txt/',
    '/folder/nothing.html',
    '/.env',
    '/.git/config',
    '/folder/../.env',
  ]) {
    await t.test(`404 ${path}`, async () => {
      const { status, fields, text } = await get(path)
      assert.deepEqual([status, fields.get('content-type')], [404, 'text/html; charset=utf-8'])
      assert.match(text, /<title>404 Not Found<\/title>/)
    })
  }

  await t.test('the one hidden folder meant for the public', async () => {
    assert.equal((await get('/.well-known/security.txt')).text, 'contact')
  })

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'BREW']) {
    await t.test(`405 ${method}`, async () => {
      const { status, fields, text } = await get('/', '-X', method)
      assert.deepEqual([status, fields.get('allow')], [405, 'GET, HEAD, OPTIONS'])
      assert.match(text, /<title>405 Method Not Allowed<\/title>/)
    })
  }

  await t.test('OPTIONS says what can be done', async () => {
    const { status, fields } = await get('/', '-X', 'OPTIONS')
    assert.deepEqual([status, fields.get('allow')], [204, 'GET, HEAD, OPTIONS'])
  })

  await t.test('a folder without its slash is found under its own name', async () => {
    const { status, fields } = await get('/folder?a=1')
    assert.deepEqual([status, fields.get('location')], [301, '/folder/?a=1'])
    assert.equal((await get('/folder', '--location')).text, 'the folder')
    assert.equal((await get('//folder')).fields.get('location'), '/folder/')
  })
})

const ESCAPES = [
  '/../secret.txt',
  '/..%2fsecret.txt',
  '/%2e%2e/secret.txt',
  '/folder/../../secret.txt',
  '/folder/%2e%2e/%2e%2e/secret.txt',
  '/..\\secret.txt',
  '/%2e%2e%5csecret.txt',
  '/../public-too/secret.txt',
  '//etc/passwd',
  '/%2fetc/passwd',
  '/folder/%00/../../../secret.txt',
  '/%c0%ae%c0%ae/secret.txt',
]

test('there is no way out of the root', withCurl, async (t) => {
  const { url, port } = await startSite(t)
  for (const path of ESCAPES) {
    const { status, text } = await curl(['--path-as-is', `${url}${path}`])
    assert.ok(status === 400 || status === 404, `${path} is ${status}`)
    assert.doesNotMatch(text, /SECRET|root:/, path)
  }
  const absolute = await say(port, 'GET http://x/../secret.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  assert.match(absolute, /^HTTP\/1\.1 40[04] /)
  assert.doesNotMatch(absolute, /SECRET/)
})

test('symbolic links are followed beneath the root, and nowhere else', withCurl, async (t) => {
  const server = await startSite(t)
  const root = join(server.cwd, 'public')
  symlinkSync('alphabet.txt', join(root, 'inside'))
  symlinkSync('../secret.txt', join(root, 'outside'))
  symlinkSync('/etc/passwd', join(root, 'absolute'))
  symlinkSync('../public-too', join(root, 'other'))
  symlinkSync('loop', join(root, 'loop'))
  assert.equal((await curl([`${server.url}/inside`])).text, ALPHABET)
  for (const path of ['/outside', '/absolute', '/other/secret.txt', '/loop']) {
    assert.equal((await curl([`${server.url}${path}`])).status, 404, path)
  }
})

test('changes on disk are seen at once, where nothing is told from memory', withCurl, async (t) => {
  const config = "export default { target: 'public', static: { cacheMs: 0 } }"
  const server = await startServer(t, { files: { ...FILES, 'prefork.config.mjs': config } })
  const read = async () => (await curl([`${server.url}/alphabet.txt`])).text
  assert.equal(await read(), ALPHABET)
  addFiles(server.cwd, { 'public/alphabet.txt': 'changed' })
  assert.equal(await read(), 'changed')
  rmSync(join(server.cwd, 'public/alphabet.txt'))
  assert.match(await read(), /404 Not Found/)
})

test('what --config says of directories holds', withCurl, async (t) => {
  const config = "export default { target: 'public', static: { index: 'alphabet.txt' } }"
  const server = await startServer(t, { files: { ...FILES, 'prefork.config.mjs': config } })
  assert.equal((await curl([`${server.url}/`])).text, ALPHABET)
})

test('pipelined requests are answered in their order', async (t) => {
  const { port } = await startSite(t)
  const ask = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
  const answer = await say(port, ask('/style.css') + ask('/nothing') + ask('/alphabet.txt', 'Connection: close\r\n'))
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
  assert.deepEqual(statuses, ['200', '404', '200'])
  assert.ok(answer.endsWith(ALPHABET))
})

test('large files arrive whole, one and several at once', withCurl, async (t) => {
  const big = randomBytes(24 * 1024 * 1024 + 12_345)
  const { url } = await startServer(t, { files: { 'big.bin': big }, args: ['.'] })
  const fetchSum = async () => sha256(await run('curl', ['-sS', `${url}/big.bin`]))
  assert.equal(await fetchSum(), sha256(big))
  const sums = await Promise.all(Array.from({ length: 8 }, fetchSum))
  assert.deepEqual(new Set(sums), new Set([sha256(big)]))
  const part = await curl(['-H', 'Range: bytes=10000000-19999999', `${url}/big.bin`])
  assert.deepEqual([part.status, sha256(part.body)], [206, sha256(big.subarray(10_000_000, 20_000_000))])
})

test('a slow reader gets a large file whole', withCurl, async (t) => {
  const big = randomBytes(4 * 1024 * 1024)
  const { url } = await startServer(t, { files: { 'big.bin': big }, args: ['.'] })
  const slowly = await run('curl', ['-sS', '--limit-rate', '8M', `${url}/big.bin`])
  assert.equal(sha256(slowly), sha256(big))
})

test('a file of 5 GiB: its end, a place beyond 2^32, and places beyond 2^53', withCurl, async (t) => {
  const server = await startServer(t, { args: ['.'] })
  makeSparse(join(server.cwd, 'sparse.bin'))
  const size = SPARSE_BYTES
  const head = await curl(['--head', `${server.url}/sparse.bin`])
  assert.equal(head.fields.get('content-length'), String(size))
  const near = await curl(['-H', `Range: bytes=${size - 7}-`, `${server.url}/sparse.bin`])
  assert.deepEqual([near.status, near.text], [206, 'the end'])
  assert.equal(near.fields.get('content-range'), `bytes ${size - 7}-${size - 1}/${size}`)
  const more = await curl(['-H', `Range: bytes=-${1024 * 1024}`, `${server.url}/sparse.bin`])
  assert.deepEqual([more.status, more.body.length], [206, 1024 * 1024])
  assert.ok(more.text.endsWith('the end'))
  const parts = await curl(['-H', `Range: bytes=${2 ** 32}-${2 ** 32 + 1},-7`, `${server.url}/sparse.bin`])
  assert.deepEqual([parts.status, parts.text.split('the end').length, parts.text.split('\0\0').length], [206, 2, 2])
  for (const range of [`${size}-`, `${2 ** 53}-`, '18446744073709551616-18446744073709551617']) {
    const beyond = await curl(['-H', `Range: bytes=${range}`, `${server.url}/sparse.bin`])
    assert.deepEqual([beyond.status, beyond.fields.get('content-range')], [416, `bytes */${size}`], range)
  }
})

function makeSparse(file: string): void {
  const fd = openSync(file, 'w')
  ftruncateSync(fd, SPARSE_BYTES)
  writeSync(fd, 'the end', SPARSE_BYTES - 'the end'.length)
  closeSync(fd)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
