/**
 * Descriptors sent over a pair of Unix sockets within this process: what arrives
 * is a second descriptor of the same open file, as it would be in another process.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { AF_UNIX, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_SEQPACKET, SOCK_STREAM } from './constants.ts'
import { EAGAIN, EBADF, ECONNRESET, EPIPE } from './errno.ts'
import { close, type Fd, isOpen, setCloseOnExec } from './fd.ts'
import { fstat, memfd_create, pread, write } from './file.ts'
import { bindRaw } from './libc.ts'
import { allocate, memoryOf } from './memory.ts'
import { recvmsg, SCM_MAX_FD, sendmsg } from './message.ts'
import { recv, send, socketpair } from './socket.ts'

const MEMORY = allocate(64)

/** Closes what is still open when the test ends. */
function closing(t: TestContext, ...fds: Fd[]): void {
  t.after(() => {
    for (const fd of fds) if (isOpen(fd)) close(fd)
  })
}

/** Two ends of a line that keeps messages apart. */
function line(t: TestContext): [Fd, Fd] {
  const ends = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK)
  closing(t, ...ends)
  return ends
}

function file(t: TestContext, contents: string): Fd {
  const fd = memfd_create('passed')
  closing(t, fd)
  write(fd, Buffer.from(contents))
  return fd
}

function say(fd: Fd, text: string, fds: readonly Fd[]): number {
  return sendmsg(fd, memoryOf(Buffer.from(text)), text.length, fds)
}

/** The next message: its text, and its descriptors, which are closed when the test ends. */
function hear(t: TestContext, fd: Fd): { text: string; fds: readonly Fd[]; isTruncated: boolean } {
  const { length, fds, isTruncated } = recvmsg(fd, MEMORY)
  assert.ok(length >= 0, `recvmsg answered ${length}`)
  closing(t, ...fds)
  return { text: MEMORY.bytes.toString('latin1', 0, length), fds, isTruncated }
}

function contents(fd: Fd): string {
  const memory = allocate(64)
  return memory.bytes.toString('latin1', 0, pread(fd, memory, 0, 64, 0))
}

/** proc_pid_fdinfo(5): the flags of open(2), octal; O_CLOEXEC among them. */
function closesOnExec(fd: Fd): boolean {
  const [, flags] = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))!
  return (Number.parseInt(flags!, 8) & 0o2000000) !== 0
}

test('an open file arrives as a descriptor of its own, and outlives the sender’s', (t) => {
  const [near, far] = line(t)
  const sent = file(t, 'handed over')
  assert.equal(say(near, 'take this', [sent]), 9)
  const { text, fds, isTruncated } = hear(t, far)
  assert.deepEqual({ text, count: fds.length, isTruncated }, { text: 'take this', count: 1, isTruncated: false })
  assert.notEqual(fds[0], sent)
  close(sent)
  assert.equal(contents(fds[0]!), 'handed over')
})

test('a socket arrives connected', (t) => {
  const [near, far] = line(t)
  const [client, server] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
  closing(t, client, server)
  say(near, 's', [server])
  close(server)
  const { fds } = hear(t, far)
  send(fds[0]!, memoryOf(Buffer.from('hello')), 0, 5)
  assert.equal(recv(client, MEMORY, 0, 64), 5)
  assert.equal(MEMORY.bytes.toString('latin1', 0, 5), 'hello')
})

test('what is sent but not yet received stays open, though the sender has closed it', (t) => {
  const [near, far] = line(t)
  const [client, server] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
  closing(t, client, server)
  say(near, 's', [server])
  close(server)
  assert.equal(recv(client, MEMORY, 0, 64), -EAGAIN, 'no end of the stream')
  close(far)
  assert.equal(recv(client, MEMORY, 0, 64), 0, 'with the line went what lay in it')
})

test('a received descriptor is close-on-exec, whatever the sent one was', (t) => {
  const [near, far] = line(t)
  const sent = file(t, '')
  setCloseOnExec(sent, false)
  say(near, 'f', [sent])
  assert.ok(closesOnExec(hear(t, far).fds[0]!))
})

test('several come in the order they were sent in', (t) => {
  const [near, far] = line(t)
  const sent = ['first', 'second', 'third'].map((text) => file(t, text))
  say(near, 'three', sent)
  const { text, fds } = hear(t, far)
  assert.equal(text, 'three')
  assert.deepEqual(fds.map(contents), ['first', 'second', 'third'])
})

