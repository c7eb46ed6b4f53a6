/**
 * `prefork ./app.ts`: apps of every shape, and what passes between an app and
 * its clients.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { curl, say, unless } from '../support/curl.ts'
import { waitUntil } from '../support/program.ts'
import { connect } from '../support/raw.ts'
import { folderOf, type Server, startServer } from '../support/server.ts'

const withCurl = { skip: unless('curl') }

// ── apps of every shape ──────────────────────────────────────────────────────

const SHAPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a function': { 'app.mjs': "export default (request) => new Response('it ' + request.method)" },
  'an async function': { 'app.mjs': "export default async (request) => new Response('it ' + request.method)" },
  'an object': { 'app.mjs': "export default { fetch: (request) => new Response('it ' + request.method) }" },
  'a named export': { 'app.mjs': "export const fetch = (request) => new Response('it ' + request.method)" },
  'an instance whose fetch needs its this': {
    'app.mjs': `class App {
      #word = 'it'
      fetch(request) { return new Response(this.#word + ' ' + request.method) }
    }
    export default new App()`,
  },
  'a CommonJS module': {
    'app.js': "module.exports = { fetch: (request) => new Response('it ' + request.method) }",
    'package.json': '{ "type": "commonjs" }',
  },
  TypeScript: {
    'app.ts': "export default { fetch: (request: Request): Response => new Response('it ' + request.method) }",
  },
  'TypeScript that imports TypeScript with an enum': {
    'app.ts': `import { type Words, Word } from './words.ts'
      const words: Words = [Word.It]
      export default { fetch: (request: Request) => new Response(words[0] + ' ' + request.method) }`,
    'words.ts': "export enum Word { It = 'it' }\nexport type Words = Word[]",
  },
  'TypeScript that imports without extensions': {
    'app.mts':
      "import { word } from './words'\nexport default (request: Request) => new Response(word + ' ' + request.method)",
    'words.ts': "export const word = 'it' as const",
  },
  'an app that awaits while loading': {
    'app.mjs': `import { readFile } from 'node:fs/promises'
      const word = await readFile(new URL('word.txt', import.meta.url), 'utf8')
      export default (request) => new Response(word + ' ' + request.method)`,
    'word.txt': 'it',
  },
}

for (const [shape, files] of Object.entries(SHAPES)) {
  test(`the app is ${shape}`, async (t) => {
    const target = Object.keys(files).find((name) => name.startsWith('app.'))!
    const { url } = await startServer(t, { files, args: [target] })
    const response = await fetch(url)
    assert.deepEqual([response.status, await response.text()], [200, 'it GET'])
  })
}

test('the app is loaded by exec as by fork', async (t) => {
  const files = { 'app.mjs': "export default () => new Response('from ' + process.pid)" }
  const server = await startServer(t, { files, args: ['app.mjs', '--spawn', 'exec', '--workers', '2'] })
  assert.deepEqual(server.preloaders(), [])
  const [, pid] = (await (await fetch(server.url)).text()).split(' ')
  assert.ok(server.workers().includes(Number(pid)))
})

// ── frameworks and examples, unmodified ──────────────────────────────────────

test('an h3 app', async (t) => {
  const app = `import { H3, readBody } from 'h3'
    const app = new H3()
    app.get('/hello/:name', (event) => ({ hello: event.context.params.name }))
    app.post('/sum', async (event) => (await readBody(event)).reduce((a, b) => a + b))
    export default app`
  const cwd = folderOf(t, { 'app.mjs': app })
  symlinkSync(resolve('node_modules'), join(cwd, 'node_modules'))
  const { url } = await startServer(t, { cwd, args: ['app.mjs'] })
  assert.deepEqual(await (await fetch(`${url}/hello/h3`)).json(), { hello: 'h3' })
  const sum = await fetch(`${url}/sum`, {
    method: 'POST',
    body: '[1,2,3]',
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(await sum.text(), '6')
  assert.equal((await fetch(`${url}/nothing`)).status, 404)
})

const startExample = (t: TestContext, name: string, more: readonly string[] = []) =>
  startServer(t, { cwd: resolve('.'), args: [`examples/apps/${name}.ts`, ...more] })

test('examples/apps/hono.ts', async (t) => {
  const { url } = await startExample(t, 'hono')
  assert.equal(await (await fetch(url)).text(), 'Hello from Hono\n')
  assert.deepEqual(await (await fetch(`${url}/hello/you`)).json(), { hello: 'you', from: '127.0.0.1' })
  const echo = await fetch(`${url}/echo`, { method: 'POST', body: '{"a":[1]}' })
  assert.deepEqual(await echo.json(), { a: [1] })
  assert.equal((await fetch(`${url}/nothing`)).status, 404)
})

test('examples/apps/hello.ts', async (t) => {
  const { url } = await startExample(t, 'hello')
  assert.equal(await (await fetch(url)).text(), 'Hello, World!\n')
})

test('examples/apps/json.ts', async (t) => {
  const { url } = await startExample(t, 'json')
  const said = (await (await fetch(`${url}/anything?a=1`)).json()) as Record<string, unknown>
  assert.deepEqual([said.path, said.query, said.client], ['/anything', { a: '1' }, '127.0.0.1'])
  const greet = (body: string) => fetch(`${url}/greet`, { method: 'POST', body })
  assert.deepEqual(await (await greet('{"name":"Ada"}')).json(), { greeting: 'Hello, Ada!' })
  assert.equal((await greet('{')).status, 400)
  assert.equal((await greet('{}')).status, 422)
})

test('examples/apps/stream.ts', async (t) => {
  const { url } = await startExample(t, 'stream')
  const response = await fetch(`${url}/?ticks=3&ms=1`)
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  const events = (await response.text()).split('\n\n').filter(Boolean)
  assert.deepEqual(
    events.map((event) => event.split('\n')[0]),
    ['id: 1', 'id: 2', 'id: 3'],
  )
})

test('examples/apps/upload-echo.ts', withCurl, async (t) => {
  const { url } = await startExample(t, 'upload-echo')
  const bytes = randomBytes(5 * 1024 * 1024)
  const echo = await curl(['--upload-file', '-', `${url}/`], bytes)
  assert.deepEqual([echo.status, sha256(echo.body)], [200, sha256(bytes)])
  assert.equal((await curl([url])).status, 400)
})

// ── what an app is given ─────────────────────────────────────────────────────

const PROBE = resolve('test/fixtures/probe-app.ts')

/** One worker: what the test tells it, it must be told itself. */
async function startProbe(t: TestContext, log: readonly RegExp[] = []): Promise<Server> {
  const cwd = folderOf(t)
  return startServer(t, { cwd, env: { PROBE_FOLDER: cwd }, args: [PROBE, '--workers', '1'], log })
}

