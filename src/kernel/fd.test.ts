import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { AF_INET, SOCK_CLOEXEC, SOCK_STREAM } from './constants.ts'
import { close, type Fd, isOpen, setCloseOnExec } from './fd.ts'
import { socket } from './socket.ts'

/** proc_pid_fdinfo(5): the flags of open(2), octal; O_CLOEXEC among them. */
function closesOnExec(fd: Fd): boolean {
  const [, flags] = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))!
  return (Number.parseInt(flags!, 8) & 0o2000000) !== 0
}

test('close gives the descriptor back, once', () => {
  const fd = socket(AF_INET, SOCK_STREAM)
  assert.ok(isOpen(fd))
  close(fd)
  assert.ok(!isOpen(fd))
  assert.throws(() => close(fd), { name: 'SyscallError', syscall: 'close', code: 'EBADF' })
})

test('the lowest free number is given out again', () => {
  const first = socket(AF_INET, SOCK_STREAM)
  close(first)
  const second = socket(AF_INET, SOCK_STREAM)
  close(second)
  assert.equal(second, first)
})

test('a number that was never opened is not open', () => {
  assert.ok(!isOpen(999_999))
  assert.ok(!isOpen(-1))
})

test('close-on-exec is set and taken off', () => {
  const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC)
  assert.ok(closesOnExec(fd))
  setCloseOnExec(fd, false)
  assert.ok(!closesOnExec(fd))
  setCloseOnExec(fd, true)
  assert.ok(closesOnExec(fd))
  close(fd)
  assert.throws(() => setCloseOnExec(fd, true), { syscall: 'fcntl', code: 'EBADF' })
})
