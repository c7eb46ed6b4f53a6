/**
 * WebSockets of a real browser, Chromium: the example's page, and what the Web
 * Platform Tests ask of a WebSocket (its folder websockets/, whose handlers the
 * app below stands for), told again in our words.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openPage, type Page } from '../support/chromium.ts'
import { unless } from '../support/curl.ts'
import { waitUntil } from '../support/program.ts'
import { type Server, startServer } from '../support/server.ts'
import { ECHO_APP, WS_PACKAGE } from '../support/websocket.ts'

const withBrowser = { skip: unless('chromium') }

test('the example’s page, from its first message to a reload of the server', withBrowser, async (t) => {
  const server = await startServer(t, { args: [ECHO_APP, '--workers', '1'], log: [/ info supervisor /] })
  const page = await openPage(t, server.url)
  const says = (id: string) => page.evaluate<string>(`document.getElementById('${id}').textContent`)
  await waitUntil(async () => (await says('state')) === 'open', 'the page is connected')
  await page.evaluate(`document.querySelector('input').value = 'hello 👋'; document.querySelector('button').click()`)
  await waitUntil(async () => (await says('heard')) === 'hello 👋', 'it has heard itself')
  server.signal('SIGHUP')
  const goodbye = 'closed: 1001 this worker ends: come back'
  await waitUntil(async () => (await says('state')) === goodbye, 'it is told that the worker ends')
  assert.deepEqual(page.console, [])
})

/** What the Web Platform Tests' server offers, by path. */
const HANDLERS = `
import { WebSocketServer } from '${WS_PACKAGE}'
const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 } })
const AT = {
  '/echo': (client) => client.on('message', (data, binary) => client.send(data, { binary })),
  '/close': (client) => client.close(1000, 'goodbye'),
  '/close-3999': (client) => client.close(3999, '안녕히'),
  '/close-at-message': (client) => client.on('message', (data) => client.close(4000, String(data))),
  '/drop': (client) => client.terminate(),
  '/greet': (client) => client.send('hello'),
  '/cookies': (client, request) => client.send(request.headers.cookie),
}
const PAGE = '<!doctype html><link rel="icon" href="data:,"><title>Checks</title>'
export default (request, context) => {
  const { pathname } = new URL(request.url)
  const handler = AT[pathname]
  if (pathname === '/') return new Response(PAGE, { headers: { 'content-type': 'text/html', 'set-cookie': 'who=me' } })
  if (handler === undefined) return new Response('forbidden', { status: 403 })
  const { request: asked, socket, head } = context.upgrade()
  webSockets.handleUpgrade(asked, socket, head, (client) => handler(client, asked))
}`

/** In the page: a WebSocket whose events can be waited for. */
const TOOLS = `
globalThis.open = (path, ...more) => {
  const socket = new WebSocket(location.href.replace(/^http/, 'ws').replace(/\\/$/, path), ...more)
  socket.binaryType = 'arraybuffer'
  socket.next = (name) => new Promise((resolve) => socket.addEventListener(name, resolve, { once: true }))
  return socket
}
globalThis.opened = async (path, ...more) => {
  const socket = open(path, ...more)
  await socket.next('open')
  return socket
}
globalThis.echoOf = async (what, socket) => {
  const client = socket ?? await opened('/echo')
  client.send(what)
  const { data } = await client.next('message')
  if (socket === undefined) client.close()
  return data
}
globalThis.end = ({ code, reason, wasClean }) => [code, reason, wasClean]
`