test('what the app is given', withCurl, async (t) => {
  const { url, port, authority } = await startProbe(t)
  const told = (text: string) => JSON.parse(text) as { method: string; url: string; headers: string[][]; body: string }

  await t.test('method, URL, fields and body', async () => {
    const args = ['-X', 'PUT', '-d', 'körper', '-H', 'X-Some: a', '-H', 'X-Some: b', '-H', 'X-Odd: ü=1']
    const got = told((await curl([...args, `${url}/a%20b/?q=%C3%BC&q=2#part`])).text)
    assert.deepEqual([got.method, got.url, got.body], ['PUT', `${url}/a%20b/?q=%C3%BC&q=2`, 'körper'])
    const fields = new Map(got.headers as [string, string][])
    assert.equal(fields.get('x-some'), 'a, b')
    assert.equal(fields.get('host'), authority)
    assert.equal(fields.get('content-type'), 'application/x-www-form-urlencoded')
    assert.equal(Buffer.from(fields.get('x-odd')!, 'latin1').toString(), 'ü=1')
  })

  const hosts: readonly (readonly [string, string, string])[] = [
    ['the Host field', 'GET /x HTTP/1.1\r\nHost: example.org\r\n', 'http://example.org/x'],
    ['the Host field with a port', 'GET / HTTP/1.1\r\nHost: example.org:81\r\n', 'http://example.org:81/'],
    ['an absolute URL before the Host field', 'GET http://a.org/y?z HTTP/1.1\r\nHost: b.org\r\n', 'http://a.org/y?z'],
    ['its own address without either', 'GET / HTTP/1.0\r\n', `${url}/`],
  ]
  for (const [what, head, is] of hosts) {
    await t.test(`the URL is made of ${what}`, async () => {
      const answer = await say(port, `${head}Connection: close\r\n\r\n`)
      assert.equal(told(answer.slice(answer.indexOf('\r\n\r\n'))).url, is)
    })
  }

  await t.test('where the client is', async () => {
    const answer = await curl(['--write-out', '\n%{local_port}', url])
    const [json, localPort] = answer.text.split('\n')
    const { remoteAddress, remotePort } = JSON.parse(json!) as { remoteAddress: string; remotePort: number }
    assert.deepEqual([remoteAddress, remotePort], ['127.0.0.1', Number(localPort)])
  })

  await t.test('a form with a file', async () => {
    const picture = randomBytes(100_000)
    const folder = folderOf(t, { 'a picture.png': picture })
    const answer = await curl(['-F', 'title=Ein Bild, schön', '-F', `file=@${folder}/a picture.png`, `${url}/form`])
    assert.deepEqual(JSON.parse(answer.text), [
      ['title', 'Ein Bild, schön'],
      ['file', 'a picture.png', 'image/png', sha256(picture)],
    ])
  })

  await t.test('a form of fields', async () => {
    const answer = await curl(['-d', 'a=1&b=%ED%95%9C', `${url}/form`])
    assert.deepEqual(JSON.parse(answer.text), [
      ['a', '1'],
      ['b', '한'],
    ])
  })

  await t.test('an upload in pieces, of a length told and untold, with Expect and without', async () => {
    const bytes = randomBytes(9 * 1024 * 1024 + 1)
    const folder = folderOf(t, { big: bytes })
    const uploads = [
      ['--upload-file', '-', '-H', 'Expect:'],
      ['--upload-file', '-', '-H', 'Expect: 100-continue'],
      ['--upload-file', `${folder}/big`, '-H', 'Expect:'],
      ['--data-binary', '@-', '-H', 'Expect: 100-continue'],
    ]
    for (const args of uploads) {
      const answer = await curl([...args, `${url}/digest`], bytes)
      assert.deepEqual(JSON.parse(answer.text), { bytes: bytes.length, sha256: sha256(bytes) }, args.join(' '))
    }
  })
})

