/** What becomes of an app's Response. Told with the lazy classes (app-lazy.test.ts) and without (app.test.ts). */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { isLazyFetchInstalled } from './lazy-fetch.ts'
import { answer, bodyText, pretendRequest, shape, streamOfText } from './pretend.test.support.ts'

const TEXT = 'content-type: text/plain;charset=UTF-8'
const get = () => pretendRequest('GET /path?q=1')
const head = () => pretendRequest('HEAD /path')

/** Without the lazy classes every body is a stream. */
const known = (kind: 'string' | 'bytes') => (isLazyFetchInstalled() ? kind : 'stream')

async function check(makes: () => Response, expected: string, request = get()): Promise<void> {
  const reply = await answer(async () => makes(), request)
  assert.equal(shape(reply), expected)
  assert.equal(shape(await answer(() => makes(), request)), expected)
  if (request.head.method === 'HEAD') assert.equal(await bodyText(reply), '')
}

test('bodies of every kind reach the client', async () => {
  const form = new FormData()
  form.set('field', 'value')
  const bodies: [() => ConstructorParameters<typeof Response>[0], string | RegExp][] = [
    [() => 'grüße', 'grüße'],
    [() => Buffer.from('bytes'), 'bytes'],
    [() => new Uint8Array([65, 66]).buffer, 'AB'],
    [() => new Blob(['blob']), 'blob'],
    [() => new Blob(['x'.repeat(200_000)]), 'x'.repeat(200_000)],
    [() => new URLSearchParams({ a: '1 2' }), 'a=1+2'],
    [() => streamOfText('stream'), 'stream'],
    [() => form, /name="field"\r\n\r\nvalue\r\n/],
    [() => null, ''],
    [() => '', ''],
  ]
  for (const [make, expected] of bodies) {
    const text = await bodyText(await answer(() => new Response(make()), get()))
    if (typeof expected === 'string') assert.equal(text, expected)
    else assert.match(text, expected)
  }
})

test('a text is a text', () => check(() => new Response('hi'), `200 ${TEXT} | ${known('string')}`))
test('JSON is JSON', () =>
  check(() => Response.json({ a: 1 }, { status: 201 }), `201 content-type: application/json | ${known('string')}`))
test('bytes are bytes', () => check(() => new Response(Buffer.from('hi')), `200  | ${known('bytes')}`))
test('nothing is nothing', () => check(() => new Response(null, { status: 204 }), '204  | null'))
test('a redirect is a redirect', () =>
  check(() => Response.redirect('http://a/b', 302), '302 location: http://a/b | null'))
test('several cookies stay apart', async () => {
  const response = () => {
    const made = new Response(null, { headers: { 'x-a': '1' } })
    made.headers.append('set-cookie', 'a=1')
    made.headers.append('set-cookie', 'b=2')
    return made
  }
  await check(response, '200 set-cookie: a=1, set-cookie: b=2, x-a: 1 | null')
})

test('a stream is handed on untouched: its first piece can go out at once', async () => {
  let pulls = 0
  const stream = new ReadableStream(
    {
      pull(controller) {
        pulls += 1
        controller.enqueue(Buffer.from(`data: ${pulls}\n\n`))
      },
    },
    { highWaterMark: 0 },
  )
  const reply = await answer(() => new Response(stream), get())
  assert.ok(reply.body !== null && typeof reply.body === 'object' && 'stream' in reply.body)
  assert.equal(pulls, 0)
  const reader = reply.body.stream.getReader()
  assert.equal(Buffer.from((await reader.read()).value!).toString(), 'data: 1\n\n')
  assert.equal(pulls, 1)
})

test('a stream that breaks off breaks the reply’s stream off', async () => {
  const stream = new ReadableStream({
    pull(controller) {
      controller.error(new Error('disk gone'))
    },
  })
  const reply = await answer(() => new Response(stream), get())
  await assert.rejects(bodyText(reply), /disk gone/)
})

const headers = { 'content-length': '6', 'x-a': '1' }

test('the connection’s own fields are not the app’s to say', async () => {
  const own = { Connection: 'close', 'Keep-Alive': 'x', TE: 'x', Trailer: 'x', Upgrade: 'x', 'Proxy-Connection': 'x' }
  const all = { ...own, 'Transfer-Encoding': 'chunked', 'Content-Length': '99', Date: 'today', 'X-A': '1' }
  await check(() => new Response(null, { headers: all }), '200 date: today, x-a: 1 | null')
  const streamed = () => new Response(streamOfText('x'), { headers: all })
  await check(streamed, '200 date: today, x-a: 1 | stream(99)')
  const upgrade = () => new Response(null, { status: 426, headers: { ...own, Upgrade: 'websocket' } })
  await check(upgrade, '426 upgrade: websocket | null')
})

test('a length is kept where the body cannot be counted', async () => {
  await check(() => new Response(streamOfText('stream'), { headers }), '200 x-a: 1 | stream(6)')
  await check(() => new Response(null, { headers }), '200 x-a: 1 | null')
  await check(() => new Response(null, { headers, status: 304 }), '304 x-a: 1 | null(6)')
  await check(() => new Response(null, { headers, status: 204 }), '204 x-a: 1 | null')
})

test('a length that is none is dropped', async () => {
  for (const length of ['-1', 'six', '1e3', '99999999999999999999', '']) {
    await check(() => new Response(streamOfText('x'), { headers: { 'content-length': length } }), '200  | stream')
  }
})

test('to HEAD, the length the app states is kept', () =>
  check(() => new Response(null, { headers }), '200 x-a: 1 | null(6)', head()))
test('to HEAD, a length that nobody knows is not made up', async () => {
  await check(() => new Response(null), '200  | stream', head())
  await check(() => new Response(null, { status: 204 }), '204  | null', head())
})
test('to HEAD, a stream is cancelled', async () => {
  const cancelled: string[] = []
  const stream = (name: string) => new ReadableStream({ cancel: () => void cancelled.push(name) })
  await answer(() => new Response(stream('without length')), head())
  const reply = await answer(() => new Response(stream('with length'), { headers }), head())
  assert.equal(shape(reply), '200 x-a: 1 | stream(6)')
  assert.deepEqual(cancelled, ['without length', 'with length'])
  assert.equal(await bodyText(reply), '')
})
test('to HEAD, a stream that cannot be cancelled harms nobody', async () => {
  const stream = new ReadableStream({ cancel: () => Promise.reject(new Error('no')) })
  assert.equal((await answer(() => new Response(stream), head())).status, 200)
})

test('what fetch() has decompressed is not said to be compressed', async () => {
  const server = createServer((request, response) => {
    const coding = request.url === '/gzip' ? 'gzip' : 'x-unknown'
    const bytes = request.url === '/gzip' ? gzipSync('plain') : Buffer.from('coded')
    response.writeHead(200, { 'content-encoding': coding, 'content-length': bytes.length, 'x-a': '1' })
    response.end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const decoded = await answer(() => fetch(`${origin}/gzip`), get())
    assert.match(shape(decoded), /^200 date: [^|]*, x-a: 1 \| stream$/)
    assert.equal(await bodyText(decoded), 'plain')
    const coded = await answer(() => fetch(`${origin}/unknown`), get())
    assert.match(shape(coded), /content-encoding: x-unknown.* \| stream\(5\)$/)
    assert.equal(await bodyText(coded), 'coded')
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
