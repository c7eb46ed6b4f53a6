/**
 * Sockets that somebody else has opened: taken over by name or by address, and
 * handed on to a successor.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Config, Listen } from '../config/options.ts'
import {
  AF_INET,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  FD_CLOEXEC,
  O_NONBLOCK,
  SOCK_DGRAM,
  SOCK_STREAM,
} from '../kernel/constants.ts'
import { close, type Fd, fcntl, isOpen, setCloseOnExec } from '../kernel/fd.ts'
import { memfd_create } from '../kernel/file.ts'
import { type SocketAddress, socketAddress } from '../kernel/sockaddr.ts'
import { getsockname, socket } from '../kernel/socket.ts'
import { handOverListeners, type Listener, openListeners } from './listeners.ts'
import {
  acceptAll,
  addressOf,
  configOf,
  connectTo,
  folderOf,
  foreignListener,
  passed,
  tcp,
  unix,
} from './listening.test.support.ts'
import { handOver, OWN_NAME, type PassedSockets, readPassedSockets } from './passed-sockets.ts'

/** Where the passed descriptors begin here: 3 is not free in a process that runs tests. */
const FIRST = 600
const OURS = { pid: 100, parentPid: 99, first: FIRST }
const DEFAULT = { backlog: 7, isSecure: false }

/** These descriptors as a service manager passes them, and the variables. Closed with the test, but for those that were. */
function pass(t: TestContext, fds: readonly Fd[], names: readonly string[] = []): NodeJS.ProcessEnv {
  for (const [i, fd] of fds.entries()) {
    assert.equal(fcntl(fd, F_DUPFD_CLOEXEC, FIRST + i), FIRST + i, 'the number is free')
    setCloseOnExec((FIRST + i) as Fd, false)
    t.after(() => isOpen(FIRST + i) && close((FIRST + i) as Fd))
  }
  return {
    HOME: '/',
    LISTEN_PID: '100',
    LISTEN_FDS: String(fds.length),
    ...(names.length > 0 ? { LISTEN_FDNAMES: names.join(':') } : {}),
  }
}

interface Told {
  readonly listeners: readonly Listener[]
  readonly warnings: readonly string[]
}

function start(t: TestContext, env: NodeJS.ProcessEnv, config: Config, slots = 1): Told {
  const sockets = readPassedSockets(env, OURS)
  const listeners = startWith(t, sockets, config, slots)
  return { listeners, warnings: sockets.closeUnclaimed() }
}

function startWith(t: TestContext, sockets: PassedSockets, config: Config, slots: number): Listener[] {
  const listeners = openListeners(config, slots, sockets)
  // Those that were passed may have been closed by then.
  t.after(() =>
    listeners
      .flatMap((it) => it.sockets)
      .filter(isOpen)
      .forEach(close),
  )
  return listeners
}

const listening = (...listen: Listen[]) => configOf({ listen })
const authorities = ({ listeners }: Told) => listeners.map(({ authority }) => authority)
const numbers = ({ listeners }: Told) => listeners.map(({ sockets }) => sockets)
const portOf = (fd: Fd) => (getsockname(fd) as { port: number }).port