/** An expression for the page, and what it comes to. */
const CHECKS: Readonly<Record<string, readonly [expression: string, comesTo: unknown]>> = {
  'it opens, and says what was agreed on': [
    `opened('/echo').then(({ readyState, protocol, extensions, bufferedAmount }) => [readyState, protocol, extensions, bufferedAmount])`,
    [1, '', 'permessage-deflate', 0],
  ],
  'a protocol is chosen of those offered': [
    `opened('/echo', ['chat', 'other']).then(({ protocol }) => protocol)`,
    'chat',
  ],
  text: [`echoOf('Message to send')`, 'Message to send'],
  'text of nothing': [`echoOf('')`, ''],
  'null is the word': [`echoOf(null)`, 'null'],
  'text beyond ASCII': [`echoOf('¥¥¥¥¥¥ 안녕 👋')`, '¥¥¥¥¥¥ 안녕 👋'],
  'half a surrogate pair becomes U+FFFD': [`echoOf('\\uD807')`, '\ufffd'],
  '64 KiB and some of text': [`echoOf('c'.repeat(65_606)).then((data) => data === 'c'.repeat(65_606))`, true],
  'an ArrayBuffer': [`echoOf(new ArrayBuffer(15)).then((data) => data.byteLength)`, 15],
  'views of one': [
    `Promise.all([Int8Array, Int16Array, Uint32Array, Float64Array].map((View) => echoOf(new View([1, 2, 3]))))
      .then((all) => all.map((data) => data.byteLength))`,
    [3, 6, 12, 24],
  ],
  'part of a buffer': [
    `echoOf(new Uint8Array([1, 2, 3, 4]).subarray(1, 3)).then((data) => [...new Uint8Array(data)])`,
    [2, 3],
  ],
  'a Blob, and back as a Blob': [
    `opened('/echo').then((socket) => { socket.binaryType = 'blob'; return echoOf(new Blob(['a', 'b']), socket) })
      .then(async (data) => [data instanceof Blob, await data.text()])`,
    [true, 'ab'],
  ],
  '4 MiB of bytes that do not compress': [
    `(async () => {
      const bytes = new Uint8Array(4 * 1024 * 1024)
      for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
      const back = new Uint8Array(await echoOf(bytes))
      return back.length === bytes.length && back.every((byte, at) => byte === bytes[at])
    })()`,
    true,
  ],
  'a thousand messages, in order': [
    `(async () => {
      const socket = await opened('/echo')
      const heard = []
      const done = new Promise((resolve) => {
        socket.onmessage = ({ data }) => { if (heard.push(data) === 1000) resolve() }
      })
      for (let i = 0; i < 1000; i++) socket.send(i)
      await done
      return heard.every((data, i) => data === String(i)) && socket.bufferedAmount === 0
    })()`,
    true,
  ],
  'what the server says at once is not lost': [`open('/greet').next('message').then(({ data }) => data)`, 'hello'],
  'cookies come along': [`open('/cookies').next('message').then(({ data }) => data)`, 'who=me'],
  'closing: no code': [
    `opened('/echo').then((socket) => { socket.close(); return socket.next('close') }).then(end)`,
    [1005, '', true],
  ],
  'closing: a code': [
    `opened('/echo').then((socket) => { socket.close(1000); return socket.next('close') }).then(end)`,
    [1000, '', true],
  ],
  'closing: a code and the longest reason': [
    `opened('/echo').then((socket) => { socket.close(4999, 'r'.repeat(123)); return socket.next('close') }).then(end)`,
    [4999, 'r'.repeat(123), true],
  ],
  'closing: the server does': [`open('/close').next('close').then(end)`, [1000, 'goodbye', true]],
  'closing: the server does, with a code and a reason of its own': [
    `open('/close-3999').next('close').then(end)`,
    [3999, '안녕히', true],
  ],
  'closing: the server does, when it is told to': [
    `opened('/close-at-message').then((socket) => { socket.send('as you say'); return socket.next('close') }).then(end)`,
    [4000, 'as you say', true],
  ],
  'closing: right behind a message': [
    `opened('/echo').then((socket) => {
      socket.send('last words')
      socket.close()
      return socket.next('close').then((event) => [...end(event), socket.readyState])
    })`,
    [1005, '', true, 3],
  ],
  'the server breaks off: an error, and 1006': [`open('/drop').next('close').then(end)`, [1006, '', false]],
  'the server refuses: 1006': [`open('/forbidden').next('close').then(end)`, [1006, '', false]],
  'ten at once': [
    `Promise.all(Array.from({ length: 10 }, (_, i) => echoOf('socket ' + i)))
      .then((all) => all.every((data, i) => data === 'socket ' + i))`,
    true,
  ],
}

test('what the Web Platform Tests ask of a WebSocket', withBrowser, async (t) => {
  const server: Server = await startServer(t, { args: ['app.mjs', '--workers', '1'], files: { 'app.mjs': HANDLERS } })
  const page: Page = await openPage(t, server.url)
  await page.evaluate(TOOLS)
  for (const [name, [expression, comesTo]] of Object.entries(CHECKS)) {
    await t.test(name, async (_inner: TestContext) => assert.deepEqual(await page.evaluate(expression), comesTo))
  }
})
