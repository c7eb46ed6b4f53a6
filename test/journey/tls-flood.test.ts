/**
 * Hundreds of handshakes at once, and clients who have theirs behind them: those do not
 * wait for the crowd.
 *
 * The one worker stands still while the crowd says hello and, behind all of it, requests
 * are sent; then it goes on. What it has written by the time the requests are answered
 * strace tells, in its order.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as startTls } from 'node:tls'
import { HANDSHAKES_PER_ROUND } from '../../src/net/handshake-turns.ts'
import { unless } from '../support/curl.ts'
import { workerOf } from '../support/journey.ts'
import { freeze } from '../support/processes.ts'
import { waitUntil } from '../support/program.ts'
import { open, request } from '../support/raw.ts'
import { type Server, startServer } from '../support/server.ts'
import { callsWhile, type SystemCall } from '../support/strace.ts'
import { AUTHORITY, connectTls, overTls, type TlsClient } from '../support/tls.ts'

const CROWD = 200
const WAVES = 3
const ESTABLISHED = 3
/** Enough, so that each is sent in the midst of some wave. */
const REQUESTS_EACH = 5

const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).map(Number)

/** What `make` opens in the worker. */
async function newDescriptors(pid: number, count: number, make: () => Promise<unknown>): Promise<Set<number>> {
  const before = new Set(descriptors(pid))
  await make()
  const fresh = () => descriptors(pid).filter((fd) => !before.has(fd))
  await waitUntil(() => fresh().length >= count, `the worker has taken ${count}`)
  return new Set(fresh())
}

const WRITES = ['write', 'writev', 'sendto', 'sendmsg']

/** The descriptors that were written to, in the order of the first time. */
function writtenTo(calls: readonly SystemCall[]): number[] {
  const fds = calls.flatMap(({ name, args }) => (WRITES.includes(name) ? [Number.parseInt(args, 10)] : []))
  return [...new Set(fds)]
}

/** A handshake over a connection that was made before: its first bytes are sent by the time this returns. */
async function sayHello(t: TestContext, socket: Socket): Promise<{ readonly finished: Promise<unknown> }> {
  const secure = startTls({ socket, servername: 'localhost', ca: AUTHORITY })
  t.after(() => secure.destroy())
  const finished = once(secure, 'secureConnect')
  finished.catch(() => {}) // it is looked at later
  await waitUntil(() => socket.bytesWritten > 0, 'a client has said hello')
  return { finished }
}

async function wave(t: TestContext, port: number, worker: number, clients: readonly TlsClient[], known: Set<number>) {
  const sockets: Socket[] = []
  const crowd = await newDescriptors(worker, CROWD, async () => {
    for (let i = 0; i < CROWD; i++) sockets.push(await open(port))
  })
  await freeze(worker)
  const calls = await callsWhile(worker, async () => {
    const hellos: { readonly finished: Promise<unknown> }[] = []
    for (const socket of sockets) hellos.push(await sayHello(t, socket))
    for (const client of clients) client.send(request('GET /').repeat(REQUESTS_EACH))
    process.kill(worker, 'SIGCONT')
    for (const client of clients)
      for (const { status } of await client.responses(REQUESTS_EACH)) assert.equal(status, 200)
    for (const { finished } of hellos) await finished
  })
  for (const socket of sockets) socket.destroy()
  await waitUntil(() => descriptors(worker).every((fd) => !crowd.has(fd)), 'the crowd has gone')
  const order = writtenTo(calls).filter((fd) => crowd.has(fd) || known.has(fd))
  assert.equal(order.filter((fd) => crowd.has(fd)).length, CROWD, 'each of the crowd was answered')
  return order.findLastIndex((fd) => known.has(fd)) + 1 - clients.length
}

function start(t: TestContext, timeouts: object): Promise<Server> {
  const { config, ...options } = overTls({ config: { workers: 1, timeouts } })
  const files = { ...options.files, 'prefork.config.mjs': `export default ${JSON.stringify(config)}\n` }
  return startServer(t, { ...options, files })
}

const HEAD_MS = 2_000

test('who says hello while the worker stands still is served, however long that is', async (t) => {
  const server = await start(t, { headMs: HEAD_MS })
  const worker = workerOf(server)
  const sockets: Socket[] = []
  await newDescriptors(worker, CROWD, async () => {
    for (let i = 0; i < CROWD; i++) sockets.push(await open(server.port))
  })
  await freeze(worker)
  const hellos: { readonly finished: Promise<unknown> }[] = []
  for (const socket of sockets) hellos.push(await sayHello(t, socket))
  const begunAt = performance.now()
  await waitUntil(() => performance.now() - begunAt > HEAD_MS, 'all of them have waited longer than they may')
  process.kill(worker, 'SIGCONT')
  for (const { finished } of hellos) await finished
})

test('who has shaken hands is answered before a crowd that has not', { skip: unless('strace') }, async (t) => {
  const server = await start(t, {})
  const worker = workerOf(server)
  const clients: TlsClient[] = []
  const known = await newDescriptors(worker, ESTABLISHED, async () => {
    for (let i = 0; i < ESTABLISHED; i++) {
      clients.push(await connectTls(t, server.port)) // as browsers do it: connected, and nothing asked for yet
    }
  })
  for (let i = 0; i < WAVES; i++) {
    const before = await wave(t, server.port, worker, clients, known)
    assert.ok(before <= HANDSHAKES_PER_ROUND, `${before} of the crowd were answered before them`)
    assert.equal(workerOf(server), worker)
  }
})
