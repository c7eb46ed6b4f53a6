import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AF_INET, AF_UNIX, MSG_DONTWAIT, SIOCOUTQ, SOCK_STREAM } from './constants.ts'
import { SyscallError } from './errno.ts'
import { close } from './fd.ts'
import { memfd_create } from './file.ts'
import { ioctl } from './ioctl.ts'
import { allocate } from './memory.ts'
import { socketAddress } from './sockaddr.ts'
import { accept4, bind, connect, getsockname, listen, recv, send, socket, socketpair } from './socket.ts'

const BYTES = allocate(65_536)

test('SIOCOUTQ of a TCP socket: what its peer has not acknowledged', (t) => {
  const listener = socket(AF_INET, SOCK_STREAM)
  bind(listener, socketAddress('127.0.0.1', 0))
  listen(listener, 1)
  const near = socket(AF_INET, SOCK_STREAM)
  connect(near, getsockname(listener))
  const far = accept4(listener, 0)!
  t.after(() => [listener, near, far].forEach(close))
  assert.equal(ioctl(near, SIOCOUTQ), 0)
  let sent = 0
  for (let more = 1; more > 0; ) {
    more = send(near, BYTES, 0, BYTES.bytes.length, MSG_DONTWAIT)
    if (more > 0) sent += more
  }
  const queued = ioctl(near, SIOCOUTQ)
  assert.ok(queued > 0 && queued < sent, `${queued} of ${sent} bytes wait; the rest is in the peer's own buffer`)
  while (recv(far, BYTES, 0, BYTES.bytes.length, MSG_DONTWAIT) > 0);
  while (ioctl(near, SIOCOUTQ) > 0) while (recv(far, BYTES, 0, BYTES.bytes.length, MSG_DONTWAIT) > 0);
})

test('SIOCOUTQ of a Unix socket falls to nothing as its peer reads', (t) => {
  const [near, far] = socketpair(AF_UNIX, SOCK_STREAM)
  t.after(() => [near, far].forEach(close))
  assert.equal(ioctl(near, SIOCOUTQ), 0)
  send(near, BYTES, 0, 1_000)
  assert.ok(ioctl(near, SIOCOUTQ) >= 1_000)
  recv(far, BYTES, 0, 1_000)
  assert.equal(ioctl(near, SIOCOUTQ), 0)
})

test('what a descriptor does not know is an error by its name', (t) => {
  const file = memfd_create('no socket')
  t.after(() => close(file))
  assert.throws(() => ioctl(file, SIOCOUTQ), { constructor: SyscallError, message: /^ioctl: ENOTTY / })
})
