/** A worker that runs out of descriptors, in this process: its limit is lowered while a round is taken. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AF_INET, SOCK_NONBLOCK, SOCK_STREAM } from '../kernel/constants.ts'
import { close, type Fd, isOpen } from '../kernel/fd.ts'
import { memfd_create } from '../kernel/file.ts'
import { bindRaw } from '../kernel/libc.ts'
import { allocate } from '../kernel/memory.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { bind, connect, getsockname, listen, socket } from '../kernel/socket.ts'
import { Acceptor } from './acceptor.ts'
import { PretendService } from './pretend-service.test.support.ts'

const RLIMIT_NOFILE = 7
const limits = allocate(16) // struct rlimit: the soft limit, then the hard one
const getrlimit = bindRaw('getrlimit', 'int', ['int', 'uintptr_t'])
const setrlimit = bindRaw('setrlimit', 'int', ['int', 'uintptr_t'])

/** `act` with no descriptor left to be given out. */
function withoutDescriptors(act: () => void): void {
  const lowestFree = memfd_create('the lowest free number')
  close(lowestFree)
  getrlimit(RLIMIT_NOFILE, limits.address)
  const before = limits.bytes.readBigUInt64LE(0)
  limits.bytes.writeBigUInt64LE(BigInt(lowestFree), 0)
  setrlimit(RLIMIT_NOFILE, limits.address)
  try {
    act()
  } finally {
    limits.bytes.writeBigUInt64LE(before, 0)
    setrlimit(RLIMIT_NOFILE, limits.address)
  }
}

function listening(t: TestContext): { it: PretendService; acceptor: Acceptor; join: () => void } {
  const it = new PretendService(t, () => ({ status: 200, fields: [], body: '' }))
  const fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK)
  bind(fd, socketAddress('127.0.0.1'))
  listen(fd, 10)
  const closeAfter = (one: Fd) =>
    t.after(() => {
      if (isOpen(one)) close(one)
    })
  closeAfter(fd)
  const acceptor = new Acceptor({ fd, authority: 'test', isSecure: false }, it.service)
  const join = () => {
    const client = socket(AF_INET, SOCK_STREAM)
    closeAfter(client)
    connect(client, getsockname(fd))
  }
  return { it, acceptor, join }
}

const COMPLAINT = /cannot accept: EMFILE with \d+ connections; newcomers wait in the backlog; raise the limit/

test('who was woken takes its newcomer into the reserve, and watches no more', async (t) => {
  const { it, acceptor, join } = listening(t)
  for (let i = 0; i < 3; i++) join()
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve)) // Node's loop has polled
  withoutDescriptors(() => it.loop.takeEvents())
  assert.equal(it.row.accepted, 1)
  assert.equal(it.log.entries.length, 1)
  assert.match(it.log.entries[0]!, COMPLAINT)
  await it.round()
  await it.round()
  assert.equal(it.row.accepted, 1, 'the others are left to other workers')

  withoutDescriptors(() => acceptor.onDeadline())
  await it.round()
  await it.round()
  assert.equal(it.row.accepted, 1, 'nor does it watch without a reserve')
  assert.equal(it.log.entries.length, 1, 'said once a second')

  acceptor.onDeadline()
  for (let i = 0; i < 3; i++) await it.round()
  assert.equal(it.row.accepted, 3, 'there are descriptors again')
  acceptor.shut()
})
