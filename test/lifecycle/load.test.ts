/** The load sees what goes wrong: against servers that do wrong, each in its own way. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import { mulberry32 } from '../support/random.ts'
import { type Failure, type Figures, Load } from './load.ts'
import { wasInFlight } from './victims.ts'

const REQUESTS = 10

/** What clients come to at a server that does this with the bytes of every request. */
async function loaded(t: TestContext, kind: Failure['kind'], serve: (socket: Socket, head: string) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => serve(socket, bytes.toString('latin1')))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    // Who else has found this port, looking for a server that had it before, may never leave by itself.
    for (const socket of sockets) socket.destroy()
  })
  return figuresOf((server.address() as AddressInfo).port, kind)
}

async function figuresOf(port: number, kind: Failure['kind']): Promise<Figures> {
  const clients = { keepAlive: kind === 'keep-alive' ? 3 : 0, oneShot: kind === 'one-shot' ? 3 : 0 }
  const load = new Load(port, mulberry32(1), clients)
  await waitUntil(() => load.requests >= REQUESTS, `${REQUESTS} requests`)
  return load.stop()
}

/** The one answer that is right, whatever was asked. */
function answer(head: string, ...fields: string[]): string {
  const [, path, id] = /^\w+ \/(\w+)\/(\S+)/.exec(head)!
  const body = id!.repeat(path === 'large' ? 4_000 : path === 'stream' ? 8 : 1)
  return ['HTTP/1.1 200 OK', 'X-Pid: 7', `Content-Length: ${body.length}`, ...fields, '', body].join('\r\n')
}

const KINDS = ['keep-alive', 'one-shot'] as const
const CLOSE = 'Connection: close'

function allFailed({ failures, requests }: Figures, what: RegExp): void {
  assert.equal(failures.length, requests)
  for (const failure of failures) assert.match(failure.what, what)
}

test('at a server that does right nothing fails, and connections are kept', async (t) => {
  const kept = await loaded(t, 'keep-alive', (socket, head) => socket.write(answer(head)))
  assert.deepEqual([kept.failures, kept.connections, kept.pids], [[], 3, 1])
  const closed = await loaded(t, 'one-shot', (socket, head) => socket.end(answer(head, CLOSE)))
  assert.deepEqual([closed.failures, closed.connections], [[], closed.requests])
})

test('a keep-alive client comes again after Connection: close, and after an end that cut nothing', async (t) => {
  const told = await loaded(t, 'keep-alive', (socket, head) => socket.end(answer(head, CLOSE)))
  assert.deepEqual([told.failures, told.connections, told.endedIdle], [[], told.requests, 0])
  const untold = await loaded(t, 'keep-alive', (socket, head) => socket.end(answer(head)))
  assert.deepEqual(untold.failures, [])
  assert.ok(untold.endedIdle > 0)
})

for (const kind of KINDS) {
  test(`a ${kind} request has failed when its connection ends, breaks, or brings less than an answer`, async (t) => {
    allFailed(await loaded(t, kind, (socket) => socket.end()), /^fin before a response .* 0 bytes/)
    allFailed(await loaded(t, kind, (socket) => socket.resetAndDestroy()), /^rst before a response .* 0 bytes/)
    allFailed(await loaded(t, kind, (socket, head) => socket.end(answer(head).slice(0, -1))), /^fin before/)
  })

  test(`a ${kind} request has failed when the answer is another's, an error, or has no end of its own`, async (t) => {
    const another = (head: string) => answer(head.replace('/now/k', '/now/x').replace(/ \/(\w+)\/\w/, ' /$1/x'), CLOSE)
    allFailed(await loaded(t, kind, (socket, head) => socket.end(another(head))), /an answer to something else/)
    const error = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
    allFailed(await loaded(t, kind, (socket) => socket.end(error)), /status/)
    const endless = (head: string) => answer(head, CLOSE).replace(/Content-Length: \d+\r\n/, '')
    allFailed(await loaded(t, kind, (socket, head) => socket.end(endless(head))), /whose end nothing tells/)
  })

  test(`a ${kind} client counts what comes after the last answer`, async (t) => {
    allFailed(await loaded(t, kind, (socket, head) => socket.end(`${answer(head, CLOSE)}x`)), /after the last response/)
  })
}

test('a reset of an idle connection is a failure', async (t) => {
  let before: Socket | null = null
  const { failures } = await loaded(t, 'keep-alive', (socket, head) => {
    if (before !== socket) before?.resetAndDestroy() // which has its answer by now
    before = socket
    socket.write(answer(head))
  })
  assert.ok(failures.some(({ what }) => /^rst while idle/.test(what)))
})

test('a one-shot client wants to be told that the connection ends', async (t) => {
  allFailed(await loaded(t, 'one-shot', (socket, head) => socket.end(answer(head))), /did not say that it would/)
})

test('nobody listens: every attempt has failed', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const load = new Load(port, mulberry32(1), { keepAlive: 1, oneShot: 1 })
  const { failures, requests } = await load.stop()
  assert.equal(requests, 0)
  assert.equal(failures.length, 2)
  for (const { what } of failures) assert.match(what, /^no connection: .*ECONNREFUSED/)
})

test('a failure is laid to a death only if the dead worker held its connection, then', () => {
  const failure = { kind: 'one-shot', what: '', id: 'a', port: 5, since: 10, at: 30, pid: 0 } as const
  const death = { pid: 1, at: 20, ports: new Set([4, 5]), queued: new Set<number>() }
  assert.equal(wasInFlight(failure, [death]), true)
  assert.equal(wasInFlight(failure, [{ ...death, ports: new Set([4]), queued: new Set([5]) }]), false)
  assert.equal(wasInFlight({ ...failure, since: 21 }, [death]), false)
  assert.equal(wasInFlight({ ...failure, at: 19 }, [death]), false)
  assert.equal(wasInFlight(failure, []), false)
})
