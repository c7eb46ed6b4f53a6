/**
 * Programs started by posix_spawn, waited for, signalled. For fork see fork.test.ts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EPOLL_CTL_ADD, EPOLLIN, SIGKILL, WNOHANG } from './constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from './epoll.ts'
import { close } from './fd.ts'
import { memfd_create, pread, write } from './file.ts'
import { bindRaw } from './libc.ts'
import { allocate } from './memory.ts'
import { getpid, getppid, kill, pidfd_open, posix_spawn, sleep, waitpid } from './process.ts'

/** Long enough for a program to end; a wait this long has failed. */
const DEADLINE_MS = 20_000

test('posix_spawn starts a program with its arguments, environment and inherited descriptors', (t) => {
  const input = memfd_create('input')
  const output = memfd_create('output')
  const kept = memfd_create('kept back')
  t.after(() => [input, output, kept].forEach(close))
  write(input, Buffer.from('read by the child'))

  const script = `exec > /proc/self/fd/${output}
    echo "$0 $1 $WORD"
    cat /proc/self/fd/${input}
    echo
    for fd in 0 2 ${input} ${kept}; do [ -e /proc/self/fd/$fd ] && echo open || echo closed; done`
  const env = { WORD: 'environment', PATH: process.env.PATH }
  const pid = posix_spawn('/bin/sh', ['sh', '-c', script, 'zero', 'one'], env, [input, output])
  assert.deepEqual(waitpid(pid, 0), { pid, exitCode: 0, signal: null })

  const memory = allocate(4096)
  const length = pread(output, memory, 0, 4096, 0)
  assert.deepEqual(memory.bytes.toString('latin1', 0, length).trimEnd().split('\n'), [
    'zero one environment',
    'read by the child',
    'open',
    'open',
    'open',
    'closed',
  ])
})

test('posix_spawn puts the child into a process group of its own', () => {
  const pid = posix_spawn('/bin/sh', ['sh', '-c', 'read _ _ _ _ group _ < /proc/$$/stat; [ "$group" = $$ ]'], {}, [])
  assert.deepEqual(waitpid(pid, 0), { pid, exitCode: 0, signal: null })
})

test('posix_spawn passes an exit code on', () => {
  const pid = posix_spawn('/bin/sh', ['sh', '-c', 'exit 42'], {}, [])
  assert.deepEqual(waitpid(pid, 0), { pid, exitCode: 42, signal: null })
})

test('posix_spawn throws when there is no such program, or none to be run', () => {
  const missing = { name: 'SyscallError', syscall: 'posix_spawn', code: 'ENOENT', message: /\/no\/such\/program/ }
  assert.throws(() => posix_spawn('/no/such/program', ['x'], {}, []), missing)
  assert.throws(() => posix_spawn('/proc', ['x'], {}, []), { code: 'EACCES' })
})

test('a pidfd is readable once the process has ended', (t) => {
  const pid = posix_spawn('/bin/sh', ['sh', '-c', 'exec sleep 600'], { PATH: process.env.PATH }, [])
  const pidfd = pidfd_open(pid)
  const epfd = epoll_create1(0)
  t.after(() => [pidfd, epfd].forEach(close))
  epoll_ctl(epfd, EPOLL_CTL_ADD, pidfd, EPOLLIN)
  const events = new EpollEvents(1)

  assert.equal(epoll_wait(epfd, events, 0), 0)
  assert.equal(waitpid(pid, WNOHANG), null)
  assert.equal(kill(pid, 0), true)
  assert.equal(kill(pid, SIGKILL), true)
  assert.equal(epoll_wait(epfd, events, DEADLINE_MS), 1)
  assert.equal(events.fd(0), pidfd)
  assert.deepEqual(waitpid(pid, 0), { pid, exitCode: null, signal: SIGKILL })

  assert.equal(kill(pid, 0), false)
  assert.throws(() => pidfd_open(pid), { syscall: 'pidfd_open', code: 'ESRCH' })
})

test('kill throws for a signal that does not exist', () => {
  assert.throws(() => kill(getpid(), 999), { syscall: 'kill', code: 'EINVAL' })
})

test('getpid and getppid', () => {
  assert.equal(getpid(), process.pid)
  assert.equal(getppid(), process.ppid)
})

test('sleep answers 0, or the seconds that a signal left over', (t) => {
  assert.equal(sleep(0), 0)
  const ualarm = bindRaw('ualarm', 'uint', ['uint', 'uint'])
  const handler = () => {}
  process.on('SIGALRM', handler)
  t.after(() => {
    ualarm(0, 0)
    process.off('SIGALRM', handler)
  })
  ualarm(5_000, 5_000)
  assert.ok(sleep(600) > 500)
})
