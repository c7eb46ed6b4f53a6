/**
 * Listeners on the loopback: as asked for, in one piece or not at all, and changed
 * without losing who waits.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LOOPBACK } from '../../test/support/address.ts'
import type { Config, Listen, SocketOptions } from '../config/options.ts'
import {
  F_GETFD,
  F_GETFL,
  FD_CLOEXEC,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  O_NONBLOCK,
  SO_REUSEADDR,
  SOL_SOCKET,
  TCP_DEFER_ACCEPT,
  TCP_FASTOPEN,
  TCP_NODELAY,
} from '../kernel/constants.ts'
import { type Fd, fcntl, isOpen } from '../kernel/fd.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { getsockname, getsockopt } from '../kernel/socket.ts'
import { acceptQueue } from '../kernel/tcp.ts'
import { describeBacklog, warnOfBacklog } from './backlog.ts'
import {
  changeListeners,
  closeListener,
  growListener,
  type IsSpared,
  type Listener,
  openListeners,
} from './listeners.ts'
import {
  acceptAll,
  addressOf,
  closeAll,
  configOf,
  connectTo,
  folderOf,
  foreignListener,
  NO_IPV6,
  opened,
  passed,
  tcp,
  unix,
} from './listening.test.support.ts'

const SOMAXCONN = Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1'))
const REUSEPORT: Partial<Config> = { accept: 'reuseport', model: 'event' }

const portOf = (fd: Fd) => (getsockname(fd) as { port: number }).port

test('a TCP listener is bound, tells its real port, and is neither inherited by accident nor blocking', (t) => {
  const [listener] = opened(t, configOf({ listen: [tcp()] })) as [Listener]
  const [fd] = listener.sockets as [Fd]
  assert.equal(listener.authority, `127.0.0.1:${portOf(fd)}`)
  assert.deepEqual([listener.sockets.length, listener.isPassed], [1, false])
  assert.equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC)
  assert.equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK)
  connectTo(t, addressOf(listener))
  assert.equal(acceptAll(fd), 1)
})

test('the options of socket reach the kernel, on and off', (t) => {
  const read = (options: SocketOptions) => {
    const [fd] = opened(t, configOf({ listen: [tcp()], socket: options }))[0]!.sockets as [Fd]
    return [
      getsockopt(fd, SOL_SOCKET, SO_REUSEADDR),
      getsockopt(fd, IPPROTO_TCP, TCP_NODELAY),
      getsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) > 0,
      getsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN),
    ]
  }
  const on = { reuseAddress: true, noDelay: true, deferAcceptSeconds: 9, fastOpenQueue: 5, ipv6Only: true }
  const off = { reuseAddress: false, noDelay: false, deferAcceptSeconds: 0, fastOpenQueue: 0, ipv6Only: false }
  assert.deepEqual(read(on), [1, 1, true, 5])
  assert.deepEqual(read(off), [0, 0, false, 0])
})

test('IPv6 is for itself, or takes IPv4 too', { skip: NO_IPV6 }, (t) => {
  const { socket } = configOf({})
  for (const ipv6Only of [true, false]) {
    const config = configOf({ listen: [tcp(0, '::')], socket: { ...socket, ipv6Only } })
    const [listener] = opened(t, config) as [Listener]
    const [fd] = listener.sockets as [Fd]
    assert.equal(listener.authority, `[::]:${portOf(fd)}`)
    assert.equal(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY), Number(ipv6Only))
    const fromIPv4 = () => connectTo(t, socketAddress('127.0.0.1', portOf(fd)))
    if (ipv6Only) assert.throws(fromIPv4, { code: 'ECONNREFUSED' })
    else fromIPv4()
  }
})

test('reuseport: a socket for each slot at one port, every queue reached', (t) => {
  const [listener] = opened(t, configOf({ listen: [tcp()], ...REUSEPORT }), 3) as [Listener]
  assert.equal(listener.sockets.length, 3)
  assert.equal(new Set(listener.sockets.map(portOf)).size, 1)
  const all = listener.sockets.map(() => 0)
  // The kernel chooses by a hash of the client's port: a hundred clients miss a socket once in 10^17.
  for (let i = 0; i < 100; i++) connectTo(t, addressOf(listener))
  for (const [slot, fd] of listener.sockets.entries()) all[slot] = acceptAll(fd)
  assert.ok(!all.includes(0), `${all}`)
  assert.equal(
    all.reduce((sum, count) => sum + count),
    100,
  )
})

test('reuseport grows with the slots and never shrinks', (t) => {
  const config = configOf({ listen: [tcp()], ...REUSEPORT })
  const [listener] = opened(t, config, 2) as [Listener]
  const before = [...listener.sockets]
  growListener(listener, 4, config)
  assert.equal(listener.sockets.length, 4)
  growListener(listener, 1, config)
  assert.deepEqual(listener.sockets.slice(0, 2), before)
  assert.equal(listener.sockets.length, 4)
})

test('one socket for all, unless each worker of the model event is to have its own', (t) => {
  const count = (changes: Partial<Config>) => opened(t, configOf({ listen: [tcp()], ...changes }), 3)[0]!.sockets.length
  assert.equal(count({ accept: 'shared' }), 1)
  assert.equal(count({ accept: 'parent' }), 1)
  assert.equal(count({ accept: 'reuseport', model: 'prefork' }), 1)
  const path = join(folderOf(t), 's')
  assert.equal(opened(t, configOf({ listen: [unix(path)], ...REUSEPORT }), 3)[0]!.sockets.length, 1)
})

test('a port that another server shares by reuseport is taken all the same', (t) => {
  const [other] = opened(t, configOf({ listen: [tcp()], ...REUSEPORT }), 2) as [Listener]
  const port = portOf(other.sockets[0]!)
  const wanted = configOf({ listen: [tcp(port)], ...REUSEPORT })
  assert.throws(() => openListeners(wanted, 2), {
    name: 'OperatorError',
    message:
      `cannot listen on 127.0.0.1:${port}: the port is taken. Choose another with --port, ` +
      `or see who has it: ss -ltnp 'sport = :${port}'`,
  })
})

test('the backlog in effect is the kernel’s', (t) => {
  const path = join(folderOf(t), 's')
  const listen = [tcp(0, '127.0.0.1', 7), tcp(0, '127.0.0.1', SOMAXCONN + 1), unix(path, { backlog: SOMAXCONN + 1 })]
  const listeners = opened(t, configOf({ listen }))
  assert.deepEqual(
    listeners.map(({ backlog }) => backlog),
    [
      { asked: 7, inEffect: 7 },
      { asked: SOMAXCONN + 1, inEffect: SOMAXCONN },
      { asked: SOMAXCONN + 1, inEffect: SOMAXCONN },
    ],
  )
  assert.equal(warnOfBacklog(listeners[0]!), null)
  assert.equal(describeBacklog(listeners[0]!), 'backlog 7 asked, 7 in effect')
  assert.equal(
    warnOfBacklog(listeners[1]!),
    `${listeners[1]!.authority} asked for a backlog of ${SOMAXCONN + 1}, the kernel holds ${SOMAXCONN}: ` +
      `raise net.core.somaxconn (sysctl -w net.core.somaxconn=${SOMAXCONN + 1}), or lower --backlog`,
  )
  const group = opened(t, configOf({ listen: [tcp(0, '127.0.0.1', SOMAXCONN + 1)], ...REUSEPORT }), 2)[0]!
  assert.equal(describeBacklog(group), `backlog ${SOMAXCONN + 1} asked, ${SOMAXCONN} in effect, for each of 2 sockets`)
})

test('all or none: when one cannot be had, the others are given back', (t) => {
  const taken = portOf(foreignListener(t))
  const path = join(folderOf(t), 's')
  const listen = [unix(path), tcp(), tcp(taken)]
  const before = descriptors()
  assert.throws(() => openListeners(configOf({ listen }), 1), { name: 'OperatorError' })
  assert.deepEqual(descriptors(), before)
  assert.equal(existsSync(path), false)
})

test('what is taken and spared is left out, and nothing else is', (t) => {
  const [taken, other] = [foreignListener(t), foreignListener(t)].map(portOf) as [number, number]
  const path = join(folderOf(t), 's')
  const [server] = opened(t, configOf({ listen: [unix(path)] })) as [Listener]
  const isSpared: IsSpared = (it) => (it.kind === 'unix' ? it.path === path : it.port === taken)
  const attempt = (...listen: Listen[]) => openListeners(configOf({ listen }), 1, undefined, isSpared)
  const listeners = attempt(tcp(taken), tcp(), unix(path))
  t.after(() => closeAll(listeners))
  assert.deepEqual(
    listeners.map(({ listen }) => listen),
    [tcp()],
  )
  assert.throws(() => attempt(tcp(taken), tcp(other)), { message: /:\d+: the port is taken\. .* in listen/ })
  assert.throws(() => attempt(unix(path, { owner: 'nosuchuser' })), { message: /has no user 'nosuchuser'/ })
  assert.throws(() => attempt(tcp(taken, '192.0.2.1')), { message: /no such address/ })
  assert.equal(existsSync(path), true, server.authority)
})

test('the options named are those that were used', () => {
  const nowhere = tcp(0, '192.0.2.1')
  const attempt = (listen: Listen[]) => () => openListeners(configOf({ listen }), 1)
  const says = 'cannot listen on 192.0.2.1:0: this machine has no such address. Choose one of its own'
  assert.throws(attempt([nowhere]), { message: `${says} with --host` })
  assert.throws(attempt([nowhere, tcp()]), { message: `${says} in listen` })
})

test('a name under which nothing was passed', () => {
  assert.throws(() => openListeners(configOf({ listen: [passed('web')] }), 1), {
    message: /^cannot listen on fd:web: no socket of that name was passed to prefork; no sockets were passed at all\./,
  })
})

test('a reload keeps what stays, with whoever waits there; opens what is new; drops the rest', (t) => {
  const folder = folderOf(t)
  const [a, b, c] = ['a', 'b', 'c'].map((name) => unix(join(folder, name))) as [never, never, never]
  const before = openListeners(configOf({ listen: [tcp(), a, b] }), 1)
  connectTo(t, addressOf(before[0]!))
  const config = configOf({ listen: [c, tcp(0, '127.0.0.1', 99), a], ...REUSEPORT })
  const { listeners, opened: fresh, dropped } = changeListeners(before, config, 2)
  t.after(() => closeAll([...listeners, ...dropped]))

  assert.deepEqual(
    listeners.map(({ authority }) => authority),
    [`unix:${folder}/c`, before[0]!.authority, `unix:${folder}/a`],
  )
  assert.equal(listeners[1]!.sockets[0], before[0]!.sockets[0])
  assert.deepEqual(fresh, [listeners[0]])
  growListener(listeners[1]!, 2, config)
  assert.equal(before[0]!.sockets.length, 2, 'if the reload fails, the old one still has them all')
  assert.equal(acceptQueue(listeners[1]!.sockets[0]!).limit, 99)
  assert.equal(acceptAll(listeners[1]!.sockets[0]!), 1)
  assert.deepEqual(dropped, [before[2]], 'b')
  closeListener(listeners[2]!)
  listeners.splice(2)
  assert.equal(existsSync(join(folder, 'a')), false, 'the file is still ours to remove')
})

test('a reload that asks for what cannot be had changes nothing', (t) => {
  const taken = portOf(foreignListener(t))
  const before = opened(t, configOf({ listen: [tcp()] }))
  const open = descriptors()
  const listen = [tcp(0, '127.0.0.1', 99), tcp(0, '127.0.0.2'), tcp(taken)]
  const attempt = () => changeListeners(before, configOf({ listen }), 1)
  assert.throws(attempt, { name: 'OperatorError' })
  assert.deepEqual(descriptors(), open)
  assert.equal(acceptQueue(before[0]!.sockets[0]!).limit, Math.min(511, SOMAXCONN))
  connectTo(t, addressOf(before[0]!))
  assert.equal(acceptAll(before[0]!.sockets[0]!), 1)
})

test('a port that changes gets a new socket', (t) => {
  const before = opened(t, configOf({ listen: [tcp(8080, LOOPBACK)] }))
  const { listeners, dropped } = changeListeners(before, configOf({ listen: [tcp(8081, LOOPBACK)] }), 1)
  t.after(() => closeAll(listeners))
  assert.equal(listeners[0]!.authority, `${LOOPBACK}:8081`)
  assert.deepEqual(dropped, before)
})

/** Every open number below a bound that no test here reaches. */
function descriptors(): number[] {
  return Array.from({ length: 256 }, (_, fd) => fd).filter(isOpen)
}
