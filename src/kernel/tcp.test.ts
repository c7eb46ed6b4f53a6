import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { AF_INET, AF_UNIX, IPPROTO_TCP, SOCK_STREAM, TCP_DEFER_ACCEPT } from './constants.ts'
import { close, type Fd } from './fd.ts'
import { allocate, memoryOf } from './memory.ts'
import { socketAddress } from './sockaddr.ts'
import { accept4, bind, connect, getsockname, listen, recv, send, setsockopt, socket } from './socket.ts'
import { acceptQueue, defersAccept, hasKernelTls, msSinceHandshake, savedSyn, saveSyn } from './tcp.ts'

const SOMAXCONN = Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1'))

test('acceptQueue tells who waits, and how many may', (t) => {
  const fds = [AF_INET, AF_INET, AF_INET].map((domain) => socket(domain, SOCK_STREAM))
  t.after(() => fds.forEach(close))
  const [listener, first, second] = fds as [never, never, never]
  bind(listener, socketAddress('127.0.0.1'))
  listen(listener, 7)
  assert.deepEqual(acceptQueue(listener), { length: 0, limit: 7 })
  connect(first, getsockname(listener))
  connect(second, getsockname(listener))
  assert.deepEqual(acceptQueue(listener), { length: 2, limit: 7 })
  close(accept4(listener, 0)!)
  assert.deepEqual(acceptQueue(listener), { length: 1, limit: 7 })
  listen(listener, SOMAXCONN + 1)
  assert.deepEqual(acceptQueue(listener), { length: 1, limit: SOMAXCONN }, 'a second listen(2) changes the size alone')
})

test('a Unix socket does not tell', (t) => {
  const fd = socket(AF_UNIX, SOCK_STREAM)
  t.after(() => close(fd))
  bind(fd, socketAddress(`\0kernel-tcp-${process.pid}`))
  listen(fd, 1)
  assert.throws(() => acceptQueue(fd), { code: 'EOPNOTSUPP' })
})

test('msSinceHandshake tells how long a connection has waited, whatever came on it meanwhile', (t) => {
  const fds = [AF_INET, AF_INET].map((domain) => socket(domain, SOCK_STREAM))
  t.after(() => fds.forEach(close))
  const [listener, client] = fds as [Fd, Fd]
  bind(listener, socketAddress('127.0.0.1'))
  listen(listener, 7)
  connect(client, getsockname(listener))
  const connectedAt = performance.now()
  while (performance.now() - connectedAt < 40); // deadline: nobody tells that the kernel's clock has moved on
  send(client, memoryOf(Buffer.from('request')), 0, 7)
  const accepted = accept4(listener, 0)!
  fds.push(accepted)
  const waited = msSinceHandshake(accepted)
  assert.ok(waited >= 25 && waited <= performance.now() - connectedAt + 15, `${waited} ms`)
  send(accepted, memoryOf(Buffer.from('x')), 0, 1)
  assert.equal(recv(client, allocate(8), 0, 8), 1)
  assert.ok(msSinceHandshake(accepted) < waited, 'from the first byte on it counts from there')
})

test('nor does a Unix socket tell how long it has waited', (t) => {
  const fd = socket(AF_UNIX, SOCK_STREAM)
  t.after(() => close(fd))
  assert.throws(() => msSinceHandshake(fd), { code: 'EOPNOTSUPP' })
})

test('a listener tells whether it defers; a Unix socket does not', (t) => {
  const [tcp, unix] = [socket(AF_INET, SOCK_STREAM), socket(AF_UNIX, SOCK_STREAM)]
  t.after(() => [tcp, unix].forEach(close))
  assert.deepEqual([tcp, unix].map(defersAccept), [false, false])
  setsockopt(tcp, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5)
  assert.equal(defersAccept(tcp), true)
})

test('the SYN of a connection is kept where that is asked for, and told once', (t) => {
  const fds = [AF_INET, AF_INET, AF_INET].map((domain) => socket(domain, SOCK_STREAM))
  t.after(() => fds.forEach(close))
  const [listener, first, second] = fds as [Fd, Fd, Fd]
  bind(listener, socketAddress('127.0.0.1'))
  listen(listener, 7)
  const accepted = (client: Fd) => {
    connect(client, getsockname(listener))
    const fd = accept4(listener, 0)!
    fds.push(fd)
    return fd
  }
  saveSyn(listener, true)
  const connection = accepted(first)
  const syn = savedSyn(connection)!
  assert.equal(syn[0], 0x45, 'an IPv4 header of 20 bytes')
  assert.equal(syn.readUInt16BE(20), (getsockname(first) as { port: number }).port)
  assert.equal(syn[33], 0x02, 'SYN')
  assert.equal(syn.length, 20 + 4 * (syn[32]! >> 4), 'to the end of the TCP header')
  assert.equal(savedSyn(connection), null, 'it has been told')
  saveSyn(listener, false)
  assert.equal(savedSyn(accepted(second)), null, 'it was not kept')
})

test('a Unix socket has no SYN', (t) => {
  const fd = socket(AF_UNIX, SOCK_STREAM)
  t.after(() => close(fd))
  assert.throws(() => saveSyn(fd, true), { code: 'EOPNOTSUPP' })
  assert.throws(() => savedSyn(fd), { code: 'EOPNOTSUPP' })
})

test('the kernel tells whether it has TLS: where it counts it, it does', () => {
  const has = hasKernelTls()
  if (existsSync('/proc/net/tls_stat')) assert.equal(has, true)
  else assert.equal(has, false)
})
