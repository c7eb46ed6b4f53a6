/** WebSockets through a connection that an app has taken over: the example's echo, and the package ws as its client. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { descriptorsOf, residentBytesOf } from '../support/descriptors.ts'
import { journey, workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { ask, connect, connectAndSend, request } from '../support/raw.ts'
import { startServer } from '../support/server.ts'
import { ECHO_APP, openWebSocket, WS_PACKAGE } from '../support/websocket.ts'

const MIB = 1024 * 1024
/** What a handshake needs (RFC 6455 §4.1); the key is the RFC's own. */
const HANDSHAKE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]
const ACCEPT = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='
/** A masked text frame, "Hello": RFC 6455 §5.7. */
const HELLO = Buffer.from([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58])
const HELLO_BACK = Buffer.from([0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f])

journey(
  'a WebSocket echo',
  { args: [ECHO_APP], config: {} },
  {
    'text comes back as text': async (t, server) => {
      const client = await openWebSocket(t, server.port)
      for (const text of ['hello', '', 'grüße, 안녕하세요 👋', 'x'.repeat(70_000)]) {
        client.socket.send(text)
        assert.equal(await client.text(), text)
      }
      assert.deepEqual(await client.close(1000, 'done'), { code: 1000, reason: 'done' })
    },
    'bytes come back as bytes': async (t, server) => {
      const client = await openWebSocket(t, server.port)
      for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, MIB]) {
        const bytes = randomBytes(length)
        client.socket.send(bytes)
        assert.ok((await client.bytes()).equals(bytes), `${length} bytes`)
      }
      await client.close()
    },
    'a message in fragments, a ping between them': async (t, server) => {
      const client = await openWebSocket(t, server.port)
      client.socket.send('one ', { fin: false })
      client.socket.ping('are you there')
      client.socket.send('two ', { fin: false })
      const [pong] = await once(client.socket, 'pong')
      assert.equal(String(pong), 'are you there')
      client.socket.send('three', { fin: true })
      assert.equal(await client.text(), 'one two three')
      await client.close()
    },
    '16 MiB in one message': async (t, server) => {
      const client = await openWebSocket(t, server.port)
      const bytes = randomBytes(16 * MIB)
      client.socket.send(bytes)
      assert.ok((await client.bytes()).equals(bytes))
      await client.close()
    },
    'a thousand messages come back in their order': async (t, server) => {
      const client = await openWebSocket(t, server.port)
      for (let i = 0; i < 1_000; i++) client.socket.send(`message ${i}`)
      for (let i = 0; i < 1_000; i++) assert.equal(await client.text(), `message ${i}`)
      await client.close()
    },
    'a code and a reason are said back': async (t, server) => {
      for (const [code, reason] of [
        [1000, ''],
        [1001, 'leaving'],
        [3000, 'r'.repeat(123)],
        [4999, '안녕히 계세요'],
      ] as const) {
        const client = await openWebSocket(t, server.port)
        assert.deepEqual(await client.close(code, reason), { code, reason })
      }
      const client = await openWebSocket(t, server.port)
      assert.deepEqual(await client.close(), { code: 1005, reason: '' })
    },
    'a client that breaks off in a message leaves nothing behind': async (t, server) => {
      for (const end of ['finish', 'reset', 'leave'] as const) {
        const client = await connectAndSend(t, server.port, request('GET /echo', ...HANDSHAKE))
        await client.until('\r\n\r\n')
        client.send(HELLO.subarray(0, 8))
        client[end]()
      }
    },
    'the handshake is the RFC’s own, and a frame may come with it': async (t, server) => {
      const client = await connectAndSend(
        t,
        server.port,
        Buffer.concat([Buffer.from(request('GET /echo', ...HANDSHAKE)), HELLO]),
      )
      const head = (await client.until('\r\n\r\n')).toString('latin1')
      assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
      assert.ok(head.includes(ACCEPT), head)
      client.take(head.indexOf('\r\n\r\n') + 4)
      assert.ok((await client.atLeast(HELLO_BACK.length)).equals(HELLO_BACK))
    },
    'cut anywhere, it is the same': async (t, server) => {
      const bytes = Buffer.concat([Buffer.from(request('GET /echo', ...HANDSHAKE)), HELLO, HELLO])
      const client = await connect(t, server.port)
      await client.sendPieces(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))
      const head = (await client.until('\r\n\r\n')).indexOf('\r\n\r\n') + 4
      client.take(head)
      assert.ok((await client.atLeast(2 * HELLO_BACK.length)).equals(Buffer.concat([HELLO_BACK, HELLO_BACK])))
    },
    'requests before it on the same connection are answered first': async (t, server) => {
      const pipelined = request('GET /nothing') + request('GET /echo') + request('GET /echo', ...HANDSHAKE)
      const client = await connectAndSend(t, server.port, Buffer.concat([Buffer.from(pipelined), HELLO]))
      assert.deepEqual(
        (await client.responses(2)).map(({ status }) => status),
        [404, 426],
      )
      const head = (await client.until('\r\n\r\n')).indexOf('\r\n\r\n') + 4
      client.take(head)
      assert.ok((await client.atLeast(HELLO_BACK.length)).equals(HELLO_BACK))
    },
    'who asks for it without the words is answered by HTTP, and may ask again': async (t, server) => {
      const client = await connect(t, server.port)
      const asked: [string, number][] = [
        [request('GET /echo'), 426],
        [request('GET /echo', 'Upgrade: h2c', 'Connection: Upgrade'), 426],
        [request('GET /', 'Upgrade: websocket', 'Connection: Upgrade'), 200], // nobody takes it: an ordinary request
        [request('GET /echo', 'Upgrade: websocket'), 400],
      ]
      for (const [text, status] of asked) {
        client.send(text)
        const response = await client.response()
        assert.equal(response.status, status)
        assert.equal(response.fields.get('upgrade'), status === 426 ? 'websocket' : undefined)
      }
    },
    'a handshake that ws turns away ends the connection, its answer whole': async (t, server) => {
      const other = (name: string, line?: string) => [
        ...HANDSHAKE.filter((field) => !field.startsWith(name)),
        ...(line === undefined ? [] : [line]),
      ]
      for (const fields of [
        other('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 12'),
        other('Sec-WebSocket-Key'),
        other('Sec-WebSocket-Key', 'Sec-WebSocket-Key: short'),
      ]) {
        const client = await connectAndSend(t, server.port, request('GET /echo', ...fields) + 'x'.repeat(100_000))
        assert.equal((await client.response()).status, 400)
        assert.equal(await client.ended(), 'fin')
      }
    },
    'an upgrade asked for in HTTP/1.0 is none (RFC 9110 §7.8)': async (t, server) => {
      const head = ['GET /echo HTTP/1.0', ...HANDSHAKE, '', ''].join('\r\n')
      const client = await connectAndSend(t, server.port, head)
      const { status, body } = await client.response()
      assert.equal(status, 400)
      assert.match(body.toString(), /does not ask for another protocol/)
    },
    'one with a body: the body is HTTP’s, and nobody has read it': async (t, server) => {
      const head = request('GET /echo', ...HANDSHAKE, `Content-Length: ${HELLO.length}`)
      const client = await connectAndSend(t, server.port, Buffer.concat([Buffer.from(head), HELLO]))
      assert.equal((await client.response()).status, 400)
    },
    'silence is no reason to end': async (t, server) => {
      // The scene after it would find a connection that HTTP had closed; deadlines are takeover.test.ts.
      const client = await openWebSocket(t, server.port)
      client.socket.ping()
      await once(client.socket, 'pong')
      client.socket.send('still here')
      assert.equal(await client.text(), 'still here')
    },
  },
)