test('each message has its own descriptors, and one without has none', (t) => {
  const [near, far] = line(t)
  say(near, 'one', [file(t, 'a'), file(t, 'b')])
  say(near, 'none', [])
  say(near, 'another', [file(t, 'c')])
  const told = Array.from({ length: 3 }, () => {
    const { text, fds } = hear(t, far)
    return [text, ...fds.map(contents)]
  })
  assert.deepEqual(told, [['one', 'a', 'b'], ['none'], ['another', 'c']])
})

test('as many as the kernel takes, and no more', (t) => {
  const [near, far] = line(t)
  const sent = file(t, 'again and again')
  const { ino } = fstat(sent)
  assert.equal(say(near, 'all', new Array<Fd>(SCM_MAX_FD).fill(sent)), 3)
  const { fds, isTruncated } = hear(t, far)
  assert.deepEqual({ count: new Set(fds).size, isTruncated }, { count: SCM_MAX_FD, isTruncated: false })
  assert.ok(fds.every((fd) => fstat(fd).ino === ino))
  assert.throws(() => say(near, 'more', new Array<Fd>(SCM_MAX_FD + 1).fill(sent)), RangeError)
})

test('-EAGAIN while there is nothing, 0 once the other end is closed', (t) => {
  const [near, far] = line(t)
  assert.deepEqual(recvmsg(far, MEMORY), { length: -EAGAIN, fds: [], isTruncated: false })
  say(near, 'last', [file(t, 'last')])
  close(near)
  assert.equal(hear(t, far).fds.length, 1)
  assert.deepEqual(recvmsg(far, MEMORY), { length: 0, fds: [], isTruncated: false })
})

test('a line that is full, gone or not open answers by a negative errno', (t) => {
  const [near, far] = line(t)
  const sent = file(t, '')
  let answer: number
  do answer = say(near, 'x'.repeat(60), [sent])
  while (answer > 0)
  assert.equal(answer, -EAGAIN)
  close(far)
  assert.equal(say(near, 'x', [sent]), -ECONNRESET, 'once, for what lay there unread')
  assert.equal(say(near, 'x', [sent]), -EPIPE)
  close(near)
  assert.equal(say(near, 'x', [sent]), -EBADF)
  assert.deepEqual(recvmsg(near, MEMORY), { length: -EBADF, fds: [], isTruncated: false })
})

test('a descriptor that is not open cannot be sent, and nothing is', (t) => {
  const [near, far] = line(t)
  assert.equal(say(near, 'x', [999_999 as Fd]), -EBADF)
  assert.equal(recvmsg(far, MEMORY).length, -EAGAIN)
})

test('flags are passed on, to a blocking line too', (t) => {
  const [near, far] = socketpair(AF_UNIX, SOCK_SEQPACKET)
  closing(t, near, far)
  assert.equal(recvmsg(far, MEMORY, MSG_DONTWAIT).length, -EAGAIN)
})

test('descriptors for which there is no room are missing, and it is said', (t) => {
  const [near, far] = line(t)
  say(
    near,
    'three',
    ['a', 'b', 'c'].map((text) => file(t, text)),
  )
  const free = memfd_create('the lowest free number')
  close(free)
  const { text, fds, isTruncated } = withDescriptorsBelow(free + 1, () => hear(t, far))
  assert.deepEqual({ text, fds, isTruncated }, { text: 'three', fds: [free], isTruncated: true })
  assert.equal(contents(free), 'a')
  say(near, 'next', [])
  assert.equal(hear(t, far).isTruncated, false)
})

/** asm-generic/resource.h */
const RLIMIT_NOFILE = 7

/** `act` as if only the numbers below `limit` could be given out. */
function withDescriptorsBelow<T>(limit: number, act: () => T): T {
  const getrlimit = bindRaw('getrlimit', 'int', ['int', 'uintptr_t'])
  const setrlimit = bindRaw('setrlimit', 'int', ['int', 'uintptr_t'])
  const limits = allocate(16) // struct rlimit: the soft limit, then the hard one
  assert.equal(getrlimit(RLIMIT_NOFILE, limits.address), 0)
  const before = limits.bytes.readBigUInt64LE(0)
  limits.bytes.writeBigUInt64LE(BigInt(limit), 0)
  assert.equal(setrlimit(RLIMIT_NOFILE, limits.address), 0)
  try {
    return act()
  } finally {
    limits.bytes.writeBigUInt64LE(before, 0)
    setrlimit(RLIMIT_NOFILE, limits.address)
  }
}
