/**
 * What is said of which call: a table of calls as libc.ts tells of them, on memory
 * that is really there, and descriptors of a pretended process.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AF_INET,
  AF_UNIX,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  EPOLLRDHUP,
  F_ADD_SEALS,
  F_SEAL_SEAL,
  F_SEAL_WRITE,
  F_SETFD,
  RESOLVE_BENEATH,
  SIGTERM,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../kernel/constants.ts'
import { EADDRINUSE, EAGAIN, ENOENT } from '../kernel/errno.ts'
import { layout } from '../kernel/layout.ts'
import { type CValue, copyMemory } from '../kernel/libc.ts'
import { allocate, type Memory, memoryOf } from '../kernel/memory.ts'
import { encodeSockaddr, socketAddress } from '../kernel/sockaddr.ts'
import type { Thing } from './descriptors.ts'
import { Narrator } from './narrator.ts'

const SUPERVISOR = 100
const CHILD = 101
const LISTENER = 7
/** Made by the calls themselves; the kernel would tell that it listens. */
const BOUND = 21
const CLIENT = 12
const LINE = 20
const INHERITED: Readonly<Record<number, Thing>> = {
  [LISTENER]: { kind: 'listener', address: '127.0.0.1:8080' },
  [BOUND]: { kind: 'listener', address: '127.0.0.1:8080' },
  [LINE]: { kind: 'channel' },
}

/** A narrator and its lines, the spaces between call and sentence cut to ` | `. */
function narrate({ isAll = false, name = 'worker 0' } = {}) {
  const lines: string[] = []
  let pid = SUPERVISOR
  const narrator = new Narrator(
    { name, isAll, look: { columns: null, hasColours: false } },
    {
      write: (text) => lines.push(...text.trimEnd().split('\n')),
      ask: (fd) => INHERITED[fd] ?? { kind: 'other', what: 'a file' },
      memory: {
        bytes: copyMemory,
        text: (address) => copyMemory(address, 64).toString('latin1').split('\0', 1)[0]!,
      },
      pid: () => pid,
    },
  )
  return {
    narrator,
    hear: (name_: string, args: readonly CValue[], result: number) => narrator.hear({ name: name_, args, result }),
    become: (child: number) => {
      pid = child
    },
    /** Since it was last asked. */
    told: () =>
      lines.splice(0).map((line) => line.replace(/^(\S+(?: \d+)?) +(\d+) {2}/, '$1 $2 ').replace(/ {2,}/, ' | ')),
  }
}

/** Held: an address is valid while its memory is. */
const held: Memory[] = []
function hold(memory: Memory): number {
  held.push(memory)
  return memory.address
}
const sockaddr = (host: string, port: number) => hold(encodeSockaddr(socketAddress(host, port)))
function integer(value: number): number {
  const memory = allocate(4)
  memory.bytes.writeInt32LE(value)
  return hold(memory)
}
const text = (it: string) => hold(memoryOf(Buffer.from(`${it}\0`)))
const bytes = (it: string) => hold(memoryOf(Buffer.from(it)))
function event(events: number, data: number): number {
  const memory = allocate(layout.epollEvent.size)
  memory.bytes.writeInt32LE(events, layout.epollEvent.events)
  memory.bytes.writeInt32LE(data, layout.epollEvent.data)
  return hold(memory)
}

const STREAM = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC
const ACCEPTED = [LISTENER, sockaddr('127.0.0.1', 51234), integer(16), SOCK_NONBLOCK | SOCK_CLOEXEC]
const GET = bytes('GET /a?secret HTTP/1.1\r\nCookie: secret\r\n\r\n')
const OK = bytes('HTTP/1.1 200 OK\r\nSet-Cookie: secret\r\n\r\nsecret')

