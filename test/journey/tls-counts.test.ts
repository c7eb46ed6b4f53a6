/** What becomes of TLS handshakes: each counted once, whoever counted it and whatever became of him, and told where it should be. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import type { HandshakesStatus } from '../../src/control/tree-status.ts'
import { CONTROLLED, controlOf, statusOf, statusWhen, succeeds } from '../support/control.ts'
import { workerOf } from '../support/journey.ts'
import { startProgram, waitUntil } from '../support/program.ts'
import { connect, connectAndSend, type RawClient, request } from '../support/raw.ts'
import { PREFORK, type Server, startServer, undoAfter } from '../support/server.ts'
import {
  clientHello,
  clientPair,
  connectTls,
  HANDSHAKE_FAILURE,
  HELLO_BEGUN,
  overTls,
  plainPort,
} from '../support/tls.ts'
import { replaced, workersReady } from '../support/tree.ts'
import { openWebSocket, WS_PACKAGE } from '../support/websocket.ts'

const APP = `
import { WebSocketServer } from '${WS_PACKAGE}'
const webSockets = new WebSocketServer({ noServer: true, verifyClient: ({ secure, req }) => (req.isSecure = secure) || true })
export default (request, context) => {
  if (request.headers.get('upgrade') !== 'websocket') return new Response('hello')
  const { request: asked, socket, head } = context.upgrade()
  const told = JSON.stringify([socket.encrypted, 'encrypted' in socket])
  webSockets.handleUpgrade(asked, socket, head, (client) => client.send(told + asked.isSecure))
}`

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
const INFO = / info supervisor /
const DEBUG = / debug /
const NONE: HandshakesStatus = { full: 0, resumed: 0, failed: 0 }

async function start(t: TestContext, args: readonly string[], config: object = {}, log = [INFO]): Promise<Server> {
  const { files, ...options } = overTls({ config: { target: './app.mjs', workers: 1, ...config } })
  const text = `export default ${JSON.stringify({ ...options.config, tls: { ...options.config.tls, ...CLIENTS } })}\n`
  const server = await startServer(t, {
    anyPort: options.anyPort,
    args: [...CONTROLLED, ...args],
    files: { ...files, 'app.mjs': APP, 'prefork.config.mjs': text },
    log,
  })
  return server
}

const CLIENTS = { clientCertificates: 'optional', clientCa: './ca.pem' }

/** One request, and the end; what it could come back with. */
async function visit(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<Buffer> {
  const client = await connectTls(t, port, options)
  const sessions: Buffer[] = []
  client.socket.on('session', (session: Buffer) => sessions.push(session))
  client.send(request('GET /', 'Connection: close'))
  assert.equal((await client.response()).status, 200)
  assert.equal(client.socket.isSessionReused(), options.session !== undefined)
  const session = sessions.at(-1) ?? client.socket.getSession() // with TLS 1.2 it has come with the handshake
  await client.ended()
  return session!
}

async function handshakesAre(t: TestContext, server: Server, wanted: HandshakesStatus): Promise<void> {
  let last = ''
  const isSo = ({ totals: { handshakes } }: { totals: { handshakes: HandshakesStatus | null } }) => {
    last = JSON.stringify(handshakes)
    return last === JSON.stringify(wanted)
  }
  await statusWhen(t, server, isSo).catch(() => assert.equal(last, JSON.stringify(wanted)))
}

/** By node:tls, which may think that it has finished. */
async function isTurnedAway(t: TestContext, port: number, options: ConnectionOptions): Promise<void> {
  const asked = connectTls(t, port, options).then((client) => {
    client.send(request('GET /'))
    return client.response()
  })
  await assert.rejects(asked)
}

async function isCutOff(client: RawClient): Promise<void> {
  await client.ended()
  client.leave()
}

/** Every way to fail, and what the log says of it. */
const FAILURES: readonly (readonly [RegExp, (t: TestContext, port: number) => Promise<void>])[] = [
  [
    /no shared cipher$/,
    (t, port) => isTurnedAway(t, port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-SHA' }),
  ],
  [/no application protocol$/, (t, port) => isTurnedAway(t, port, { ALPNProtocols: ['h2'] })],
  [
    /unsupported protocol$/,
    (t, port) => isTurnedAway(t, port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }),
  ],
  [/certificate verify failed$/, (t, port) => isTurnedAway(t, port, clientPair('stranger', null))],
  [
    /alert handshake failure$/,
    async (t, port) => {
      const bytes = Buffer.concat([await clientHello(t), HANDSHAKE_FAILURE])
      await isCutOff(await connectAndSend(t, port, bytes))
    },
  ],
  [
    /plain HTTP on a port of TLS$/,
    async (t, port) => {
      const client = await connectAndSend(t, port, request('GET /'))
      assert.equal((await client.response()).status, 400)
      await isCutOff(client)
    },
  ],
  [/wrong version number$/, async (t, port) => isCutOff(await connectAndSend(t, port, 'SSH-2.0-OpenSSH_9.6\r\n'))],
  [
    /the client left in the midst of it$/,
    async (t, port) => {
      const client = await connectAndSend(t, port, HELLO_BEGUN)
      client.finish()
      await isCutOff(client)
    },
  ],
  [
    /the client left in the midst of it$/,
    async (t, port) => {
      const client = await connectAndSend(t, port, await clientHello(t))
      await client.atLeast(1)
      client.finish()
      await isCutOff(client)
    },
  ],
  [
    /the client (?:left in the midst of it|broke the connection)$/, // whichever comes first, its bytes or its reset
    async (t, port) => {
      const client = await connectAndSend(t, port, await clientHello(t))
      await client.atLeast(1)
      client.reset()
    },
  ],
]

test('in full, resumed, failed: each is counted once, and told by whoever tells of the server', async (t) => {
  const server = await start(t, ['--log-level', 'debug', '--admin', '127.0.0.1:0'], {}, [INFO, DEBUG])
  assert.deepEqual((await statusOf(t, server)).totals.handshakes, NONE)
  for (const version of VERSIONS) {
    const only = { minVersion: version, maxVersion: version }
    let session = await visit(t, server.port, only)
    for (let i = 0; i < 2; i++) await visit(t, server.port, only)
    for (let i = 0; i < 2; i++) session = await visit(t, server.port, { ...only, session })
  }
  await handshakesAre(t, server, { full: 6, resumed: 4, failed: 0 })
  for (const [i, [pattern, fail]] of FAILURES.entries()) {
    await fail(t, server.port)
    await handshakesAre(t, server, { full: 6, resumed: 4, failed: i + 1 })
    const told = server.log.filter((line) => / debug worker .*: TLS handshake of /.test(line))
    assert.equal(told.length, i + 1, told.join('\n'))
    assert.ok(told[i]!.includes(`: TLS handshake of 127.0.0.1 at ${server.authority} failed: `), told[i])
    assert.match(told[i]!, pattern)
  }
  // Nobody has begun a handshake here.
  for (const port of [server.port, await plainPort(server)]) (await connect(t, port)).leave()
  await statusWhen(t, server, ({ totals }) => totals.accepted === 12 + FAILURES.length && totals.connections === 0)
  const { totals, workers } = await statusOf(t, server)
  const failed = FAILURES.length
  assert.deepEqual(totals.handshakes, { full: 6, resumed: 4, failed })
  assert.deepEqual(workers[0]!.handshakes, totals.handshakes)

  const text = await succeeds(t, server, 'status')
  assert.ok(text.includes(`TLS    6 full handshakes, 4 resumed, ${failed} failed`), text.join('\n'))
  const line = await server.waitForLog(/ info supervisor .*: tells of itself at /)
  const metrics = await (await fetch(`${/http:\S+(?=\/$)/.exec(line)![0]}/metrics`)).text()
  for (const [result, count] of Object.entries({ full: 6, resumed: 4, failed }))
    assert.ok(metrics.includes(`\nprefork_tls_handshakes_total{result="${result}"} ${count}\n`), metrics)
})

test('one that nothing comes through is counted when its connection ends', async (t) => {
  const server = await start(t, [])
  const client = await connectTls(t, server.port)
  await statusWhen(t, server, ({ totals }) => totals.connections === 1)
  client.leave()
  await handshakesAre(t, server, { ...NONE, full: 1 })
})

test('who stalls in it meets the deadline, and has failed; who says nothing has not begun', async (t) => {
  const timeouts = { headMs: 300, idleMs: 300 }
  const server = await start(t, ['--log-level', 'debug'], { timeouts }, [INFO, DEBUG])
  const silent = await connect(t, server.port)
  const slow = await connectAndSend(t, server.port, HELLO_BEGUN)
  assert.deepEqual([await silent.ended(), await slow.ended()], ['fin', 'fin'])
  await server.waitForLog(/TLS handshake of 127\.0\.0\.1 .* failed: it took longer than timeouts\.headMs$/)
  await statusWhen(t, server, ({ totals }) => totals.connections === 0)
  await handshakesAre(t, server, { ...NONE, failed: 1 })
})

test('what workers that are gone had counted is kept: one that was killed, those of an old generation', async (t) => {
  const server = await start(t, []) // at the usual level nothing is logged of a stranger
  await workersReady(server, 1)
  const failOnce = FAILURES[6]![1]
  const session = await visit(t, server.port)
  await failOnce(t, server.port)
  await handshakesAre(t, server, { full: 1, resumed: 0, failed: 1 })

  const worker = workerOf(server)
  server.expectLog(/ warn supervisor .*: worker 0 \(pid \d+\) /)
  process.kill(worker, 'SIGKILL')
  await replaced(server, worker, 1)
  await handshakesAre(t, server, { full: 1, resumed: 0, failed: 1 })
  await visit(t, server.port, { session })
  await failOnce(t, server.port)
  await handshakesAre(t, server, { full: 1, resumed: 1, failed: 2 })

  await succeeds(t, server, 'reload')
  await visit(t, server.port, { session })
  await visit(t, server.port)
  const { workers } = await statusWhen(t, server, (status) => status.workers.length === 1)
  assert.equal(workers[0]!.generation, 2)
  await handshakesAre(t, server, { full: 2, resumed: 2, failed: 2 })
})

for (const [model, accept] of [
  ['prefork', 'shared'],
  ['fork', 'parent'],
  ['event', 'parent'],
  ['event', 'reuseport'],
] as const) {
  test(`the model ${model}, accept ${accept}`, async (t) => {
    const server = await start(t, ['--model', model, '--accept', accept])
    const session = await visit(t, server.port)
    await visit(t, server.port, { session })
    for (const [, fail] of FAILURES.slice(4, 7)) await fail(t, server.port)
    await handshakesAre(t, server, { full: 1, resumed: 1, failed: 3 })
  })
}

test('a connection that is taken over says whether it is encrypted, as node:http does', async (t) => {
  const server = await start(t, [])
  const secure = await openWebSocket(t, server.port, { scheme: 'wss', rejectUnauthorized: false })
  assert.equal(await secure.text(), '[true,true]true')
  await handshakesAre(t, server, { ...NONE, full: 1 })
  const plain = await openWebSocket(t, await plainPort(server))
  assert.equal(await plain.text(), '[null,false]false')
  for (const client of [secure, plain]) await client.close()
  await handshakesAre(t, server, { ...NONE, full: 1 })
})

test('prefork trace tells how a handshake ended', async (t) => {
  const server = await start(t, [])
  const trace = startProgram(t, [PREFORK, 'trace', '--control', controlOf(server)], { cwd: server.cwd })
  undoAfter(t, async () => assert.equal((await trace.stop('SIGINT')).code, 0))
  await waitUntil(() => trace.stderr.some((line) => line.startsWith('watching pid ')), 'it watches')
  const told = (pattern: RegExp) => waitUntil(() => trace.stdout.some((line) => pattern.test(line)), String(pattern))
  const session = await visit(t, server.port)
  await told(/The TLS handshake is over: TLSv1\.3, TLS_AES_\w+ for localhost$/)
  await visit(t, server.port, { session })
  await told(/The TLS handshake is over: TLSv1\.3, TLS_AES_\w+ for localhost, by a ticket$/)
  const begun = Buffer.from('16030100050100010003', 'hex') // a record with the first bytes of a ClientHello
  const client = await connectAndSend(t, server.port, Buffer.concat([begun, Buffer.from('and no other record')]))
  const name = `127.0.0.1:${client.port}`
  await isCutOff(client)
  await told(/Closed, after 0 requests$/)
  const own = trace.stdout.filter((line) => line.includes(name)).join('\n')
  assert.match(own, /The TLS handshake failed: wrong version number\n.* SSL_read\(\d+\) = -1 EPROTO /)
})