// ── what an app gives ────────────────────────────────────────────────────────

test('what the app gives', withCurl, async (t) => {
  const { url } = await startProbe(t)
  const get = (path: string, ...args: string[]) => curl([...args, `${url}${path}`])

  await t.test('several Set-Cookie fields stay several', async () => {
    const { fields } = await get('/cookies')
    assert.deepEqual(fields.getSetCookie(), ['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2065 07:28:00 GMT'])
  })

  await t.test('a redirect', async () => {
    const { status, fields } = await get('/redirect')
    assert.deepEqual([status, fields.get('location')], [303, `${url}/elsewhere`])
  })

  for (const status of [204, 304]) {
    await t.test(`${status} has neither body nor length`, async () => {
      const answer = await get(`/status?is=${status}`)
      assert.deepEqual([answer.status, answer.text, answer.fields.get('x-probe')], [status, '', 'yes'])
      assert.equal(answer.fields.get('transfer-encoding'), null)
      assert.equal(answer.fields.get('content-length'), null)
    })
  }

  await t.test('an empty 200 says that it is empty', async () => {
    const { status, fields } = await get('/status?is=200')
    assert.deepEqual([status, fields.get('content-length')], [200, '0'])
  })

  await t.test('every byte', async () => {
    const { body } = await get('/bytes')
    assert.deepEqual([...body], [...Array(256).keys()])
  })

  await t.test('a Blob, with its type', async () => {
    const { text, fields } = await get('/blob')
    assert.deepEqual([text, fields.get('content-type')], ['blob of pieces', 'text/x-probe'])
  })

  await t.test('HEAD gets the fields alone', async () => {
    const { text, fields } = await get('/bytes', '--head')
    assert.deepEqual([text, fields.get('content-length')], ['', '256'])
  })

  await t.test('a stream, chunked or, for HTTP/1.0, until the end', async () => {
    const expected = Buffer.concat(Array.from({ length: 100 }, (_, i) => Buffer.alloc(70_001, i)))
    const chunked = await get('/download?pieces=100&bytes=70001')
    assert.equal(chunked.fields.get('transfer-encoding'), 'chunked')
    assert.equal(sha256(chunked.body), sha256(expected))
    const old = await get('/download?pieces=100&bytes=70001', '--http1.0')
    assert.deepEqual([old.fields.get('transfer-encoding'), old.fields.get('connection')], [null, 'close'])
    assert.equal(sha256(old.body), sha256(expected))
  })

  await t.test('a stream read slowly', async () => {
    const { body } = await get('/download?pieces=50&bytes=65536', '--limit-rate', '8M')
    assert.equal(body.length, 50 * 65_536)
  })
})

