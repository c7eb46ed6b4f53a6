/**
 * A file that is asked for again costs one recv and one send: no look at the file
 * system before its time is over. Counted by strace.
 */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { unless } from '../support/curl.ts'
import { workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { connect, connectAndSend, request } from '../support/raw.ts'
import { addFiles, type Server, startServer } from '../support/server.ts'
import { callsWhile } from '../support/strace.ts'

const TEXT = 'a text that becomes smaller. '.repeat(2_000)

async function serve(t: TestContext, options: object): Promise<Server> {
  const files = { 'site/a.txt': 'a', 'site/text.txt': TEXT, 'site/large.bin': Buffer.alloc(200_000) }
  const config = `export default ${JSON.stringify({ target: './site', workers: 1, static: options })}`
  const server = await startServer(t, { files: { ...files, 'prefork.config.mjs': config } })
  // Before that nobody can say that the next change will be seen.
  await waitUntil(
    () => Date.now() - statSync(join(server.cwd, 'site/large.bin')).ctimeMs > 200,
    'the files have settled',
  )
  return server
}

/** The system calls that a process makes while `act` runs, by name; no waiting, and none for memory. */
async function callsOf(pid: number, act: () => Promise<void>): Promise<string[]> {
  const calls = await callsWhile(pid, act)
  return calls
    .map(({ name }) => name)
    .filter((name) => !/^(epoll_p?wait|futex|brk|m(advise|map|unmap|protect))$/.test(name))
}

const skip = unless('strace')

test('from memory: one recv, one send', { skip }, async (t) => {
  const server = await serve(t, { cacheMs: 60_000 })
  const client = await connect(t, server.port)
  const requests = [
    request('GET /a.txt'),
    request('GET /text.txt', 'Accept-Encoding: br'),
    request('GET /a.txt', 'If-None-Match: *'),
    request('HEAD /large.bin'),
    request('GET /text.txt', 'Range: bytes=0-9'),
  ]
  const askAll = async () => {
    for (const bytes of requests) {
      client.send(bytes)
      await client.response(bytes.slice(0, 4).trim())
    }
  }
  for (let round = 0; round < 3; round++) await askAll()
  const calls = await callsOf(workerOf(server), askAll)
  const counts = new Map<string, number>()
  for (const call of calls) counts.set(call, (counts.get(call) ?? 0) + 1)
  t.diagnostic(JSON.stringify([...counts]))
  for (const call of calls) assert.doesNotMatch(call, /open|stat|pread|sendfile/)
  assert.equal(counts.get('recvfrom'), requests.length)
  assert.equal(counts.get('sendto'), requests.length)
})

test('with cacheMs 0 the file is looked at each time, and not read again', { skip }, async (t) => {
  const server = await serve(t, { cacheMs: 0 })
  const client = await connect(t, server.port)
  const ask = async () => {
    client.send(request('GET /a.txt'))
    assert.equal((await client.response()).body.toString(), 'a')
  }
  for (let round = 0; round < 3; round++) await ask()
  const calls = (await callsOf(workerOf(server), ask)).filter((call) => /open|stat|read|close|send/.test(call))
  assert.deepEqual(
    calls.filter((call) => call !== 'read'),
    ['openat2', 'fstat', 'close', 'sendto'],
  )
})

test('a change is seen after its time, not before anybody could count on it', async (t) => {
  const server = await serve(t, {})
  const client = await connect(t, server.port)
  const read = async (path = '/a.txt') => {
    client.send(request(`GET ${path}`))
    return (await client.response()).body.toString()
  }
  for (let round = 0; round < 3; round++) assert.equal(await read(), 'a')
  addFiles(server.cwd, { 'site/a.txt': 'changed', 'site/new.txt': 'new' })
  const changedAt = performance.now()
  assert.equal(await read('/new.txt'), 'new', 'what was not there is found at once')
  for (;;) {
    const asked = performance.now()
    if ((await read()) === 'changed') break
    assert.ok(asked - changedAt < 1_000, `still the old one ${asked - changedAt} ms later`)
  }
})

test('compressed answers, as a client has them that knows their codings', async (t) => {
  const server = await serve(t, { cacheFileBytesMax: 100_000 })
  addFiles(server.cwd, { 'site/long.txt': TEXT.repeat(20) })
  const ask = async (path: string, fields: string[], version = '1.1') => {
    const client = await connectAndSend(t, server.port, request(`GET ${path}`, ...fields).replace('1.1', version))
    return client.response()
  }
  const first = await ask('/text.txt', ['Accept-Encoding: gzip, br'])
  const second = await ask('/text.txt', ['Accept-Encoding: gzip, br'])
  assert.equal(brotliDecompressSync(first.body).toString(), TEXT)
  assert.deepEqual([first.framing, second.framing], ['length', 'length'])
  assert.ok(first.body.equals(second.body))
  const long = await ask('/long.txt', ['Accept-Encoding: gzip'])
  assert.equal(long.framing, 'chunked')
  assert.equal(gunzipSync(long.body).toString(), TEXT.repeat(20))
  const old = await ask('/long.txt', ['Accept-Encoding: gzip'], '1.0')
  assert.equal(old.framing, 'close')
  assert.equal(gunzipSync(old.body).toString(), TEXT.repeat(20))
  const head = await connectAndSend(t, server.port, request('HEAD /long.txt', 'Accept-Encoding: gzip'))
  const { fields } = await head.response('HEAD')
  assert.deepEqual(
    ['content-encoding', 'content-length', 'transfer-encoding'].map((name) => fields.get(name)),
    ['gzip', undefined, 'chunked'],
  )
})
