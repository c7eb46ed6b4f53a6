/** Real connections over loopback. The calls block, so whatever one of them waits for has passed when it returns. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clock_gettime } from '../kernel/clock.ts'
import { AF_INET, AF_INET6, CLOCK_MONOTONIC, POLLIN, SHUT_WR, SOCK_NONBLOCK, SOCK_STREAM } from '../kernel/constants.ts'
import { ECONNRESET } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { allocate } from '../kernel/memory.ts'
import { poll } from '../kernel/poll.ts'
import { type SocketAddress, socketAddress } from '../kernel/sockaddr.ts'
import {
  accept4,
  bind,
  connect,
  getsockname,
  listen,
  recv,
  resetOnClose,
  send,
  shutdown,
  socket,
} from '../kernel/socket.ts'
import type { HandshakePacket } from './handshake-decoder.ts'
import { HandshakePackets, openHandshakePackets } from './handshake-packets.ts'

type Tcp = SocketAddress & { readonly address: string; readonly port: number }

const MANY = 100_000
const memory = allocate(64 * 1024)

class Scene {
  readonly listener: Fd
  readonly address: Tcp
  readonly turns: Fd
  readonly packets: HandshakePackets
  readonly #domain: number
  readonly #fds = new Set<Fd>()

  /** Null where this process may not: the test says so and is skipped. */
  static open(t: TestContext, host = '127.0.0.1', backlog = 7): Scene | null {
    const domain = host.includes(':') ? AF_INET6 : AF_INET
    const listener = listenerAt(host, backlog)
    t.after(() => close(listener))
    const address = getsockname(listener) as Tcp
    const sockets = openHandshakePackets([address.port])
    if (typeof sockets === 'string') {
      assert.equal(sockets, 'EPERM')
      t.skip('needs CAP_NET_RAW')
      return null
    }
    const scene = new Scene(domain, listener, address, sockets.turns, new HandshakePackets(sockets, [address.port]))
    t.after(() => scene.#close())
    return scene
  }

  private constructor(domain: number, listener: Fd, address: Tcp, turns: Fd, packets: HandshakePackets) {
    this.#domain = domain
    this.listener = listener
    this.address = address
    this.turns = turns
    this.packets = packets
  }

  client(flags = 0, domain = this.#domain): Fd {
    return this.#own(socket(domain, SOCK_STREAM | flags))
  }

  accept(listener = this.listener): Fd {
    return this.#own(accept4(listener, 0)!)
  }

  end(fd: Fd): void {
    this.#fds.delete(fd)
    close(fd)
  }

  read(budget = MANY): HandshakePacket[] {
    const packets: HandshakePacket[] = []
    this.packets.read((packet) => packets.push(packet), budget)
    return packets
  }

  #own(fd: Fd): Fd {
    this.#fds.add(fd)
    return fd
  }

  #close(): void {
    this.packets.close()
    this.#fds.forEach(close)
  }
}

function listenerAt(host: string, backlog: number): Fd {
  const listener = socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM)
  bind(listener, socketAddress(host))
  listen(listener, backlog)
  return listener
}

/** `in syn`, `out ack+fin`. */
function stepOf({ way, flags }: HandshakePacket): string {
  return `${way} ${Object.entries(flags)
    .flatMap(([name, isSet]) => (isSet ? name : []))
    .join('+')}`
}

const unexpected = (packet: HandshakePacket) => assert.fail(stepOf(packet))

for (const host of ['127.0.0.1', '::1']) {
  test(`a connection from ${host}: each step once, in order, with its time`, (t) => {
    const scene = Scene.open(t, host)
    if (scene === null) return
    const client = scene.client()
    const begun = clock_gettime(CLOCK_MONOTONIC)
    connect(client, scene.address)
    const connection = scene.accept()
    const connected = clock_gettime(CLOCK_MONOTONIC)
    const own = getsockname(client)
    send(client, memory, 0, 100)
    recv(connection, memory, 0, 100)
    shutdown(client, SHUT_WR)
    assert.equal(recv(connection, memory, 0, 1), 0)
    scene.end(connection)
    assert.equal(recv(client, memory, 0, 1), 0)
    const ended = clock_gettime(CLOCK_MONOTONIC)

    const packets = scene.read()
    assert.deepEqual(packets.map(stepOf), ['in syn', 'out syn+ack', 'in ack', 'in ack+fin', 'out ack+fin'])
    const [syn, synAck, ack, fin, ownFin] = packets
    for (const { client: of, port } of packets) assert.deepEqual([of, port], [own, scene.address.port])
    assert.equal(synAck!.ack, (syn!.seq + 1) >>> 0)
    assert.equal(ack!.ack, (synAck!.seq + 1) >>> 0)
    assert.equal(fin!.seq, (syn!.seq + 101) >>> 0)
    assert.equal(ownFin!.seq, ack!.ack)
    const times = packets.map(({ atMs }) => atMs)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
    const slack = 1 // of the clocks' difference
    assert.ok(times[0]! >= begun - slack && times[2]! <= connected + slack, `${begun} ${times} ${connected}`)
    assert.ok(times[3]! >= connected - slack && times[4]! <= ended + slack, `${connected} ${times} ${ended}`)
    const { mss, ttl, hasSack, hasTimestamps } = syn!.synOptions!
    assert.deepEqual([mss, ttl, hasSack, hasTimestamps], [host === '::1' ? 65_476 : 65_495, 64, true, true])
    assert.notEqual(synAck!.synOptions, null)
    assert.equal(ack!.synOptions, null)
    assert.deepEqual(scene.packets.dropped(), { turns: 0, acks: 0 })
    assert.equal(scene.packets.read(unexpected, MANY), 0, 'all has been read')
  })
}

