import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  AF_UNIX,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  SHUT_WR,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from './constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from './epoll.ts'
import { close, type Fd } from './fd.ts'
import { read, write } from './file.ts'
import { allocate } from './memory.ts'
import { shutdown, socketpair } from './socket.ts'

const X = Buffer.from('x')

/** An epoll, and a pair of sockets, for one test. */
function setUp(t: TestContext): { epfd: Fd; near: Fd; far: Fd } {
  const epfd = epoll_create1(EPOLL_CLOEXEC)
  const [near, far] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
  t.after(() => [epfd, near, far].forEach(close))
  return { epfd, near, far }
}

/** What is ready now: descriptor and bits. */
function ready(epfd: Fd, capacity = 8): [number, number][] {
  const events = new EpollEvents(capacity)
  const count = epoll_wait(epfd, events, 0)
  return Array.from({ length: count }, (_, i) => [events.fd(i), events.events(i)])
}

test('add: a descriptor is told of while it is readable', (t) => {
  const { epfd, near, far } = setUp(t)
  epoll_ctl(epfd, EPOLL_CTL_ADD, near, EPOLLIN)
  assert.deepEqual(ready(epfd), [])
  write(far, X)
  assert.deepEqual(ready(epfd), [[near, EPOLLIN]])
  assert.deepEqual(ready(epfd), [[near, EPOLLIN]], 'level-triggered: still there')
  read(near, allocate(8))
  assert.deepEqual(ready(epfd), [])
})

test('mod: another interest replaces the first', (t) => {
  const { epfd, near } = setUp(t)
  epoll_ctl(epfd, EPOLL_CTL_ADD, near, EPOLLIN)
  assert.deepEqual(ready(epfd), [])
  epoll_ctl(epfd, EPOLL_CTL_MOD, near, EPOLLIN | EPOLLOUT)
  assert.deepEqual(ready(epfd), [[near, EPOLLOUT]])
})

test('del: what was dropped is not told of, and may be dropped again', (t) => {
  const { epfd, near, far } = setUp(t)
  epoll_ctl(epfd, EPOLL_CTL_ADD, near, EPOLLIN)
  write(far, X)
  epoll_ctl(epfd, EPOLL_CTL_DEL, near, 0)
  assert.deepEqual(ready(epfd), [])
  epoll_ctl(epfd, EPOLL_CTL_DEL, near, 0)
})

test('a second add and a mod of a stranger are mistakes', (t) => {
  const { epfd, near, far } = setUp(t)
  epoll_ctl(epfd, EPOLL_CTL_ADD, near, EPOLLIN)
  assert.throws(() => epoll_ctl(epfd, EPOLL_CTL_ADD, near, EPOLLIN), { syscall: 'epoll_ctl', code: 'EEXIST' })
  assert.throws(() => epoll_ctl(epfd, EPOLL_CTL_MOD, far, EPOLLIN), { syscall: 'epoll_ctl', code: 'ENOENT' })
})

test('edge-triggered: told once for each arrival', (t) => {
  const { epfd, near, far } = setUp(t)
  epoll_ctl(epfd, EPOLL_CTL_ADD, near, EPOLLIN | EPOLLET)
  write(far, X)
  assert.deepEqual(ready(epfd), [[near, EPOLLIN]])
  assert.deepEqual(ready(epfd), [])
  write(far, X)
  assert.deepEqual(ready(epfd), [[near, EPOLLIN]])
})

test('a peer that shuts down its sending, and one that is gone', (t) => {
  const { epfd, near, far } = setUp(t)
  epoll_ctl(epfd, EPOLL_CTL_ADD, near, EPOLLIN | EPOLLRDHUP)
  shutdown(far, SHUT_WR)
  assert.deepEqual(ready(epfd), [[near, EPOLLIN | EPOLLRDHUP]])
  shutdown(near, SHUT_WR)
  assert.deepEqual(ready(epfd), [[near, EPOLLIN | EPOLLRDHUP | EPOLLHUP]])
})

test('many at once, each in its place; more than fit come with the next wait', (t) => {
  const { epfd } = setUp(t)
  const pairs = Array.from({ length: 5 }, () => socketpair(AF_UNIX, SOCK_STREAM))
  t.after(() => pairs.flat().forEach(close))
  for (const [near, far] of pairs) {
    epoll_ctl(epfd, EPOLL_CTL_ADD, near, EPOLLIN)
    write(far, X)
  }
  const all = pairs.map(([near]) => [near, EPOLLIN])
  assert.deepEqual(ready(epfd).sort(byFd), all)
  assert.deepEqual([...ready(epfd, 3), ...ready(epfd, 2)].sort(byFd), all)
})

function byFd([a]: [number, number], [b]: [number, number]): number {
  return a - b
}

test('a wait with nothing to tell ends with its time', (t) => {
  const { epfd } = setUp(t)
  const before = performance.now()
  assert.equal(epoll_wait(epfd, new EpollEvents(1), 20), 0)
  assert.ok(performance.now() - before >= 19)
})

test('a wait on what is no epoll is a mistake', (t) => {
  const { near } = setUp(t)
  assert.throws(() => epoll_wait(near, new EpollEvents(1), 0), { syscall: 'epoll_wait', code: 'EINVAL' })
})
