import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EPOLL_CTL_ADD, EPOLLIN, SOCK_NONBLOCK } from './constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from './epoll.ts'
import { EBADF, EINTR, EINVAL } from './errno.ts'
import { close, type Fd } from './fd.ts'
import { addressOfSymbol, bind, bindRaw, copyMemory } from './libc.ts'
import { allocate } from './memory.ts'
import { syscall } from './syscall.ts'

test('a bound function answers a result or the negative errno', () => {
  const dup = bind('dup', 'int', ['int'])
  const fd = dup(2)
  assert.ok(fd > 2)
  close(fd as Fd)
  assert.equal(dup(-1), -EBADF)
  assert.equal(bind('getppid', 'int', [])(), process.ppid)
})

test('each number of arguments up to six arrives in order', () => {
  const text = allocate(64)
  const print = (...values: number[]) => {
    const types = values.map(() => 'int' as const)
    const format = values.map(() => '%d').join(' ')
    const length = bind('snprintf', 'int', ['uintptr_t', 'size_t', 'str', ...types])(
      text.address,
      64,
      format,
      ...values,
    )
    return text.bytes.toString('latin1', 0, length)
  }
  assert.equal(print(1), '1')
  assert.equal(print(1, 2), '1 2')
  assert.equal(print(1, 2, 3), '1 2 3')
  assert.equal(bind('strtol', 'long', ['str', 'uintptr_t', 'int'])('-7f', 0, 16), -127)
  assert.equal(bind('abs', 'int', ['int'])(-5), 5)
  assert.equal(bind('strcmp', 'int', ['str', 'str'])('same', 'same'), 0)
})

test('no call takes more than six arguments', () => {
  const seven = new Array(7).fill('int')
  assert.throws(() => bind('getpid', 'int', seven), /bind getpid: 7 arguments/)
})

test('a symbol that does not exist is told at once', () => {
  assert.throws(() => bindRaw('no_such_function', 'int', []))
  assert.ok(addressOfSymbol('getpid') > 0x1000)
})

test('syscall answers as the kernel does, for a number that does not exist too', () => {
  assert.equal(syscall(0x7fff, 0, 0, 0, 0), -38, 'ENOSYS')
})

/**
 * A real SIGALRM every few milliseconds, and a handler, so that calls do get
 * interrupted. libuv asks for SA_RESTART; but epoll_wait is one of the calls that
 * never restart (signal(7)).
 */
function withAlarms(periodMs: number, act: () => void): void {
  const ITIMER_REAL = 0
  const setitimer = bind('setitimer', 'int', ['int', 'uintptr_t', 'uintptr_t'])
  const timer = allocate(32) // struct itimerval { struct timeval interval, value; }: two longs each
  const handler = () => {}
  process.on('SIGALRM', handler)
  timer.bytes.writeUInt32LE(periodMs * 1000, 8)
  timer.bytes.writeUInt32LE(periodMs * 1000, 24)
  assert.equal(setitimer(ITIMER_REAL, timer.address, 0), 0)
  try {
    act()
  } finally {
    timer.bytes.fill(0)
    setitimer(ITIMER_REAL, timer.address, 0)
    process.off('SIGALRM', handler)
  }
}

/** A descriptor that is readable after `ms`, without anybody's help (timerfd_create(2)). */
function timerfd(ms: number): Fd {
  const CLOCK_MONOTONIC = 1
  const fd = bind('timerfd_create', 'int', ['int', 'int'])(CLOCK_MONOTONIC, SOCK_NONBLOCK)
  const timer = allocate(32) // struct itimerspec { struct timespec interval, value; }: two longs each
  timer.bytes.writeUInt32LE(ms * 1_000_000, 24)
  const set = bind('timerfd_settime', 'int', ['int', 'int', 'uintptr_t', 'uintptr_t'])
  assert.equal(set(fd, 0, timer.address, 0), 0)
  return fd as Fd
}

test('EINTR: a call bound `once` tells of the signal, any other goes on waiting', (t) => {
  const epfd = epoll_create1(0)
  t.after(() => close(epfd))
  const events = new EpollEvents(1)
  const once = bind('epoll_wait', 'int', ['int', 'uintptr_t', 'int', 'int'], 'once')
  withAlarms(2, () => {
    // Nothing else could end this wait before its 20 seconds, with 0.
    assert.equal(once(epfd, events.memory.address, 1, 20_000), -EINTR)

    const timer = timerfd(100)
    t.after(() => close(timer))
    epoll_ctl(epfd, EPOLL_CTL_ADD, timer, EPOLLIN)
    assert.equal(epoll_wait(epfd, events, -1), 1, 'some fifty signals later')
    assert.equal(events.fd(0), timer)
  })
})

test('a bad argument is the kernel’s to refuse', () => {
  assert.equal(bind('epoll_create1', 'int', ['int'])(0x7fff_ffff), -EINVAL)
})

test('memory is copied: what its owner writes later is not in it', () => {
  const memory = allocate(8)
  memory.bytes.write('before')
  const copy = copyMemory(memory.address + 2, 4)
  memory.bytes.write('after!')
  assert.equal(copy.toString(), 'fore')
})
