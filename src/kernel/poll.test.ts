import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AF_UNIX, POLLIN, SOCK_STREAM } from './constants.ts'
import { close } from './fd.ts'
import { memoryOf } from './memory.ts'
import { poll } from './poll.ts'
import { domainOf, type SocketAddress, socketAddress } from './sockaddr.ts'
import { bind, connect, getsockname, listen, send, socket, socketpair } from './socket.ts'

test('what has happened is answered, and nothing while it has not', (t) => {
  const [near, far] = socketpair(AF_UNIX, SOCK_STREAM)
  t.after(() => [near, far].forEach(close))
  assert.equal(poll(near, POLLIN, 0), 0)
  send(far, memoryOf(Buffer.from('x')), 0, 1)
  assert.equal(poll(near, POLLIN, 0), POLLIN)
})

const ADDRESSES: readonly SocketAddress[] = [
  socketAddress('127.0.0.1', 0),
  { family: 'Unix', path: `\0prefork-poll-${process.pid}` },
]

for (const address of ADDRESSES) {
  test(`a listener is asked whether somebody waits: ${address.family}`, (t) => {
    const [listener, client] = [socket(domainOf(address), SOCK_STREAM), socket(domainOf(address), SOCK_STREAM)]
    t.after(() => [listener, client].forEach(close))
    bind(listener, address)
    listen(listener, 1)
    assert.equal(poll(listener, POLLIN, 0), 0)
    connect(client, getsockname(listener))
    assert.equal(poll(listener, POLLIN, 0), POLLIN)
  })
}