test('the story of the lesson, call by call', () => {
  const { hear, told } = narrate({ name: 'supervisor' })
  hear('socket', [AF_INET, STREAM, 0], BOUND)
  hear('setsockopt', [BOUND, SOL_SOCKET, SO_REUSEADDR, integer(1), 4], 0)
  hear('bind', [BOUND, sockaddr('127.0.0.1', 8080), 16], 0)
  hear('listen', [BOUND, 511], 0)
  hear('accept4', ACCEPTED, CLIENT)
  hear('recv', [CLIENT, GET, 65536, 0], 78)
  hear('send', [CLIENT, OK, 212, 0x4000], 212)
  hear('close', [CLIENT], 0)
  assert.deepEqual(told(), [
    'supervisor 100 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC) = 21 | an endpoint, of no address yet; this process knows it by the number 21 (man 2 socket)',
    'supervisor 100 setsockopt(21, SOL_SOCKET, SO_REUSEADDR, 1) = 0 | a restart need not wait until the connections of before are out of TIME_WAIT (man 2 setsockopt)',
    'supervisor 100 bind(21, 127.0.0.1:8080, 16) = 0 | gives the endpoint its address (man 2 bind)',
    'supervisor 100 listen(21, 511) = 0 | from here on the kernel answers SYNs by itself, and holds up to 511 finished handshakes for accept (man 2 listen)',
    'supervisor 100 accept4(7, 127.0.0.1:51234, SOCK_NONBLOCK|SOCK_CLOEXEC) = 12 | Accepted connection from 127.0.0.1:51234: the oldest in the queue gets a socket of its own, 12 (man 2 accept4)',
    'supervisor 100 recv(12, "GET /a?… HTTP/1.1"…, 65536, 0) = 78 | Received request: GET /a?… HTTP/1.1 (man 2 recv)',
    'supervisor 100 send(12, "HTTP/1.1 200 OK"…, 212, MSG_NOSIGNAL) = 212 | Sent response to client: HTTP/1.1 200 OK (man 2 send)',
    'supervisor 100 close(12) = 0 | ends the connection with 127.0.0.1:51234; the number is free again (man 2 close)',
  ])
})

