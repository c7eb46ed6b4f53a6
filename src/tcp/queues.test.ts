import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  SOCK_STREAM,
  TCP_DEFER_ACCEPT,
} from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { bind, connect, getsockname, listen, setsockopt, socket } from '../kernel/socket.ts'
import { acceptQueueOf, synQueueOf } from './queues.ts'

/** A listener at an address, and clients that come to others; all of them half-open when it defers. */
function scene(address: string, domain: number, to: readonly (readonly [string, number])[], defers: boolean): Fd[] {
  const listener = socket(domain, SOCK_STREAM)
  if (domain === AF_INET6) setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, 0)
  if (defers) setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30)
  bind(listener, socketAddress(address))
  listen(listener, 7)
  const { port } = getsockname(listener) as { port: number }
  const clients = to.map(([host, family]) => {
    const client = socket(family, SOCK_STREAM)
    connect(client, socketAddress(host, port))
    return client
  })
  return [listener, ...clients]
}

const V4 = ['127.0.0.1', AF_INET] as const
const V6 = ['::1', AF_INET6] as const

for (const [address, domain, clients] of [
  ['127.0.0.1', AF_INET, [V4, V4]],
  ['0.0.0.0', AF_INET, [V4, ['127.0.0.2', AF_INET]]],
  ['::1', AF_INET6, [V6]],
  ['::', AF_INET6, [V6, V4, V4]],
] as const) {
  test(`both queues of ${address}`, (t) => {
    const [half, whole] = [true, false].map((defers) => scene(address, domain, clients, defers)) as [Fd[], Fd[]]
    t.after(() => [...half, ...whole].forEach(close))
    assert.deepEqual([acceptQueueOf(half[0]!), synQueueOf(half[0]!)], [{ length: 0, limit: 7 }, clients.length])
    assert.deepEqual([acceptQueueOf(whole[0]!), synQueueOf(whole[0]!)], [{ length: clients.length, limit: 7 }, 0])
  })
}

test('a Unix socket has the one queue, and no handshake', (t) => {
  const [listener, client] = [socket(AF_UNIX, SOCK_STREAM), socket(AF_UNIX, SOCK_STREAM)]
  t.after(() => [listener, client].forEach(close))
  bind(listener, socketAddress(`\0tcp-queues-${process.pid}`))
  listen(listener, 3)
  connect(client, getsockname(listener))
  assert.deepEqual([acceptQueueOf(listener), synQueueOf(listener)], [{ length: 1, limit: 3 }, null])
})