test('an IPv4 client of an IPv6 listener is one of IPv4', (t) => {
  const scene = Scene.open(t, '::')
  if (scene === null) return
  const client = scene.client(0, AF_INET)
  connect(client, socketAddress('127.0.0.1', scene.address.port))
  scene.accept()
  assert.deepEqual(
    scene.read().map((packet) => [stepOf(packet), packet.client]),
    ['in syn', 'out syn+ack', 'in ack'].map((step) => [step, getsockname(client)]),
  )
})

test('connections to other ports are not seen', (t) => {
  const scene = Scene.open(t)
  if (scene === null) return
  const other = listenerAt('127.0.0.1', 7)
  t.after(() => close(other))
  const stranger = scene.client()
  connect(stranger, getsockname(other))
  scene.end(scene.accept(other))
  assert.equal(scene.packets.read(unexpected, MANY), 0)
})

test('a reset is seen, from either side', (t) => {
  const scene = Scene.open(t)
  if (scene === null) return
  for (const isByClient of [true, false]) {
    const client = scene.client()
    connect(client, scene.address)
    const connection = scene.accept()
    const [leaves, stays]: Fd[] = isByClient ? [client, connection] : [connection, client]
    resetOnClose(leaves!)
    scene.end(leaves!)
    assert.equal(recv(stays!, memory, 0, 1), -ECONNRESET)
    const way = isByClient ? 'in' : 'out'
    assert.deepEqual(scene.read().map(stepOf), ['in syn', 'out syn+ack', 'in ack', `${way} ack+rst`])
  }
})

test('a SYN that finds no room is seen again when it is sent again', (t) => {
  const scene = Scene.open(t, '127.0.0.1', 0)
  if (scene === null) return
  connect(scene.client(), scene.address) // the queue holds one
  const [first] = scene.read()
  const late = scene.client(SOCK_NONBLOCK)
  connect(late, scene.address)
  const packets: HandshakePacket[] = []
  const deadlineMs = 20_000
  while (packets.length < 2 && poll(scene.turns, POLLIN, deadlineMs) !== 0) {
    packets.push(...scene.read().filter(({ client }) => client.port !== first!.client.port))
  }
  assert.deepEqual(packets.map(stepOf), ['in syn', 'in syn'])
  assert.equal(packets[0]!.seq, packets[1]!.seq)
  assert.deepEqual(packets[0]!.client, getsockname(late))
  assert.ok(packets[1]!.atMs > packets[0]!.atMs)
})

test('the ACKs of a download are no steps', (t) => {
  const scene = Scene.open(t)
  if (scene === null) return
  const client = scene.client()
  connect(client, scene.address)
  const connection = scene.accept()
  assert.equal(scene.read().length, 3)
  for (let i = 0; i < 100; i++) {
    let left = send(connection, memory, 0, memory.bytes.length)
    while (left > 0) left -= recv(client, memory, 0, left)
  }
  assert.ok(scene.packets.read(unexpected, MANY) > 0, 'the kernel has kept some')
})

test('rings that nobody reads fill, tell how much is missing, and go on when they are read', (t) => {
  const scene = Scene.open(t)
  if (scene === null) return
  const connections = 3000 // 8192 frames for the turns, 2048 for the ACKs
  for (let i = 0; i < connections; i++) {
    const client = scene.client()
    connect(client, scene.address)
    const connection = scene.accept()
    resetOnClose(client)
    scene.end(client)
    assert.equal(recv(connection, memory, 0, 1), -ECONNRESET)
    scene.end(connection)
  }
  const missing = { turns: 3 * connections - 8192, acks: connections - 2048 }
  assert.deepEqual(scene.packets.dropped(), missing)
  const steps = { 'in syn': 0, 'out syn+ack': 0, 'in ack': 0, 'in ack+rst': 0 } as Record<string, number>
  let read = 0
  do {
    read = scene.packets.read((packet) => {
      steps[stepOf(packet)]! += 1
    }, 100)
    assert.ok(read <= 200, 'no more than what was asked for of each ring')
  } while (read > 0)
  assert.deepEqual(steps, { 'in syn': 2731, 'out syn+ack': 2731, 'in ack': 2048, 'in ack+rst': 2730 })
  const client = scene.client()
  connect(client, scene.address)
  scene.accept()
  assert.deepEqual(scene.read().map(stepOf), ['in syn', 'out syn+ack', 'in ack'])
  assert.deepEqual(scene.packets.dropped(), missing, 'of the whole life, not since it was asked')
})

test('the clocks may be measured anew', (t) => {
  const scene = Scene.open(t)
  if (scene === null) return
  scene.packets.measureClocks()
  const begun = clock_gettime(CLOCK_MONOTONIC)
  connect(scene.client(), scene.address)
  assert.ok(Math.abs(scene.read()[0]!.atMs - begun) < 10_000)
})

test('more ports than a filter takes', () => {
  assert.equal(openHandshakePackets(Array.from({ length: 65 }, (_, i) => i + 1)), 'E2BIG')
})