/** After a connection has been accepted: a call, and what is told of it (but for the manual page). */
const TOLD: readonly (readonly [name: string, args: readonly CValue[], result: number, told: string | null])[] = [
  [
    'accept4',
    [LISTENER, 0, 0, 0],
    -EAGAIN,
    'accept4(7, NULL, 0) = -1 EAGAIN | the queue is empty: nobody waits there, or another worker was faster',
  ],
  [
    'recv',
    [CLIENT, bytes(''), 65536, 0],
    0,
    'recv(12, 0 bytes, 65536, 0) = 0 | the client has finished sending: its FIN has arrived',
  ],
  [
    'recv',
    [CLIENT, GET, 65536, 0],
    -EAGAIN,
    'recv(12, 0 bytes, 65536, 0) = -1 EAGAIN | nothing more has arrived yet; epoll will tell',
  ],
  [
    'recv',
    [CLIENT, bytes('secret body'), 65536, 0],
    11,
    'recv(12, 11 bytes, 65536, 0) = 11 | more bytes from 127.0.0.1:51234',
  ],
  ['recv', [LINE, GET, 64, 0], 20, null],
  [
    'send',
    [CLIENT, OK, 212, 0],
    100,
    'send(12, "HTTP/1.1 200 OK"…, 212, 0) = 100 | Sent response to client: HTTP/1.1 200 OK; 112 bytes did not fit, and wait',
  ],
  [
    'send',
    [CLIENT, bytes('more of a body'), 14, 0],
    14,
    'send(12, 14 bytes, 14, 0) = 14 | more of the response, to 127.0.0.1:51234',
  ],
  ['shutdown', [CLIENT, 1], 0, 'shutdown(12, SHUT_WR) = 0 | says that nothing more will be sent: the FIN'],
  ['close', [LISTENER], 0, "close(7) = 0 | gives back this process's copy of the listener 127.0.0.1:8080"],
  ['close', [LINE], 0, null],
  ['socket', [AF_UNIX, SOCK_SEQPACKET, 0], 30, null],
  [
    'bind',
    [CLIENT, sockaddr('127.0.0.1', 80), 16],
    -EADDRINUSE,
    'bind(12, 127.0.0.1:80, 16) = -1 EADDRINUSE | somebody else has this address',
  ],
  [
    'epoll_ctl',
    [9, EPOLL_CTL_ADD, CLIENT, event(EPOLLIN, CLIENT)],
    0,
    'epoll_ctl(9, EPOLL_CTL_ADD, 12, EPOLLIN) = 0 | wants to be woken when 127.0.0.1:51234 has sent something',
  ],
  [
    'epoll_ctl',
    [9, EPOLL_CTL_ADD, LISTENER, event(EPOLLIN, ~LISTENER)],
    0,
    'epoll_ctl(9, EPOLL_CTL_ADD, 7, EPOLLIN) = 0 | wants to be woken when a connection waits on 127.0.0.1:8080',
  ],
  ['epoll_ctl', [9, EPOLL_CTL_DEL, CLIENT, event(0, CLIENT)], 0, null],
  ['epoll_ctl', [9, EPOLL_CTL_ADD, LINE, event(EPOLLIN, LINE)], 0, null],
  [
    'epoll_wait',
    [9, event(EPOLLIN, CLIENT), 64, -1],
    1,
    'epoll_wait(9, [12 EPOLLIN], 64, -1) = 1 | woken: something has arrived from 127.0.0.1:51234',
  ],
  [
    'epoll_wait',
    [9, event(EPOLLIN | EPOLLRDHUP, CLIENT), 64, 5],
    1,
    'epoll_wait(9, [12 EPOLLIN|EPOLLRDHUP], 64, 5) = 1 | woken: 127.0.0.1:51234 has closed its side',
  ],
  [
    'epoll_wait',
    [9, event(EPOLLIN, ~LISTENER), 64, -1],
    1,
    'epoll_wait(9, [7 EPOLLIN], 64, -1) = 1 | woken: a handshake is complete, and a connection waits on 127.0.0.1:8080',
  ],
  ['epoll_wait', [9, event(EPOLLIN, LINE), 64, -1], 1, null],
  ['epoll_wait', [9, event(0, 0), 64, 500], 0, null],
  [
    'waitpid',
    [-1, integer(7 << 8), 1],
    300,
    'waitpid(-1, exit code 7, WNOHANG) = 300 | child 300 has ended, and now its parent knows how',
  ],
  [
    'waitpid',
    [-1, integer(9), 0],
    300,
    'waitpid(-1, SIGKILL, 0) = 300 | child 300 has ended, and now its parent knows how',
  ],
  ['waitpid', [-1, integer(0), 1], 0, null],
  ['kill', [300, SIGTERM], 0, 'kill(300, SIGTERM) = 0 | tells process 300 by a signal: stop now'],
  ['kill', [300, 0], 0, null],
  ['_exit', [0], 0, '_exit(0) = ? | the process ends; whatever it still had open is closed by the kernel'],
  ['setuid', [33], 0, 'setuid(33) = 0 | becomes that user, for good'],
  ['getpid', [], 100, null],
  ['uv_default_loop', [], 1, null],
]

for (const [name, args, result, wanted] of TOLD) {
  test(`${name} = ${result}: ${wanted ?? 'not told'}`, () => {
    const { hear, told } = narrate()
    hear('accept4', ACCEPTED, CLIENT)
    hear(name, args, result)
    const [, ...lines] = told()
    const lasts = lines.map((line) => line.replace('worker 0 100 ', '').replace(/ \(man \d \w+\)$/, ''))
    assert.deepEqual(lasts, wanted === null ? [] : [wanted])
  })
}

test('the manual page of a call is named once', () => {
  const { hear, told } = narrate()
  hear('accept4', ACCEPTED, CLIENT)
  hear('accept4', ACCEPTED, CLIENT)
  assert.deepEqual(
    told().map((line) => line.endsWith('(man 2 accept4)')),
    [true, false],
  )
})

test('a child says so, with its own pid, until it has a name; its parent’s copy of a connection is not the last', () => {
  const parent = narrate({ name: 'preloader' })
  parent.hear('accept4', ACCEPTED, CLIENT)
  parent.hear('fork', [], CHILD)
  parent.hear('close', [CLIENT], 0)
  const [, fork, close] = parent.told()
  assert.equal(
    fork,
    `preloader 100 fork() = 101 | one process becomes two; the parent is told the child's pid, 101 (man 2 fork)`,
  )
  assert.match(close!, /^preloader 100 close\(12\) = 0 \| gives back this copy of the connection/)

  const child = narrate({ name: 'preloader' })
  child.hear('accept4', ACCEPTED, CLIENT)
  child.become(CHILD)
  child.hear('fork', [], 0)
  child.narrator.rename('worker 3')
  child.hear('close', [CLIENT], 0)
  const [, born, ended] = child.told()
  assert.match(born!, /^child 101 fork\(\) = 0 \| the child/)
  assert.match(ended!, /^worker 3 101 close\(12\) = 0 \| ends the connection with 127\.0\.0\.1:51234/)
})

