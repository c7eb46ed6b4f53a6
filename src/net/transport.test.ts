import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AF_INET, F_DUPFD_CLOEXEC, SOCK_STREAM } from '../kernel/constants.ts'
import { ECONNRESET } from '../kernel/errno.ts'
import { close, type Fd, fcntl, isOpen } from '../kernel/fd.ts'
import { allocate, memoryOf } from '../kernel/memory.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { accept4, bind, connect, getsockname, listen, recv, send, socket } from '../kernel/socket.ts'
import { PlainTransport } from './transport.ts'

const BYTES = memoryOf(Buffer.from('bytes'))

/** A connection over the loopback: the server's transport, and the client's descriptor. */
function connection(t: TestContext): { transport: PlainTransport; client: Fd } {
  const listener = socket(AF_INET, SOCK_STREAM)
  bind(listener, socketAddress('127.0.0.1', 0))
  listen(listener, 1)
  const client = socket(AF_INET, SOCK_STREAM)
  connect(client, getsockname(listener))
  const accepted = accept4(listener, 0)!
  close(listener)
  t.after(() => {
    for (const fd of [client, accepted]) if (isOpen(fd)) close(fd)
  })
  return { transport: new PlainTransport(accepted), client }
}

/** The results of recv(2), up to the first that is no bytes. */
function received(client: Fd): (string | number)[] {
  const memory = allocate(64)
  const results: (string | number)[] = []
  for (;;) {
    const result = recv(client, memory, 0, 64)
    results.push(result > 0 ? memory.bytes.toString('latin1', 0, result) : result)
    if (result <= 0) return results
  }
}

test('closed, the client reads all that was sent, and the end', (t) => {
  const { transport, client } = connection(t)
  assert.equal(transport.send(BYTES, 0, 5, true), 5)
  transport.close()
  assert.deepEqual(received(client), ['bytes', 0])
})

test('closed while a copy of it is elsewhere, the client reads the end all the same', (t) => {
  const { transport, client } = connection(t)
  const copy = fcntl(transport.fd, F_DUPFD_CLOEXEC) as Fd
  t.after(() => close(copy))
  const shared = new PlainTransport(transport.fd, true)
  shared.send(BYTES, 0, 5, true)
  shared.close()
  assert.deepEqual(received(client), ['bytes', 0])
})

test('finished, it still receives', (t) => {
  const { transport, client } = connection(t)
  transport.send(BYTES, 0, 5, false)
  transport.finish()
  assert.deepEqual(received(client), ['bytes', 0])
  send(client, BYTES, 0, 5)
  assert.equal(transport.recv(allocate(64), 0, 64), 5)
  transport.close()
})

test('reset, the client cannot take what it has for whole', (t) => {
  const { transport, client } = connection(t)
  transport.send(BYTES, 0, 5, false)
  transport.reset()
  assert.equal(received(client).at(-1), -ECONNRESET)
})

test('both ends finished, or the peer gone, finishing is no error', (t) => {
  const { transport, client } = connection(t)
  close(client)
  transport.finish()
  transport.finish()
  transport.close()
})
