/**
 * Datagram sockets: whole messages, each with its sender's address.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AF_INET, AF_INET6, AF_UNIX, MSG_DONTWAIT, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } from './constants.ts'
import { close, type Fd } from './fd.ts'
import { memfd_create, write } from './file.ts'
import { allocate, memoryOf } from './memory.ts'
import { domainOf, type SocketAddress, socketAddress } from './sockaddr.ts'
import { bind, connect, getsockname, PeerAddress, recv, recvfrom, send, sendto, socket, socketpair } from './socket.ts'

function boundTo(t: TestContext, address: SocketAddress): Fd {
  const fd = socket(domainOf(address), SOCK_DGRAM)
  t.after(() => close(fd))
  bind(fd, address)
  return fd
}

function hasIPv6(): boolean {
  try {
    const fd = socket(AF_INET6, SOCK_DGRAM)
    try {
      bind(fd, socketAddress('::1'))
      return true
    } finally {
      close(fd)
    }
  } catch {
    return false
  }
}

const FAMILIES = [
  { name: 'IPv4', a: socketAddress('127.0.0.1'), b: socketAddress('127.0.0.1'), skip: false },
  { name: 'IPv6', a: socketAddress('::1'), b: socketAddress('::1'), skip: !hasIPv6() && 'no IPv6 loopback' },
  {
    name: 'Unix',
    a: socketAddress(`\0kernel-datagram-a-${process.pid}`),
    b: socketAddress(`\0kernel-datagram-b-${process.pid}`),
    skip: false,
  },
] as const

for (const { name, a, b, skip } of FAMILIES) {
  test(`${name}: sendto and recvfrom, there and back`, { skip }, (t) => {
    const client = boundTo(t, a)
    const server = boundTo(t, b)
    const memory = allocate(64)
    const peer = new PeerAddress()

    assert.equal(sendto(client, memoryOf(Buffer.from('question')), 8, 0, getsockname(server)), 8)
    assert.equal(recvfrom(server, memory, 0, peer), 8)
    assert.equal(memory.bytes.toString('latin1', 0, 8), 'question')
    assert.deepEqual(peer.read(), getsockname(client))

    assert.equal(sendto(server, memoryOf(Buffer.from('answer')), 6, 0, peer.read()), 6)
    assert.equal(recvfrom(client, memory, 0, peer), 6)
    assert.deepEqual(peer.read(), getsockname(server))
  })
}

test('datagrams keep their bounds: one each, an empty one too, a long one cut', (t) => {
  const server = boundTo(t, socketAddress('127.0.0.1'))
  const client = boundTo(t, socketAddress('127.0.0.1'))
  for (const text of ['one', '', 'a longer one']) {
    sendto(client, memoryOf(Buffer.from(`${text}.`)), text.length, 0, getsockname(server))
  }
  const memory = allocate(8)
  const peer = new PeerAddress()
  assert.equal(recvfrom(server, memory, 0, peer), 3)
  assert.equal(recvfrom(server, memory, 0, peer), 0)
  assert.equal(recvfrom(server, memory, 0, peer), 8)
  assert.equal(recvfrom(server, memory, MSG_DONTWAIT, peer), null, 'the rest is gone')
})

test('sendto answers null when the buffer is full', (t) => {
  const address = socketAddress(`\0kernel-datagram-full-${process.pid}`)
  boundTo(t, address)
  const client = socket(AF_UNIX, SOCK_DGRAM)
  t.after(() => close(client))
  const memory = allocate(1024)
  let sent = 0
  while (sendto(client, memory, 1024, MSG_DONTWAIT, address) !== null) sent++
  assert.ok(sent > 0)
})

test('sendto throws for an address it cannot reach, recvfrom for what is no socket', (t) => {
  const client = socket(AF_UNIX, SOCK_DGRAM)
  t.after(() => close(client))
  const file = memfd_create('no socket')
  t.after(() => close(file))
  const nobody = socketAddress(`\0kernel-nobody-${process.pid}`)
  assert.throws(() => sendto(client, allocate(1), 1, 0, nobody), { syscall: 'sendto', code: 'ECONNREFUSED' })
  assert.throws(() => recvfrom(file, allocate(1), 0, new PeerAddress()), { syscall: 'recvfrom', code: 'ENOTSOCK' })
})

test('a sender without a name has an empty path, whoever was read before', (t) => {
  const peer = new PeerAddress()
  const memory = allocate(8)
  const named = boundTo(t, socketAddress('127.0.0.1'))
  sendto(named, memory, 1, 0, getsockname(named))
  recvfrom(named, memory, 0, peer)
  assert.equal(peer.read().family, 'IPv4')

  const [near, far] = socketpair(AF_UNIX, SOCK_DGRAM)
  t.after(() => [near, far].forEach(close))
  write(far, Buffer.from('x'))
  assert.equal(recvfrom(near, memory, 0, peer), 1)
  assert.deepEqual(peer.read(), { family: 'Unix', path: '' })
})

test('connect gives a datagram socket one peer: send and recv need no address', (t) => {
  const server = boundTo(t, socketAddress('127.0.0.1'))
  const client = socket(AF_INET, SOCK_DGRAM)
  t.after(() => close(client))
  assert.equal(connect(client, getsockname(server)), true)
  const memory = memoryOf(Buffer.from('to you'))
  assert.equal(send(client, memory, 0, 6), 6)
  assert.equal(recv(server, allocate(8), 0, 8), 6)
})

test('socketpair joins two sockets of a type; IPv4 has none', (t) => {
  for (const type of [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]) {
    const [near, far] = socketpair(AF_UNIX, type)
    t.after(() => [near, far].forEach(close))
    assert.notEqual(near, far)
    write(near, Buffer.from('to'))
    write(far, Buffer.from('fro'))
    assert.equal(recv(far, allocate(8), 0, 8), 2)
    assert.equal(recv(near, allocate(8), 0, 8), 3)
  }
  assert.throws(() => socketpair(AF_INET, SOCK_STREAM), { syscall: 'socketpair', code: 'EOPNOTSUPP' })
})