test('a client that sends and does not read is held back: the worker does not grow', async (t) => {
  const server = await startServer(t, { args: [ECHO_APP, '--workers', '1'] })
  const pid = workerOf(server)
  const client = await openWebSocket(t, server.port)
  const bytes = randomBytes(MIB)
  client.socket.send(bytes)
  assert.ok((await client.bytes()).equals(bytes))
  const before = residentBytesOf(pid)
  client.socket.pause()
  let taken = 0
  let sent = 0
  for (let stalls = 0; stalls < 20; ) {
    const seen = taken
    // As fast as its own kernel takes it, and no faster.
    while (client.socket.bufferedAmount < MIB && sent < 512) {
      client.socket.send(bytes, () => (taken += 1))
      sent += 1
    }
    // A round trip over another connection: the worker has had its turn.
    assert.equal(await ask(server.port, '/nothing'), 'There is /echo, and a page at /.\n')
    stalls = taken === seen ? stalls + 1 : 0
  }
  assert.ok(taken < 100, `${taken} MiB of echoes were taken in for a client that reads none`)
  const grown = (residentBytesOf(pid) - before) / MIB
  assert.ok(grown < 64, `the worker grew by ${Math.round(grown)} MiB`)
  client.socket.resume()
  for (let i = 0; i < sent; i++) assert.equal((await client.bytes()).length, MIB)
  await client.close()
})

