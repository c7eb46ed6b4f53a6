/**
 * Stream sockets over the loopback. Everything is in this one thread: the kernel
 * finishes a handshake without the server's program, so connect returns before
 * accept4 is called.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  MSG_DONTWAIT,
  MSG_PEEK,
  SHUT_WR,
  SIG_DFL,
  SIG_IGN,
  SIGPIPE,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from './constants.ts'
import { EAGAIN, ECONNRESET, EPIPE, type SyscallError } from './errno.ts'
import { close, type Fd, isOpen } from './fd.ts'
import { memfd_create } from './file.ts'
import { bind as bindFunction } from './libc.ts'
import { allocate, memoryOf } from './memory.ts'
import { signal } from './process.ts'
import { domainOf, type SocketAddress, socketAddress } from './sockaddr.ts'
import {
  accept4,
  bind,
  connect,
  getpeername,
  getsockname,
  listen,
  PeerAddress,
  recv,
  send,
  setsockopt,
  shutdown,
  socket,
} from './socket.ts'

const folder = mkdtempSync(join(tmpdir(), 'kernel-socket-'))
after(() => rmSync(folder, { recursive: true }))

/** Closes what is still open when the test ends. */
function closing<T extends Fd>(t: TestContext, fd: T): T {
  t.after(() => {
    if (isOpen(fd)) close(fd)
  })
  return fd
}

function listenerOn(t: TestContext, address: SocketAddress, flags = 0): Fd {
  const listener = closing(t, socket(domainOf(address), SOCK_STREAM | SOCK_CLOEXEC | flags))
  bind(listener, address)
  listen(listener, 5)
  return listener
}

/** A connection from both ends. */
function connection(t: TestContext, address = socketAddress('127.0.0.1'), flags = 0): { client: Fd; server: Fd } {
  const listener = listenerOn(t, address)
  const client = closing(t, socket(domainOf(address), SOCK_STREAM))
  assert.equal(connect(client, getsockname(listener)), true)
  const server = closing(t, accept4(listener, flags)!)
  return { client, server }
}

function say(fd: Fd, text: string): number {
  const bytes = Buffer.from(text)
  return send(fd, memoryOf(bytes), 0, bytes.length)
}

/** What arrived, or the negative errno. */
function hear(fd: Fd, flags = 0): string | number {
  const memory = allocate(1024)
  const result = recv(fd, memory, 0, 1024, flags)
  return result < 0 ? result : memory.bytes.toString('utf8', 0, result)
}

/** Why IPv6 cannot be tested here, if it cannot. */
function withoutIPv6(): string | false {
  try {
    const fd = socket(AF_INET6, SOCK_STREAM)
    try {
      bind(fd, socketAddress('::1'))
    } finally {
      close(fd)
    }
    return false
  } catch (error) {
    return `no IPv6 loopback: ${(error as SyscallError).message}`
  }
}

const FAMILIES = [
  { name: 'IPv4', address: socketAddress('127.0.0.1'), skip: false },
  { name: 'IPv6', address: socketAddress('::1'), skip: withoutIPv6() },
  { name: 'Unix', address: socketAddress(join(folder, 'site.sock')), skip: false },
  { name: 'abstract Unix', address: socketAddress(`\0kernel-socket-test-${process.pid}`), skip: false },
] as const

for (const { name, address, skip } of FAMILIES) {
  test(`${name}: socket, bind, listen, connect, accept4, send, recv, close`, { skip }, (t) => {
    const listener = listenerOn(t, address)
    const bound = getsockname(listener)
    assert.deepEqual(bound, 'port' in address ? { ...address, port: 'port' in bound ? bound.port : -1 } : address)
    assert.ok(!('port' in bound) || bound.port > 0, 'the kernel chose a port')

    const client = closing(t, socket(domainOf(address), SOCK_STREAM))
    assert.equal(connect(client, bound), true)
    const peer = new PeerAddress()
    const server = closing(t, accept4(listener, SOCK_CLOEXEC, peer)!)

    assert.deepEqual(peer.read(), getsockname(client), 'accept4 names the client')
    assert.deepEqual(getpeername(server), getsockname(client))
    assert.deepEqual(getpeername(client), bound)

    assert.equal(say(client, '안녕'), 6)
    assert.equal(hear(server), '안녕')
    assert.equal(say(server, 'hello'), 5)
    assert.equal(hear(client), 'hello')
    close(server)
    assert.equal(hear(client), '', 'the end')
  })
}

