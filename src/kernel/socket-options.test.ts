/**
 * getsockopt and setsockopt, and the connecting states that only they tell of.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import {
  AF_INET,
  AF_UNIX,
  EPOLL_CTL_ADD,
  EPOLLOUT,
  IPPROTO_TCP,
  SO_ACCEPTCONN,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_CORK,
  TCP_DEFER_ACCEPT,
  TCP_INFO,
  TCP_NODELAY,
} from './constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from './epoll.ts'
import { ECONNREFUSED } from './errno.ts'
import { close, type Fd } from './fd.ts'
import { memfd_create } from './file.ts'
import { allocate } from './memory.ts'
import { socketAddress } from './sockaddr.ts'
import { bind, connect, getsockname, getsockopt, getsockoptBytes, listen, setsockopt, socket } from './socket.ts'

const loopback = socketAddress('127.0.0.1')
/** Long enough for anything on the loopback; a wait this long has failed. */
const DEADLINE_MS = 10_000

function opened(t: TestContext, domain: number, type: number): Fd {
  const fd = socket(domain, type)
  t.after(() => close(fd))
  return fd
}

function listener(t: TestContext, backlog: number): Fd {
  const fd = opened(t, AF_INET, SOCK_STREAM)
  bind(fd, loopback)
  listen(fd, backlog)
  return fd
}

test('what a socket is', (t) => {
  assert.equal(getsockopt(opened(t, AF_INET, SOCK_STREAM), SOL_SOCKET, SO_TYPE), SOCK_STREAM)
  assert.equal(getsockopt(opened(t, AF_INET, SOCK_DGRAM), SOL_SOCKET, SO_TYPE), SOCK_DGRAM)
  assert.equal(getsockopt(opened(t, AF_INET, SOCK_STREAM), SOL_SOCKET, SO_ACCEPTCONN), 0)
  assert.equal(getsockopt(listener(t, 1), SOL_SOCKET, SO_ACCEPTCONN), 1)
})

test('options are set, read back and taken back', (t) => {
  const fd = opened(t, AF_INET, SOCK_STREAM)
  const options = [
    [SOL_SOCKET, SO_KEEPALIVE],
    [IPPROTO_TCP, TCP_NODELAY],
    [IPPROTO_TCP, TCP_CORK],
  ] as const
  for (const [level, option] of options) {
    assert.equal(getsockopt(fd, level, option), 0)
    setsockopt(fd, level, option, 1)
    assert.equal(getsockopt(fd, level, option), 1)
    setsockopt(fd, level, option, 0)
    assert.equal(getsockopt(fd, level, option), 0)
  }
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, 8192)
  assert.equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF), 16_384, 'the kernel doubles it: socket(7)')
  setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5)
  assert.ok(getsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) >= 5)
})

test('an option that does not exist, and a number that is no socket', (t) => {
  const fd = opened(t, AF_INET, SOCK_STREAM)
  const file = memfd_create('no socket')
  t.after(() => close(file))
  const unknown = { syscall: 'getsockopt', code: 'ENOPROTOOPT', message: /option 1\/9999 on fd/ }
  assert.throws(() => getsockopt(fd, SOL_SOCKET, 9999), unknown)
  assert.throws(() => setsockopt(file, SOL_SOCKET, SO_KEEPALIVE, 1), { syscall: 'setsockopt', code: 'ENOTSOCK' })
  assert.throws(() => getsockoptBytes(999_999 as Fd, IPPROTO_TCP, TCP_INFO, allocate(8)), { code: 'EBADF' })
})

test('getsockoptBytes tells how much the kernel had to say', (t) => {
  const all = getsockoptBytes(listener(t, 1), IPPROTO_TCP, TCP_INFO, allocate(4096))
  assert.ok(all >= 104 && all < 4096, `${all} bytes`)
})

test('a non-blocking connect that has only begun answers false', (t) => {
  const fd = listener(t, 0)
  connect(opened(t, AF_INET, SOCK_STREAM), getsockname(fd)) // fills the queue: the next SYN is dropped
  assert.equal(connect(opened(t, AF_INET, SOCK_STREAM | SOCK_NONBLOCK), getsockname(fd)), false)
})

test('SO_ERROR tells how a connect that had begun has ended, once', (t) => {
  const vacant = socket(AF_INET, SOCK_STREAM)
  bind(vacant, loopback) // has the port and does not listen
  t.after(() => close(vacant))
  const client = opened(t, AF_INET, SOCK_STREAM | SOCK_NONBLOCK)
  let answer: boolean
  try {
    answer = connect(client, getsockname(vacant))
  } catch (error) {
    // The refusal may be back before connect returns.
    assert.equal((error as { code: string }).code, 'ECONNREFUSED')
    return
  }
  assert.equal(answer, false)
  const epfd = epoll_create1(0)
  t.after(() => close(epfd))
  epoll_ctl(epfd, EPOLL_CTL_ADD, client, EPOLLOUT)
  assert.equal(epoll_wait(epfd, new EpollEvents(1), DEADLINE_MS), 1)
  assert.equal(getsockopt(client, SOL_SOCKET, SO_ERROR), ECONNREFUSED)
  assert.equal(getsockopt(client, SOL_SOCKET, SO_ERROR), 0)
})

test('a Unix listener with a full backlog answers EAGAIN at once', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kernel-backlog-'))
  after(() => rmSync(folder, { recursive: true }))
  const address = socketAddress(join(folder, 's'))
  const fd = opened(t, AF_UNIX, SOCK_STREAM)
  bind(fd, address)
  listen(fd, 0)
  connect(opened(t, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK), address)
  const tooMany = opened(t, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
  assert.throws(() => connect(tooMany, address), { syscall: 'connect', code: 'EAGAIN' })
})
