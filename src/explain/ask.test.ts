/** What the kernel tells of real descriptors. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AF_INET, AF_UNIX, SOCK_STREAM } from '../kernel/constants.ts'
import { epoll_create1 } from '../kernel/epoll.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { memfd_create } from '../kernel/file.ts'
import { formatSocketAddress, socketAddress } from '../kernel/sockaddr.ts'
import { accept4, bind, connect, getsockname, listen, socket, socketpair } from '../kernel/socket.ts'
import { whatIs } from './ask.ts'

test('a socket is what it is used for', (t) => {
  const listener = socket(AF_INET, SOCK_STREAM)
  t.after(() => close(listener))
  assert.deepEqual(whatIs(listener), { kind: 'socket' })
  bind(listener, socketAddress('127.0.0.1'))
  listen(listener, 1)
  const address = getsockname(listener)
  assert.deepEqual(whatIs(listener), { kind: 'listener', address: formatSocketAddress(address) })
  const client = socket(AF_INET, SOCK_STREAM)
  t.after(() => close(client))
  connect(client, address)
  const connection = accept4(listener, 0)!
  t.after(() => close(connection))
  const peer = formatSocketAddress(getsockname(client))
  assert.deepEqual(whatIs(connection), { kind: 'connection', peer, isShared: false })
})

test('a pair of sockets is a channel; what is no socket is none', (t) => {
  const fds: Fd[] = [...socketpair(AF_UNIX, SOCK_STREAM), epoll_create1(0), memfd_create('a')]
  t.after(() => fds.forEach(close))
  assert.deepEqual(
    fds.map((fd) => whatIs(fd).kind),
    ['channel', 'channel', 'other', 'other'],
  )
  assert.deepEqual(whatIs(999_999), { kind: 'other', what: 'closed' })
})
