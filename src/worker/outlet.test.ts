import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AF_UNIX, F_GETFL, F_SETFL, O_NONBLOCK, O_RDONLY, O_RDWR, PIPE_BUF, SOCK_STREAM } from '../kernel/constants.ts'
import { EAGAIN, EISDIR, EPIPE } from '../kernel/errno.ts'
import { close, type Fd, fcntl, isOpen } from '../kernel/fd.ts'
import { open, read } from '../kernel/file.ts'
import { allocate } from '../kernel/memory.ts'
import { recv, socketpair } from '../kernel/socket.ts'
import { Outlet, openOutlet } from './outlet.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'prefork-outlet-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

function fifoIn(path: string): string {
  const fifo = join(path, 'fifo')
  execFileSync('mkfifo', [fifo])
  return fifo
}

function outletAt(t: TestContext, path: string): Outlet {
  const outlet = openOutlet(path)
  if (typeof outlet === 'number') assert.fail(`errno ${-outlet}`)
  t.after(() => outlet.close())
  return outlet
}

const LINES = Buffer.from(`${'x'.repeat(99)}\n`.repeat(30))
const isNonBlocking = (fd: Fd) => (fcntl(fd, F_GETFL) & O_NONBLOCK) !== 0

test('a file takes any length whole, behind what is there', (t) => {
  const path = join(folder(t), 'a.log')
  writeFileSync(path, 'before\n')
  const outlet = outletAt(t, path)
  assert.deepEqual([outlet.isFile, outlet.canBeAwaited, outlet.wholeBytesMax], [true, false, Number.POSITIVE_INFINITY])
  assert.equal(outlet.write(LINES), LINES.length)
  assert.equal(readFileSync(path, 'latin1'), `before\n${LINES}`)
})

test('a full pipe says so, and takes nothing of a write rather than a part', (t) => {
  const path = fifoIn(folder(t))
  const reader = open(path, O_RDONLY | O_NONBLOCK) as Fd
  t.after(() => close(reader))
  const outlet = outletAt(t, path)
  assert.deepEqual([outlet.isFile, outlet.canBeAwaited, outlet.wholeBytesMax], [false, true, PIPE_BUF])
  let taken = 0
  for (let last = LINES.length; last > 0; ) {
    last = outlet.write(LINES)
    assert.ok(last === LINES.length || last === -EAGAIN)
    taken += Math.max(0, last)
  }
  assert.ok(taken >= PIPE_BUF)
  const memory = allocate(taken)
  assert.equal(read(reader, memory), taken)
  assert.equal(outlet.write(LINES), LINES.length)
})

test('a fifo that nobody reads yet takes lines for whoever will', (t) => {
  const path = fifoIn(folder(t))
  const outlet = outletAt(t, path)
  assert.equal(outlet.write(LINES), LINES.length)
  const reader = open(path, O_RDONLY | O_NONBLOCK) as Fd
  t.after(() => close(reader))
  assert.equal(read(reader, allocate(2 * LINES.length)), LINES.length)
})

test('a socket is not waited for, though it would block', (t) => {
  const [near, far] = socketpair(AF_UNIX, SOCK_STREAM)
  t.after(() => {
    for (const fd of [near, far]) if (isOpen(fd)) close(fd)
  })
  const outlet = new Outlet(near, false)
  assert.deepEqual([outlet.isFile, outlet.canBeAwaited, outlet.wholeBytesMax], [false, true, PIPE_BUF])
  let taken = 0
  for (let last = 1; last > 0; taken += Math.max(0, last)) last = outlet.write(LINES)
  assert.equal(taken % LINES.length, 0, 'each write whole')
  assert.equal(isNonBlocking(near), false, 'what others share is left as it is')
  const memory = allocate(65_536)
  assert.ok(recv(far, memory, 0, 65_536) > 0)
  close(far)
  assert.equal(outlet.write(LINES), -EPIPE)
})

test('a pipe that cannot be opened anew does not block either, whatever others have set since', (t) => {
  const shared = open(fifoIn(folder(t)), O_RDWR) as Fd
  t.after(() => close(shared))
  const outlet = new Outlet(shared, false)
  assert.equal(outlet.write(LINES), LINES.length)
  assert.equal(isNonBlocking(shared), true)
  fcntl(shared, F_SETFL, fcntl(shared, F_GETFL) & ~O_NONBLOCK)
  let last = 0
  do last = outlet.write(LINES)
  while (last > 0)
  assert.equal(last, -EAGAIN)
})

test('what is no place for lines is refused', (t) => assert.equal(openOutlet(folder(t)), -EISDIR))

test('only what it has opened itself is closed with it', (t) => {
  const path = join(folder(t), 'a.log')
  const outlet = outletAt(t, path)
  new Outlet(outlet.fd, false).close()
  assert.equal(isOpen(outlet.fd), true)
})
