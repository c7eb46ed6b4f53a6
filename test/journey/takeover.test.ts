/** Connections that an app has taken over, while their worker is told to end, in every process model; and CONNECT. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { curl, unless } from '../support/curl.ts'
import { waitUntil } from '../support/program.ts'
import { ask, connectAndSend, request } from '../support/raw.ts'
import { startServer } from '../support/server.ts'
import { replaced, SPAWNS, startApp, workersReady } from '../support/tree.ts'
import { ECHO_APP, openWebSocket, WS_PACKAGE } from '../support/websocket.ts'

const INFO = / info supervisor /
const MOMENT_MS = 200

/** An echo that knows of no end but the client's, and fails when it is told to. */
const STUBBORN = `
import { WebSocketServer } from '${WS_PACKAGE}'
const webSockets = new WebSocketServer({ noServer: true })
export default (request, context) => {
  if (request.headers.get('upgrade') !== 'websocket') return new Response(String(process.pid))
  const { request: asked, socket, head } = context.upgrade()
  webSockets.handleUpgrade(asked, socket, head, (client) => {
    client.on('message', (data) => {
      if (String(data) === 'fail') throw new Error('on purpose')
      client.send(data + ' from ' + process.pid)
    })
  })
}`

/** Speaks no WebSocket: what is said is said back in upper case, as long as the client likes. */
const SHOUT = `
export default (request, context) => {
  const { socket, ending } = context.upgrade()
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: upgrade\\r\\nUpgrade: shout\\r\\n\\r\\n')
  socket.setEncoding('latin1')
  socket.on('data', (text) => socket.write(text.toUpperCase()))
  socket.on('end', () => socket.end('bye'))
  ending.addEventListener('abort', () => socket.end('the worker ends'))
}`
const SHOUT_ASKED = request('GET /', 'Connection: upgrade', 'Upgrade: shout')

for (const spawn of SPAWNS) {
  test(`by ${spawn}, a reload: who listens for it is told to come back, and no request is lost`, async (t) => {
    const args = [ECHO_APP, '--workers', '2', '--spawn', spawn, '--control', 'control.sock']
    const server = await startServer(t, { args, log: [INFO] })
    const old = await workersReady(server, 2)
    const clients = await Promise.all(Array.from({ length: 8 }, () => openWebSocket(t, server.port)))
    let isOver = false
    const asking = (async () => {
      let answers = 0
      for (; !isOver; answers++) assert.match(await ask(server.port, '/nothing'), /^There is/)
      return answers
    })()
    server.signal('SIGHUP')
    for (const { closed } of clients) {
      assert.deepEqual(await closed, { code: 1001, reason: 'this worker ends: come back' })
    }
    const back = await openWebSocket(t, server.port)
    back.socket.send('hello')
    assert.equal(await back.text(), 'hello')
    await waitUntil(() => !server.workers().some((pid) => old.includes(pid)), 'the old workers have gone')
    isOver = true
    assert.ok((await asking) > 0)
    assert.deepEqual(await back.close(1000), { code: 1000, reason: '' })
  })
}

test('who does not listen stays with its worker, which another has replaced, until the client leaves', async (t) => {
  const server = await startApp(t, STUBBORN, { workers: 1, log: [INFO] })
  const old = server.workers()[0]!
  const client = await openWebSocket(t, server.port)
  process.kill(old, 'SIGQUIT')
  await server.waitForLog(/info supervisor|warn supervisor/)
  await waitUntil(() => server.drainingWorkers().includes(old), 'the worker drains')
  client.socket.send('hello')
  assert.equal(await client.text(), `hello from ${old}`)
  assert.equal(await client.close().then(({ code }) => code), 1005)
  const [fresh] = await replaced(server, old, 1)
  assert.equal(await ask(server.port, '/'), String(fresh))
})

test('who does not leave within drainTimeoutMs is cut, and the exit code tells', async (t) => {
  const server = await startApp(t, STUBBORN, { workers: 1, timeouts: { drainTimeoutMs: MOMENT_MS } })
  const client = await openWebSocket(t, server.port)
  server.expectLog(/warn worker .*: out of time: cutting 1 connections, 0 waitUntil promises$/)
  server.signal('SIGQUIT')
  assert.equal((await client.closed).code, 1006)
  await server.ended({ code: 2 })
})

test('a stop tells those who listen, and ends well', async (t) => {
  const server = await startServer(t, { args: [ECHO_APP, '--workers', '1'] })
  const clients = await Promise.all(Array.from({ length: 8 }, () => openWebSocket(t, server.port)))
  server.signal('SIGTERM')
  for (const { closed } of clients) assert.equal((await closed).code, 1001)
  await server.ended()
})

test('an app that fails amid a message: the others are told to come back before the worker ends', async (t) => {
  const server = await startServer(t, {
    args: ['app.mjs', '--workers', '1'],
    files: {
      'app.mjs': STUBBORN.replace('socket, head }', 'socket, head, ending }').replace(
        "client.on('message'",
        "ending.onabort = () => client.close(1012)\n    client.on('message'",
      ),
    },
    // ws has lost its place in what the client sends: that one connection cannot say goodbye.
    log: [
      / error worker .*: uncaught exception while serving GET \/echo .*; this worker ends: Error: on purpose\\n/,
      / supervisor /,
      /out of time: cutting 1 conn/,
    ],
  })
  const old = server.workers()[0]!
  const [one, two] = [await openWebSocket(t, server.port), await openWebSocket(t, server.port)]
  one.socket.send('fail')
  assert.equal((await two.closed).code, 1012)
  assert.equal((await one.closed).code, 1012)
  await replaced(server, old, 1)
})