test('what was accepted without asking who it is, is asked for', () => {
  const { hear, told } = narrate()
  hear('accept4', [LISTENER, 0, 0, 0], LISTENER + 1)
  assert.match(told()[0]!, /^worker 0 100 accept4\(7, NULL, 0\) = 8 \| Accepted connection from \?/)
})

test('a listener that is watched again, so that others go first, is no news', () => {
  const { hear, told } = narrate()
  const add = ['epoll_ctl', [9, EPOLL_CTL_ADD, LISTENER, event(EPOLLIN, ~LISTENER)], 0] as const
  hear(...add)
  hear('epoll_ctl', [9, EPOLL_CTL_DEL, LISTENER, event(0, 0)], 0)
  hear(...add)
  assert.equal(told().length, 1)
})

test('a file is found, read and closed; what is not there is told as well', () => {
  const { hear, told } = narrate()
  const how = allocate(24)
  how.bytes.writeUInt32LE(RESOLVE_BENEATH, 16)
  hear('syscall', [layout.SYS_openat2, 5, text('index.html'), hold(how), 24], 14)
  hear('pread', [14, 0, 4096, 0], 100)
  hear('syscall', [layout.SYS_fstat, 14, 0, 0, 0], 0)
  hear('close', [14], 0)
  hear('syscall', [layout.SYS_openat2, 5, text('index.html'), hold(how), 24], -ENOENT)
  assert.deepEqual(
    told().map((line) => line.replace(/^worker 0 100 /, '').replace(/ \(man.*/, '')),
    [
      'openat2(5, "index.html", {O_RDONLY, RESOLVE_BENEATH}) = 14 | finds a file beneath the root: whatever leads out of it, the kernel refuses',
      'pread(14, 100 bytes, 4096, 0) = 100 | reads the file into memory',
      'close(14) = 0 | the file is not needed any more',
      'openat2(5, "index.html", {O_RDONLY, RESOLVE_BENEATH}) = -1 ENOENT | there is no such file',
    ],
  )
})

test('what is turned aside is one line, and all of it for who wants every call', () => {
  for (const isAll of [false, true]) {
    const { narrator, hear, told } = narrate({ isAll })
    narrator.turnAside('tries something')
    hear('kill', [300, SIGTERM], 0)
    narrator.turnBack()
    hear('kill', [300, SIGTERM], 0)
    assert.deepEqual(
      told().map((line) => line.slice(0, 34)),
      isAll
        ? ['worker 0 100 … tries something', 'worker 0 100 kill(300, SIGTERM) = ', 'worker 0 100 kill(300, SIGTERM) = ']
        : ['worker 0 100 … tries something (--', 'worker 0 100 kill(300, SIGTERM) = '],
    )
  }
})

test('of fcntl is told what it asks for, and which seals it sets', () => {
  const { hear, told } = narrate({ isAll: true })
  hear('fcntl', [8, F_SETFD, 1], 0)
  hear('fcntl', [8, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL], 0)
  assert.deepEqual(
    told().map((line) => line.replace(/ \| .*/, '')),
    ['worker 0 100 fcntl(8, F_SETFD, 1) = 0', 'worker 0 100 fcntl(8, F_ADD_SEALS, F_SEAL_SEAL|F_SEAL_WRITE) = 0'],
  )
})

test('a call that no table knows is told with its numbers, and an address is no number', () => {
  const { hear, told } = narrate({ isAll: true })
  hear('sched_yield', [1, 0x7f0000000000, null, 'a text'], 0)
  assert.deepEqual(told(), ['worker 0 100 sched_yield(1, 0x7f0000000000, NULL, …) = 0'])
})

test('what cannot be told takes nobody down', () => {
  const { hear, told } = narrate()
  hear('posix_spawn', [], 0)
  assert.match(told()[0]!, /^worker 0 100 … posix_spawn: cannot be told/)
})