test('a stream is sent as it is made', async (t) => {
  const { url, cwd } = await startProbe(t)
  const reader = (await fetch(`${url}/two-steps`)).body!.getReader()
  assert.equal(Buffer.from((await reader.read()).value!).toString(), 'one ')
  writeFileSync(join(cwd, 'go-on'), '')
  assert.equal(Buffer.from((await reader.read()).value!).toString(), 'two')
  assert.equal((await reader.read()).done, true)
})

// ── what happens besides ─────────────────────────────────────────────────────

test('waitUntil goes on after the response, and the server waits for it to stop', async (t) => {
  const server = await startProbe(t)
  assert.equal(await (await fetch(`${server.url}/after`)).text(), 'answered')
  const stopped = server.stop()
  await server.waitForLog(/SIGTERM: stopping$/)
  assert.equal(existsSync(join(server.cwd, 'done')), false)
  assert.equal(server.workers().length, 1)
  writeFileSync(join(server.cwd, 'go-on'), '')
  await stopped
  assert.ok(existsSync(join(server.cwd, 'done')))
})

test('request.signal aborts when the client leaves', async (t) => {
  const server = await startProbe(t)
  const client = await connect(t, server.port)
  client.send('GET /until-left HTTP/1.1\r\nHost: a\r\n\r\n')
  await waitUntil(() => existsSync(join(server.cwd, 'began')), 'the app has the request')
  client.leave()
  await waitUntil(() => existsSync(join(server.cwd, 'left: for a reason')), 'the app knows that the client has left')
})

test('what fails in the app: the client gets a page, the log the stack', async (t) => {
  const server = await startProbe(t)
  for (const path of ['/throw', '/no-response']) {
    const response = await fetch(`${server.url}${path}`)
    assert.equal(response.status, 500)
    assert.doesNotMatch(await response.text(), /probe|Error:/)
  }
  await server.waitForLog(/ error worker 0 .*: the app failed on GET \/throw for \S+: Error: thrown by the probe\\n/)
  await server.waitForLog(/ error worker 0 .*: .* \(GET \/no-response for \S+\)$/)
  assert.equal((await fetch(`${server.url}/reject-after`)).status, 200)
  await server.waitForLog(/ error worker 0 .*: a promise given to waitUntil was rejected/)
  assert.equal((await fetch(`${server.url}/bytes`)).status, 200)
})

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