test('recv and send use the part of the memory they are told', (t) => {
  const { client, server } = connection(t)
  const memory = memoryOf(Buffer.from('0123456789'))
  assert.equal(send(client, memory, 3, 4), 4)
  const into = allocate(10)
  assert.equal(recv(server, into, 5, 2), 2)
  assert.equal(recv(server, into, 0, 2), 2)
  assert.equal(into.bytes.toString('latin1'), '56\0\0\x0034\0\0\0')
})

test('MSG_PEEK looks and leaves', (t) => {
  const { client, server } = connection(t)
  say(client, 'twice')
  assert.equal(hear(server, MSG_PEEK), 'twice')
  assert.equal(hear(server), 'twice')
})

test('accept4 takes the oldest first, and gives null when the queue is empty', (t) => {
  const listener = listenerOn(t, socketAddress('127.0.0.1'), SOCK_NONBLOCK)
  assert.equal(accept4(listener, 0), null)
  const clients = Array.from({ length: 3 }, () => {
    const client = closing(t, socket(AF_INET, SOCK_STREAM))
    connect(client, getsockname(listener))
    return getsockname(client)
  })
  const peer = new PeerAddress()
  for (const client of clients) {
    closing(t, accept4(listener, 0, peer)!)
    assert.deepEqual(peer.read(), client)
  }
  assert.equal(accept4(listener, 0, peer), null)
})

test('accept4 throws when the process is out of descriptors, and the client stays in the queue', (t) => {
  const listener = listenerOn(t, socketAddress('127.0.0.1'), SOCK_NONBLOCK)
  const client = closing(t, socket(AF_INET, SOCK_STREAM))
  connect(client, getsockname(listener))
  withoutDescriptors(() => {
    assert.throws(() => accept4(listener, 0), { name: 'SyscallError', syscall: 'accept4', code: 'EMFILE' })
  })
  assert.notEqual(closing(t, accept4(listener, 0)!), null)
})

/** `act` while no number for a new descriptor is left (setrlimit(2)). */
function withoutDescriptors(act: () => void): void {
  const RLIMIT_NOFILE = 7
  const limit = allocate(16)
  bindFunction('getrlimit', 'int', ['int', 'uintptr_t'])(RLIMIT_NOFILE, limit.address)
  const before = limit.bytes.readUInt32LE(0)
  const setrlimit = bindFunction('setrlimit', 'int', ['int', 'uintptr_t'])
  limit.bytes.writeUInt32LE(0, 0)
  assert.equal(setrlimit(RLIMIT_NOFILE, limit.address), 0)
  try {
    act()
  } finally {
    limit.bytes.writeUInt32LE(before, 0)
    setrlimit(RLIMIT_NOFILE, limit.address)
  }
}

test('accept4 makes the socket non-blocking when asked', (t) => {
  const { server } = connection(t, socketAddress('127.0.0.1'), SOCK_NONBLOCK)
  assert.equal(hear(server), -EAGAIN)
})

test('a non-blocking recv of nothing and a send into a full buffer answer EAGAIN', (t) => {
  const { client } = connection(t)
  assert.equal(hear(client, MSG_DONTWAIT), -EAGAIN)
  const chunk = allocate(1 << 20)
  let sent = 0
  let result = send(client, chunk, 0, chunk.bytes.length, MSG_DONTWAIT)
  while (result > 0) {
    sent += result
    result = send(client, chunk, 0, chunk.bytes.length, MSG_DONTWAIT)
  }
  assert.equal(result, -EAGAIN)
  assert.ok(sent > 0)
})

test('shutdown of the writing side: the peer hears the end and may still answer', (t) => {
  const { client, server } = connection(t)
  say(client, 'question')
  shutdown(client, SHUT_WR)
  assert.equal(hear(server), 'question')
  assert.equal(hear(server), '')
  say(server, 'answer')
  assert.equal(hear(client), 'answer')
  assert.equal(say(client, 'more'), -EPIPE)
})

test('shutdown of what is not connected is no error; of what is no socket it is', (t) => {
  shutdown(closing(t, socket(AF_INET, SOCK_STREAM)), SHUT_WR)
  assert.throws(() => shutdown(999_999 as Fd, SHUT_WR), { syscall: 'shutdown', code: 'EBADF' })
})