/** The echo, and what its worker holds once all garbage is collected: V8 keeps pages of what it no longer uses, as it likes. */
const MEASURED = `
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import app from '${resolve('dist/examples/apps/websocket-echo.js')}'
export default async (request, context) => {
  if (!request.url.endsWith('/held')) return app.fetch(request, context)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  collect()
  await new Promise(setImmediate)
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return new Response(String(heapUsed + external))
}`

test('after a thousand WebSockets the worker holds what it held', async (t) => {
  const server = await startServer(t, { args: ['app.mjs', '--workers', '1'], files: { 'app.mjs': MEASURED } })
  const pid = workerOf(server)
  const held = async () => Number(await ask(server.port, '/held'))
  const round = async () => {
    const clients = await Promise.all(Array.from({ length: 100 }, () => openWebSocket(t, server.port)))
    for (const { socket } of clients) socket.send('x'.repeat(10_000))
    for (const client of clients) assert.equal((await client.text()).length, 10_000)
    // Every way to leave: with a goodbye, with none, with an error.
    clients.forEach(({ socket }, i) => {
      if (i % 3 === 0) socket.close()
      else if (i % 3 === 1) socket.terminate()
      else (socket as unknown as { _socket: { resetAndDestroy(): void } })._socket.resetAndDestroy()
    })
    await Promise.all(clients.map(({ closed }) => closed))
  }
  const descriptors = descriptorsOf(pid)
  await held()
  await round() // what is compiled and kept for the first is kept for all
  await waitUntil(() => descriptorsOf(pid) === descriptors, 'the worker holds no connection')
  const before = await held()
  for (let i = 0; i < 10; i++) await round()
  await waitUntil(() => descriptorsOf(pid) === descriptors, 'the worker holds no connection')
  const grown = ((await held()) - before) / MIB
  t.diagnostic(`${descriptors} descriptors as before; what is in use grew by ${grown.toFixed(2)} MiB`)
  assert.ok(grown < 2, `the worker grew by ${grown.toFixed(2)} MiB`)
})

test('the access log has a line for each, when it ends, with the status that the app wrote', async (t) => {
  const server = await startServer(t, { args: [ECHO_APP, '--workers', '1', '--access-log', 'access.log'] })
  const client = await openWebSocket(t, server.port)
  client.socket.send('hello')
  await client.text()
  await client.close()
  const refused = await connectAndSend(t, server.port, request('GET /echo?no-key', ...HANDSHAKE.slice(0, 3)))
  await refused.response()
  await refused.ended()
  refused.finish()
  await server.stop()
  const lines = readFileSync(join(server.cwd, 'access.log'), 'utf8').trim().split('\n')
  assert.deepEqual(
    lines.map((line) => /"(GET \S+ HTTP\/1\.1)" (\d+) \d\d+ /.exec(line)?.slice(1)),
    [
      ['GET /echo HTTP/1.1', '101'],
      ['GET /echo?no-key HTTP/1.1', '400'],
    ],
  )
})

test('it has a place among connectionsMax as any other', async (t) => {
  const files = { 'prefork.config.mjs': 'export default { limits: { connectionsMax: 2 } }' }
  const server = await startServer(t, { args: [ECHO_APP, '--workers', '1'], files })
  const clients = [await openWebSocket(t, server.port), await openWebSocket(t, server.port)]
  const third = await connectAndSend(t, server.port, request('GET /', 'Connection: close'))
  clients[0]!.socket.send('still here')
  await clients[0]!.text()
  assert.equal(third.received.length, 0) // it waits in the accept queue
  await clients[1]!.close()
  assert.equal((await third.response()).status, 200)
})

test('compressed (permessage-deflate, RFC 7692): sizes, and a thousand messages', async (t) => {
  const app = `import { WebSocketServer } from '${WS_PACKAGE}'
    const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 } })
    export default (_request, context) => {
      const { request, socket, head } = context.upgrade()
      webSockets.handleUpgrade(request, socket, head, (client) => {
        client.on('message', (data, binary) => client.send(data, { binary }))
      })
    }`
  const server = await startServer(t, { args: ['app.mjs', '--workers', '1'], files: { 'app.mjs': app } })
  const client = await openWebSocket(t, server.port, { perMessageDeflate: { threshold: 0 } })
  assert.equal(client.socket.extensions, 'permessage-deflate')
  for (const length of [16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072]) {
    const bytes = randomBytes(length)
    const text = 'compressible '.repeat(length / 8)
    client.socket.send(bytes)
    client.socket.send(text)
    assert.ok((await client.bytes()).equals(bytes))
    assert.equal(await client.text(), text)
  }
  for (let i = 0; i < 1_000; i++) client.socket.send(`message ${i}`)
  for (let i = 0; i < 1_000; i++) assert.equal(await client.text(), `message ${i}`)
  await client.close()
})
