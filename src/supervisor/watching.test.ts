import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { receiveWithFds, type WatchingWord } from '../control/protocol.ts'
import { AF_INET, AF_UNIX, SOCK_STREAM } from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { accept4, bind, connect, getsockname, listen, socket } from '../kernel/socket.ts'
import { savedSyn } from '../kernel/tcp.ts'
import { type Demand, EVERYTHING, RingReader, TraceRings } from '../trace/rings.ts'
import { serverFor } from './control.test.support.ts'
import type { ControlClient, OnRequest } from './control-clients.ts'
import type { Listener } from './listeners.ts'
import { Watching } from './watching.ts'

const ALL: Demand = { connectionsPerSecond: EVERYTHING, stepsPerConnection: EVERYTHING }

function listenerFor(t: TestContext, domain: number = AF_INET): Fd {
  const fd = socket(domain, SOCK_STREAM)
  t.after(() => close(fd))
  bind(fd, socketAddress(domain === AF_INET ? '127.0.0.1' : `\0prefork-watching-${process.pid}`))
  listen(fd, 5)
  return fd
}

/** Of one TCP listener and one Unix listener. */
function watchingFor(t: TestContext) {
  const rings = TraceRings.create()
  t.after(() => close(rings.fd))
  const [tcp, unix] = [listenerFor(t), listenerFor(t, AF_UNIX)]
  const listeners = [tcp, unix].map((fd) => ({ sockets: [fd] }) as unknown as Listener)
  return { rings, watching: new Watching(rings, { listeners }), listeners, tcp }
}

const clientOf = (): ControlClient => ({ onLeft: () => assert.fail('nobody listens') })
const portOf = (fd: Fd) => (getsockname(fd) as { port: number }).port

/** Whether the kernel keeps the SYN of who comes now. */
function keepsSyn(t: TestContext, listener: Fd): boolean {
  const client = socket(AF_INET, SOCK_STREAM)
  connect(client, getsockname(listener))
  const accepted = accept4(listener, 0)!
  t.after(() => [client, accepted].forEach(close))
  return savedSyn(accepted) !== null
}

const closeAll = (fds: readonly Fd[]) => fds.forEach(close)

test('while somebody watches, workers write and the kernel keeps SYNs; then no more', (t) => {
  const { rings, watching, tcp } = watchingFor(t)
  assert.equal(keepsSyn(t, tcp), false)
  const client = clientOf()
  const { fds, ports } = watching.begin(client, ALL)
  closeAll(fds)
  assert.deepEqual(ports, [portOf(tcp)])
  assert.equal(rings.isWatched, true)
  assert.equal(keepsSyn(t, tcp), true)
  client.onLeft()
  assert.equal(rings.isWatched, false)
  assert.equal(keepsSyn(t, tcp), false)
  watching.end(client) // again, it is nothing
})

test('of several who watch the one who wants most decides', (t) => {
  const { rings, watching } = watchingFor(t)
  const [few, many] = [clientOf(), clientOf()]
  closeAll(watching.begin(few, { connectionsPerSecond: 50, stepsPerConnection: 200 }).fds)
  closeAll(watching.begin(many, { connectionsPerSecond: 60, stepsPerConnection: 100 }).fds)
  assert.deepEqual([rings.connectionsPerSecond, rings.stepsPerConnection], [60, 200])
  watching.end(few)
  assert.deepEqual([rings.connectionsPerSecond, rings.stepsPerConnection], [60, 100])
  closeAll(watching.begin(many, { connectionsPerSecond: 1, stepsPerConnection: 2 }).fds)
  assert.deepEqual([rings.connectionsPerSecond, rings.stepsPerConnection], [1, 2])
})

test('other listeners are watched, too, and who watches hears that there are others', (t) => {
  const { rings, watching, listeners } = watchingFor(t)
  const { fds } = watching.begin(clientOf(), ALL)
  const [ring, ...packets] = fds
  closeAll(packets)
  const reader = new RingReader(ring!)
  t.after(() => reader.close())
  const before = reader.listeners
  const added = listenerFor(t)
  listeners.push({ sockets: [added] } as unknown as Listener)
  watching.refresh()
  assert.equal(reader.listeners, before + 1)
  assert.equal(keepsSyn(t, added), true)
  assert.equal(rings.isWatched, true)
})

test('over the control socket: what is asked for, handed over, and given up', (t) => {
  const { rings, watching } = watchingFor(t)
  const onRequest: OnRequest = (request, reply, client) => {
    if (request.type === 'watch') return reply({ type: 'watching', ...watching.begin(client, request.demand) })
    watching.end(client)
    reply({ type: 'done', message: request.type })
  }
  const { connect: connectTo } = serverFor(t, onRequest)
  const client = connectTo()
  const before = readdirSync('/proc/self/fd').length
  client.say({ type: 'watch', demand: ALL })
  const { packet, fds } = receiveWithFds(client.fd)
  const word = packet as unknown as WatchingWord
  assert.equal(word.type, 'watching')
  assert.equal(fds.length, word.packetsMissing === null ? 3 : 1)
  assert.equal(readdirSync('/proc/self/fd').length, before + fds.length, 'the server has kept none')
  closeAll(fds)
  assert.equal(rings.isWatched, true)
  assert.deepEqual(client.say({ type: 'unwatch' }).heard(), [{ type: 'done', message: 'unwatch' }])
  assert.equal(rings.isWatched, false)

  closeAll(receiveWithFds(client.say({ type: 'watch', demand: ALL }).fd).fds)
  assert.equal(rings.isWatched, true)
  client.leave()
  assert.equal(rings.isWatched, false, 'it has left')
})

for (const demand of [
  undefined,
  null,
  {},
  { connectionsPerSecond: 0, stepsPerConnection: 1 },
  { ...ALL, stepsPerConnection: 1.5 },
  { ...ALL, connectionsPerSecond: 2 ** 31 },
]) {
  test(`a demand that is none is refused: ${JSON.stringify(demand)}`, (t) => {
    const { connect: connectTo } = serverFor(t, () => assert.fail('this was no request'))
    const heard = connectTo()
      .say({ type: 'watch', demand: demand as Demand })
      .heard()
    assert.equal((heard[0] as { type: string }).type, 'failed')
    assert.equal(heard[1], 'closed')
  })
}

test('one who watches does not make room for others who ask', (t) => {
  const { watching, rings } = watchingFor(t)
  const { connect: connectTo } = serverFor(t, (request, reply, client) => {
    if (request.type === 'watch') reply({ type: 'watching', ...watching.begin(client, request.demand) })
    else reply({ type: 'done', message: '' })
  })
  const watcher = connectTo()
  closeAll(receiveWithFds(watcher.say({ type: 'watch', demand: ALL }).fd).fds)
  for (let i = 0; i < 40; i++) connectTo().say({ type: 'status' })
  assert.equal(rings.isWatched, true)
  assert.deepEqual(watcher.heard(), [])
})