test('a peer that closes over unread bytes resets: ECONNRESET, then EPIPE, and never SIGPIPE', (t) => {
  // Node ignores SIGPIPE; without that, only MSG_NOSIGNAL keeps this process alive.
  signal(SIGPIPE, SIG_DFL)
  t.after(() => signal(SIGPIPE, SIG_IGN))
  const { client, server } = connection(t)
  say(client, 'unread')
  assert.equal(hear(server, MSG_PEEK), 'unread')
  close(server)
  assert.equal(hear(client), -ECONNRESET)
  assert.equal(say(client, 'x'), -EPIPE)
})

test('connect throws when nobody listens', (t) => {
  const closed = socket(AF_INET, SOCK_STREAM)
  bind(closed, socketAddress('127.0.0.1'))
  const address = getsockname(closed)
  close(closed)
  const client = closing(t, socket(AF_INET, SOCK_STREAM))
  assert.throws(() => connect(client, address), { syscall: 'connect', code: 'ECONNREFUSED' })
  const unix = closing(t, socket(domainOf(socketAddress('/')), SOCK_STREAM))
  assert.throws(() => connect(unix, socketAddress(join(folder, 'nobody'))), { syscall: 'connect', code: 'ENOENT' })
})

test('bind throws what went wrong, with the address', (t) => {
  const taken = getsockname(listenerOn(t, socketAddress('127.0.0.1')))
  const fd = closing(t, socket(AF_INET, SOCK_STREAM))
  const port = 'port' in taken ? taken.port : 0
  assert.throws(() => bind(fd, taken), { code: 'EADDRINUSE', message: `bind: EADDRINUSE to 127.0.0.1:${port}` })
  assert.throws(() => bind(fd, socketAddress('192.0.2.1')), { code: 'EADDRNOTAVAIL' })
})

test('two sockets share a port when both say SO_REUSEPORT', (t) => {
  const [first, second] = [0, 0].map(() => {
    const fd = closing(t, socket(AF_INET, SOCK_STREAM))
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1)
    return fd
  })
  bind(first!, socketAddress('127.0.0.1'))
  bind(second!, getsockname(first!))
  assert.deepEqual(getsockname(second!), getsockname(first!))
})

test('SO_REUSEADDR lets a server come back while its old connections linger', (t) => {
  const listener = closing(t, socket(AF_INET, SOCK_STREAM))
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, 1) // the first run must have said so too
  bind(listener, socketAddress('127.0.0.1'))
  listen(listener, 5)
  const bound = getsockname(listener)
  const client = closing(t, socket(AF_INET, SOCK_STREAM))
  connect(client, bound)
  close(accept4(listener, 0)!) // closing first, the server's end goes to TIME_WAIT
  assert.equal(hear(client), '')
  close(client)
  close(listener)

  const again = closing(t, socket(AF_INET, SOCK_STREAM))
  assert.throws(() => bind(again, bound), { code: 'EADDRINUSE' })
  setsockopt(again, SOL_SOCKET, SO_REUSEADDR, 1)
  bind(again, bound)
  listen(again, 5)
})

test('IPV6_V6ONLY off: an IPv4 client is a mapped address', { skip: withoutIPv6() }, (t) => {
  const listener = closing(t, socket(AF_INET6, SOCK_STREAM))
  setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, 0)
  bind(listener, socketAddress('::'))
  listen(listener, 5)
  const bound = getsockname(listener)
  const client = closing(t, socket(AF_INET, SOCK_STREAM))
  connect(client, socketAddress('127.0.0.1', 'port' in bound ? bound.port : 0))
  const peer = new PeerAddress()
  closing(t, accept4(listener, 0, peer)!)
  const address = peer.read()
  assert.equal('address' in address && address.address, '::ffff:127.0.0.1')
})

test('a socket that is not connected has no peer; a number that is no socket has no name', (t) => {
  assert.equal(getpeername(closing(t, socket(AF_INET, SOCK_STREAM))), null)
  assert.throws(() => getpeername(closing(t, memfd_create('no socket'))), { syscall: 'getpeername', code: 'ENOTSOCK' })
  assert.throws(() => getsockname(999_999 as Fd), { syscall: 'getsockname', code: 'EBADF' })
})

test('socket and listen throw for what the kernel does not have', (t) => {
  assert.throws(() => socket(999, SOCK_STREAM), { syscall: 'socket', code: 'EAFNOSUPPORT' })
  const datagrams = closing(t, socket(AF_INET, 2))
  assert.throws(() => listen(datagrams, 5), { syscall: 'listen', code: 'EOPNOTSUPP' })
})