test('the descriptors are made ours, and the variables taken away', (t) => {
  const env = pass(t, [foreignListener(t)])
  const told = start(t, env, configOf({}))
  assert.deepEqual(env, { HOME: '/' })
  assert.deepEqual(numbers(told), [[FIRST]])
  assert.equal(fcntl(FIRST as Fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC)
  assert.equal(fcntl(FIRST as Fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK)
  assert.equal(told.listeners[0]!.isPassed, true)
})

test('what is meant for another process is not ours, nor our children’s', (t) => {
  const env = { ...pass(t, [foreignListener(t)]), LISTEN_PID: '101' }
  const sockets = readPassedSockets(env, OURS)
  assert.deepEqual(sockets.toListenOn(DEFAULT), [])
  assert.deepEqual(env, { HOME: '/' })
  assert.equal(fcntl(FIRST as Fd, F_GETFD), 0, 'untouched')
})

test('a predecessor says its own pid, for it cannot know ours', (t) => {
  const { LISTEN_PID, ...env } = pass(t, [foreignListener(t)], ['web'])
  const names = (predecessor: string) =>
    readPassedSockets({ ...env, PREFORK_PREDECESSOR: predecessor }, OURS)
      .toListenOn(DEFAULT)
      .map((listen) => listen.kind === 'passed' && listen.name)
  assert.deepEqual(names('98'), [])
  assert.deepEqual(names('99'), ['web'])
})

test('nothing passed: nothing there', () => {
  assert.deepEqual(readPassedSockets({}, OURS).toListenOn(DEFAULT), [])
  assert.deepEqual(readPassedSockets({ LISTEN_PID: '100' }, OURS).toListenOn(DEFAULT), [])
})

test('with no address asked for, all that the manager passed is listened on', (t) => {
  const path = join(folderOf(t), 's')
  const fds = [foreignListener(t), foreignListener(t, socketAddress(path)), foreignListener(t)]
  const told = start(t, pass(t, fds, ['web', 'web', 'admin']), configOf({}))
  assert.deepEqual(authorities(told), [`127.0.0.1:${portOf(fds[0]!)}`, `unix:${path}`, `127.0.0.1:${portOf(fds[2]!)}`])
  assert.deepEqual(told.warnings, [])
})

test('they speak TLS where the address would that nobody asked for', (t) => {
  const told = start(
    t,
    pass(t, [foreignListener(t)]),
    configOf({ listen: [{ ...tcp(), isSecure: true }], isListenAsked: false }),
  )
  assert.deepEqual(
    told.listeners.map(({ listen }) => [listen.kind, listen.isSecure]),
    [['passed', true]],
  )
})

test('with addresses asked for, only those, by name or address; the rest is closed, and said', (t) => {
  const fds = [foreignListener(t), foreignListener(t), foreignListener(t)]
  const [, second, third] = fds as [Fd, Fd, Fd]
  const told = start(t, pass(t, fds, ['a', 'b', 'c']), listening(tcp(portOf(third)), passed('a')))
  assert.deepEqual(numbers(told), [[FIRST + 2], [FIRST]])
  assert.deepEqual(told.warnings, [
    `the socket 127.0.0.1:${portOf(second)} ('b') was passed to prefork, but is not in listen: closed`,
  ])
  assert.equal(isOpen(FIRST + 1), false)
})

test('an address is the same however it is written', (t) => {
  const fd = foreignListener(t, socketAddress('::ffff:127.0.0.1'))
  const told = start(t, pass(t, [fd]), listening(tcp(portOf(fd), '0:0:0:0:0:ffff:7f00:1')))
  assert.deepEqual(numbers(told), [[FIRST]])
})

test('a name that nobody has: the names there are', (t) => {
  const sockets = readPassedSockets(pass(t, [foreignListener(t), foreignListener(t)], ['web', 'admin']), OURS)
  assert.throws(() => sockets.claim([passed('wbe')]), {
    name: 'OperatorError',
    message: /^cannot listen on fd:wbe: no socket .*; there are 'web', 'admin'\. See FileDescriptorName= .*#systemd$/,
  })
})

test('what waits in a passed socket’s queue is served', (t) => {
  const fd = foreignListener(t)
  connectTo(t, getsockname(fd))
  const told = start(t, pass(t, [fd]), configOf({}))
  assert.equal(acceptAll(told.listeners[0]!.sockets[0]!), 1)
})

test('the backlog of a passed socket becomes ours', (t) => {
  const told = start(t, pass(t, [foreignListener(t)], ['web']), listening({ ...passed('web'), backlog: 33 }))
  assert.deepEqual(told.listeners[0]!.backlog, { asked: 33, inEffect: 33 })
})

test('descriptors that are not listening stream sockets', (t) => {
  const file = memfd_create('file')
  const [unbound, datagram] = [SOCK_STREAM, SOCK_DGRAM].map((type) => socket(AF_INET, type)) as [Fd, Fd]
  t.after(() => [file, unbound, datagram].forEach(close))
  const says = (fds: readonly Fd[], count = String(fds.length)) => {
    const env = { ...pass(t, fds, ['x']), LISTEN_FDS: count }
    let message = ''
    assert.throws(
      () => readPassedSockets(env, OURS),
      (error: Error) => {
        message = error.message
        return error.name === 'OperatorError'
      },
    )
    if (fds.length > 0) close(FIRST as Fd)
    return message
  }
  const remedy = '. A socket unit must say ListenStream= and Accept=no; see docs/operating.md#systemd'
  const that = `descriptor ${FIRST} ('x'), passed to prefork by LISTEN_FDS, `
  assert.equal(says([file]), `${that}is not a socket${remedy}`)
  assert.equal(says([unbound]), `${that}does not listen${remedy}`)
  assert.equal(says([datagram]), `${that}is not a stream socket${remedy}`)
  assert.equal(says([], '1'), `${that}is not open${remedy}`)
  assert.equal(says([], 'three'), "LISTEN_FDS is 'three': it must be a number")
})

const REUSEPORT = { accept: 'reuseport', model: 'event' } as const

test('a socket of our own user is joined by one for each slot', (t) => {
  const told = start(t, pass(t, [foreignListener(t)]), configOf(REUSEPORT), 3)
  assert.equal(told.listeners[0]!.sockets.length, 3)
  assert.equal(new Set(told.listeners[0]!.sockets.map(portOf)).size, 1)
})

const NOT_ROOT = process.getuid!() !== 0 && 'only root may be somebody else'

test('a socket of another user cannot be joined: all slots share it', { skip: NOT_ROOT }, (t) => {
  process.seteuid!(65_534)
  t.after(() => process.seteuid!(0))
  const fd = foreignListener(t)
  process.seteuid!(0)
  const told = start(t, pass(t, [fd]), configOf(REUSEPORT), 3)
  assert.deepEqual(numbers(told), [[FIRST]])
})

test('from one prefork to the next: every socket, at its address, under its name', (t) => {
  const path = join(folderOf(t), 's')
  const manager = foreignListener(t)
  const config = { ...listening(passed('web'), tcp(), unix(path)), accept: 'reuseport' } as const
  const first = start(t, pass(t, [manager], ['web']), config, 2)
  const held = first.listeners.flatMap(({ sockets }) => sockets)
  for (const address of first.listeners.map(addressOf)) connectTo(t, address)

  const { fds, env } = handOverListeners(first.listeners, null)
  t.after(() => fds.forEach(close))
  assert.deepEqual(env, {
    LISTEN_FDS: '5',
    LISTEN_FDNAMES: `web:web:${OWN_NAME}:${OWN_NAME}:${OWN_NAME}`,
    PREFORK_PREDECESSOR: String(process.pid),
  })
  assert.equal(held.length, 5)
  assert.ok(fds.every((fd) => fd >= 3 + 5))
  for (const [i, fd] of fds.entries()) moveTo(t, fd, FIRST + 1 + i)

  const successor = readPassedSockets(env, { pid: 1, parentPid: process.pid, first: FIRST + 1 })
  const second = startWith(t, successor, config, 2)
  assert.deepEqual(successor.closeUnclaimed(), [])
  assert.deepEqual(
    second.map(({ authority, sockets, name, file }) => [authority, sockets.length, name, file]),
    first.listeners.map(({ authority, sockets, name }) => [authority, sockets.length, name, null]),
  )
  const waiting = second.map(({ sockets }) => sockets.reduce((sum, fd) => sum + acceptAll(fd), 0))
  assert.deepEqual(waiting, [1, 1, 1])
})

test('copies are numbered above every number they are meant for', (t) => {
  const sockets = Array.from({ length: 40 }, () => ({ fd: foreignListener(t), name: OWN_NAME }))
  const { fds } = handOver(sockets)
  t.after(() => fds.forEach(close))
  assert.ok(Math.min(...fds) >= 3 + 40)
  assert.deepEqual(
    fds.map(addressOfFd),
    sockets.map(({ fd }) => addressOfFd(fd)),
  )
})

test('a port of 0 takes over any port of its host, but none that another asks for', (t) => {
  const [kept, asked] = [foreignListener(t), foreignListener(t)]
  const env = pass(t, [asked, kept], [OWN_NAME, OWN_NAME])
  const told = start(t, env, listening(tcp(0, '127.0.0.2'), tcp(), tcp(portOf(asked))))
  assert.deepEqual(numbers(told).slice(1), [[FIRST + 1], [FIRST]])
  assert.equal(told.listeners[0]!.isPassed, false, 'of another host')
})

test('a port of 0 takes no socket of a service manager', (t) => {
  const told = start(t, pass(t, [foreignListener(t)], ['web']), listening(tcp()))
  assert.equal(told.listeners[0]!.isPassed, false)
  assert.equal(told.warnings.length, 1)
})

function addressOfFd(fd: Fd): SocketAddress {
  return getsockname(fd)
}

/** As a spawn does with dup2(2). */
function moveTo(t: TestContext, fd: Fd, number: number): void {
  assert.equal(fcntl(fd, F_DUPFD_CLOEXEC, number), number, 'the number is free')
  t.after(() => isOpen(number) && close(number as Fd))
}
