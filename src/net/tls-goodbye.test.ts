/** close_notify at the end of a connection whose client is slow to read: it waits for room, and is not lost. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { AF_UNIX, SO_SNDBUF, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET } from '../kernel/constants.ts'
import { EAGAIN } from '../kernel/errno.ts'
import { allocate } from '../kernel/memory.ts'
import { setsockopt, socketpair } from '../kernel/socket.ts'
import { OpensslClient } from './openssl-client.test.support.ts'
import { connected, serverWith, until } from './tls-scene.test.support.ts'

test('who reads late is told all the same that it was all', async (t) => {
  const memory = allocate(64 * 1024)
  // TCP would add so few bytes to the last packet that waits, if that is not full; a Unix socket takes nothing.
  const [near, far] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
  const client = new OpensslClient(t, far)
  const transport = serverWith().transport(near)
  const receive = () => {
    transport.beginTurn(performance.now())
    return transport.recv(memory, 0, memory.bytes.length)
  }
  await until(() => {
    assert.equal(receive(), -EAGAIN)
    return client.handshake()
  })
  client.write('hello')
  await until(() => (receive() === 5 ? true : null))
  assert.equal(transport.send(memory, 0, memory.bytes.length), memory.bytes.length)
  setsockopt(near, SOL_SOCKET, SO_SNDBUF, 1)
  assert.deepEqual([transport.sayGoodbye(), transport.sayGoodbye()], [false, false], 'there is no room for it')
  let received = client.read()?.length ?? 0
  await until(() => {
    if (transport.sayGoodbye()) return true
    received += client.read()?.length ?? 0
    return null
  })
  assert.equal(transport.sayGoodbye(), true, 'once')
  transport.close()
  while (!client.hasHeardGoodbye) received += client.read()?.length ?? 0
  assert.equal(received, memory.bytes.length)
})

test('where it cannot be said nobody waits: before the handshake is over, and once the client is gone', async (t) => {
  const { client, transport, receive } = await connected(t, serverWith())
  assert.equal(transport.sayGoodbye(), true)
  client.write('hello')
  await receive()
  const closed = once(client, 'close')
  client.destroy()
  await closed
  await until(() => (transport.send(allocate(1), 0, 1) < 0 ? true : null))
  assert.equal(transport.sayGoodbye(), true)
})