for (const model of ['event', 'prefork', 'fork']) {
  test(`in the model ${model}, a connection is taken over and ends`, async (t) => {
    const server = await startServer(t, {
      args: ['app.mjs', '--model', model],
      files: { 'app.mjs': SHOUT },
      log: [INFO],
    })
    for (let i = 0; i < 3; i++) {
      const client = await connectAndSend(t, server.port, `${SHOUT_ASKED}hello`)
      await client.until('HELLO')
      client.send(' again')
      await client.until('HELLO AGAIN')
      client.finish()
      assert.equal(await client.ended(), 'fin')
      assert.match(client.received.toString(), /^HTTP\/1\.1 101 .*\r\n\r\nHELLO AGAINbye$/s)
    }
    const told = await connectAndSend(t, server.port, SHOUT_ASKED)
    await told.until('\r\n\r\n')
    server.signal('SIGQUIT')
    assert.equal(await told.ended(), 'fin')
    assert.match(told.received.toString(), /the worker ends$/)
    told.finish()
    await server.ended()
  })
}

/** A tunnel to where it is asked to, of this machine; a name that resolves to nothing; all else is forbidden. */
const TUNNEL = `
import { connect as connectTo } from 'node:net'
import { pipeline } from 'node:stream'
export default () => new Response('no tunnel')
export function connect({ hostname, port, headers }, context) {
  if (headers.get('proxy-authorization') === null) {
    return new Response(null, { status: 407, headers: { 'proxy-authenticate': 'Basic realm="tunnel"' } })
  }
  if (hostname === 'answered.test') return new Response('200 without a tunnel')
  if (hostname !== '127.0.0.1') return new Response('not there\\n', { status: 403 })
  const { socket } = context.upgrade()
  const far = connectTo({ port, host: hostname, allowHalfOpen: true })
  far.once('connect', () => {
    socket.write('HTTP/1.1 200 Connection Established\\r\\n\\r\\n')
    pipeline(socket, far, () => {})
    pipeline(far, socket, () => {})
  })
  far.once('error', () => socket.end('HTTP/1.1 502 Bad Gateway\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n'))
}`
const AUTHORISED = 'Proxy-Authorization: Basic YTpi'

function connectHead(authority: string, ...fields: string[]): string {
  return [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...fields, '', ''].join('\r\n')
}

/** A server of bytes: says back what it is told, and what it is told last with a mark. */
async function echoServer(t: TestContext): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('data', (piece) => socket.write(piece)).on('end', () => socket.end(' (end)'))
  })
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

test('CONNECT: a tunnel through an app, half-closed as it comes', async (t) => {
  const far = await echoServer(t)
  const server = await startServer(t, { args: ['app.mjs', '--workers', '1'], files: { 'app.mjs': TUNNEL } })
  // What is meant for the far end may come with the head, and is no request.
  const client = await connectAndSend(t, server.port, `${connectHead(`127.0.0.1:${far}`, AUTHORISED)}early, `)
  await client.until('early, ')
  const large = 'x'.repeat(4_000_000)
  client.send(large)
  client.finish()
  assert.equal(await client.ended(), 'fin')
  assert.ok(
    client.received.toString() === `HTTP/1.1 200 Connection Established\r\n\r\nearly, ${large} (end)`,
    `${client.received.length} bytes`,
  )
})

test('CONNECT: what the app refuses is sent, the connection closed, and nothing behind it read', async (t) => {
  const server = await startServer(t, { args: ['app.mjs', '--workers', '1'], files: { 'app.mjs': TUNNEL } })
  const behind = `${request('GET /smuggled')}\x16\x03\x01`
  for (const [head, status] of [
    [connectHead('127.0.0.1:1'), 407],
    [connectHead('example.test:443', AUTHORISED), 403],
    [connectHead('answered.test:443', AUTHORISED), 501],
    [connectHead('127.0.0.1:0', AUTHORISED), 400],
    [connectHead('127.0.0.1:80', AUTHORISED, 'Content-Length: 0'), 400],
  ] as const) {
    const client = await connectAndSend(t, server.port, head + behind)
    const response = await client.response()
    assert.deepEqual([response.status, response.fields.get('connection')], [status, 'close'], head)
    await client.endsClean()
    client.finish()
  }
  const nobody = await connectAndSend(t, server.port, connectHead('127.0.0.1:1', AUTHORISED))
  assert.equal((await nobody.response()).status, 502)
  nobody.finish()
})

test('CONNECT: who offers no tunnel says so, and GET is answered as ever', async (t) => {
  for (const [args, files, status] of [
    [[], {}, 405],
    [['site'], { 'site/a.txt': 'a' }, 405],
    [['app.mjs'], { 'app.mjs': `export default () => new Response('app')` }, 501],
  ] as const) {
    const server = await startServer(t, { args: [...args, '--workers', '1'], files })
    const client = await connectAndSend(t, server.port, connectHead('example.test:443') + request('GET /smuggled'))
    const response = await client.response()
    assert.deepEqual([response.status, response.fields.has('allow')], [status, status === 405])
    await client.endsClean()
    client.finish()
    await server.stop()
  }
})

test('curl goes through the tunnel to another server', { skip: unless('curl') }, async (t) => {
  const far = await startServer(t, { args: ['site', '--workers', '1'], files: { 'site/a.txt': 'from afar' } })
  const server = await startServer(t, { args: ['app.mjs', '--workers', '1'], files: { 'app.mjs': TUNNEL } })
  const { status, text } = await curl([
    '--proxytunnel',
    '--proxy',
    `http://a:b@${server.authority}`,
    `${far.url}/a.txt`,
  ])
  assert.deepEqual([status, text], [200, 'from afar'])
})
