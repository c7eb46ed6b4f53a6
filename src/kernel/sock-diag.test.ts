import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_TCP,
  SOCK_STREAM,
  TCP_DEFER_ACCEPT,
  TCP_ESTABLISHED,
  TCP_INFO,
  TCP_LISTEN,
  TCP_SYN_RECV,
} from './constants.ts'
import { close, type Fd } from './fd.ts'
import { fstat } from './file.ts'
import { allocate, memoryOf } from './memory.ts'
import { acceptQueueOfUnix, countTcpSockets, tcpSockets } from './sock-diag.ts'
import { formatSocketAddress, socketAddress } from './sockaddr.ts'
import { accept4, bind, connect, getsockname, getsockoptBytes, listen, send, setsockopt, socket } from './socket.ts'
import { decodeTcpInfo, TCP_INFO_BYTES } from './tcp-info.ts'

/** So many clients of a listener that has the first bytes wait for: half-open for the kernel until they send some. */
function listenerWithClients(address: string, domain: number, count: number): { fds: Fd[]; port: number } {
  const fds = Array.from({ length: 1 + count }, () => socket(domain, SOCK_STREAM))
  const [listener, ...clients] = fds as [Fd, ...Fd[]]
  bind(listener, socketAddress(address))
  setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30)
  listen(listener, 7)
  const bound = getsockname(listener)
  for (const client of clients) connect(client, bound)
  return { fds, port: (bound as { port: number }).port }
}

for (const [address, domain, other] of [
  ['127.0.0.1', AF_INET, '127.0.0.2'],
  ['::1', AF_INET6, '::2'],
] as const) {
  test(`countTcpSockets tells how many there are at ${address}, by state`, (t) => {
    const { fds, port } = listenerWithClients(address, domain, 3)
    t.after(() => fds.forEach(close))
    const count = (state: number, at: string | null = null) =>
      countTcpSockets({ family: domain, states: 1 << state, port, address: at })
    assert.deepEqual([count(TCP_LISTEN), count(TCP_SYN_RECV), count(TCP_ESTABLISHED)], [1, 3, 0])
    assert.deepEqual([count(TCP_SYN_RECV, address), count(TCP_SYN_RECV, other)], [3, 0])
    send(fds[1]!, memoryOf(Buffer.from('x')), 0, 1)
    assert.deepEqual([count(TCP_SYN_RECV), count(TCP_ESTABLISHED)], [2, 1])
  })
}

test('so many sockets that their answers come in several parts are counted', (t) => {
  const { fds, port } = listenerWithClients('127.0.0.1', AF_INET, 0)
  t.after(() => fds.forEach(close))
  listen(fds[0]!, 600)
  const address = getsockname(fds[0]!)
  for (let i = 0; i < 500; i++) {
    const client = socket(AF_INET, SOCK_STREAM)
    fds.push(client)
    connect(client, address)
    send(client, memoryOf(Buffer.from('x')), 0, 1)
  }
  const query = { family: AF_INET, states: 1 << TCP_ESTABLISHED, port, address: null }
  assert.equal(countTcpSockets(query), 500)
  const sockets = tcpSockets(query)
  assert.equal(sockets.length, 500)
  assert.equal(new Set(sockets.map(({ remote }) => formatSocketAddress(remote))).size, 500)
  assert.equal(tcpSockets(query, 7).length, 7)
})

test('tcpSockets tells of each: who, how far, how much', (t) => {
  const fds = [0, 1].map(() => socket(AF_INET6, SOCK_STREAM)) as [Fd, Fd]
  t.after(() => fds.forEach(close))
  const [listener, client] = fds
  bind(listener, socketAddress('::1'))
  listen(listener, 7)
  const local = getsockname(listener)
  const { port } = local as { port: number }
  connect(client, local)
  const query = { family: AF_INET6, states: 1 << TCP_ESTABLISHED, port, address: '::1' }
  const [waiting] = tcpSockets(query)
  assert.deepEqual([waiting?.local, waiting?.remote, waiting?.inode], [local, getsockname(client), 0])

  const accepted = accept4(listener, 0)!
  fds.push(accepted)
  send(client, memoryOf(Buffer.from('12345')), 0, 5)
  send(accepted, memoryOf(Buffer.from('123')), 0, 3)
  const [held, ...others] = tcpSockets(query)
  assert.deepEqual(others, [])
  assert.deepEqual([held!.inode, held!.unread, held!.state], [fstat(accepted).ino, 5, TCP_ESTABLISHED])
  const info = held!.info!
  assert.deepEqual([info.bytesReceived, info.bytesAcked, info.unsentBytes, info.retransmitted], [5, 3, 0, 0])
  assert.ok(info.rttUs > 0 && info.minRttUs > 0 && info.congestionWindow > 0 && info.sendMss > 500)
  const own = allocate(256)
  getsockoptBytes(accepted, IPPROTO_TCP, TCP_INFO, own)
  assert.deepEqual(decodeTcpInfo(own.bytes)!.minRttUs, info.minRttUs)
  assert.equal(decodeTcpInfo(own.bytes.subarray(0, TCP_INFO_BYTES - 1)), null)
})

test('acceptQueueOfUnix tells who waits, and how many may', (t) => {
  const fds = [0, 1, 2].map(() => socket(AF_UNIX, SOCK_STREAM))
  t.after(() => fds.forEach(close))
  const [listener, first, second] = fds as [Fd, Fd, Fd]
  bind(listener, socketAddress(`\0kernel-sock-diag-${process.pid}`))
  listen(listener, 7)
  const inode = fstat(listener).ino
  assert.deepEqual(acceptQueueOfUnix(inode), { length: 0, limit: 7 })
  for (const client of [first, second]) connect(client, getsockname(listener))
  assert.deepEqual(acceptQueueOfUnix(inode), { length: 2, limit: 7 })
})

test('a Unix socket that is none', () => {
  assert.throws(() => acceptQueueOfUnix(0x7fffffff), { name: 'SyscallError', code: 'ENOENT' })
})
