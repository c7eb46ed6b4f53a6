/**
 * Connections, accepted and passed on. The sockets are real; that something is
 * readable is told by hand, so that nothing happens between two steps of a test.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Channel, type PassedConnection, type WorkerReport } from '../channel.ts'
import {
  AF_INET,
  AF_UNIX,
  MSG_DONTWAIT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from '../kernel/constants.ts'
import { EAGAIN } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { allocate } from '../kernel/memory.ts'
import { type SocketAddress, socketAddress } from '../kernel/sockaddr.ts'
import { bind, connect, getpeername, getsockname, listen, recv, socket, socketpair } from '../kernel/socket.ts'
import { acceptQueue } from '../kernel/tcp.ts'
import { Dispatcher } from './dispatcher.ts'

const RETRY_MS = 250
const UNTAKEN_MAX = 64

// ── who gets it ──────────────────────────────────────────────────────────────

test('each connection goes to the worker that has fewest', (t) => {
  const it = new Machine(t)
  const [busy, idle] = [it.worker(5), it.worker(3)]
  it.connect(3)
  assert.deepEqual([busy.passed().length, idle.passed().length], [1, 2])
})

test('a connection arrives with what its listener is, and is the client’s own', (t) => {
  const it = new Machine(t, { listeners: 2, secure: 1 })
  const worker = it.worker()
  it.connect(1, 0)
  assert.equal(worker.passed()[0]!.isSecure, false)
  const [client] = it.connect(1, 1)
  const [{ isSecure, fd }] = worker.passed() as [Passed]
  assert.equal(isSecure, true)
  assert.deepEqual(getpeername(fd), getsockname(client!))
})

test('our copy is closed when the worker has taken its own', (t) => {
  const it = new Machine(t)
  const worker = it.worker()
  const [client] = it.connect(1)
  close(worker.passed()[0]!.fd)
  assert.equal(isAtEnd(client!), false, 'our copy keeps it open')
  it.dispatcher.taken(worker.line, 1)
  assert.equal(isAtEnd(client!), true)
})

// ── when nobody can be passed to ─────────────────────────────────────────────

test('nothing is accepted while nobody is enlisted', (t) => {
  const it = new Machine(t)
  it.connect(2)
  assert.equal(it.queued(), 2)
  const worker = it.worker()
  it.round()
  assert.equal(worker.passed().length, 2)
})

test('nor when the last one has been dismissed', (t) => {
  const it = new Machine(t)
  const worker = it.worker()
  it.dispatcher.dismiss(worker.line)
  it.connect(1)
  assert.equal(worker.passed().length, 0)
  assert.equal(it.queued(), 1)
})

test('no worker has more than it may; the rest waits in the accept queue, and is looked at again', (t) => {
  const it = new Machine(t, { connectionsMax: 3 })
  const worker = it.worker(1)
  it.connect(5)
  assert.equal(worker.passed().length, 2)
  worker.take(2)
  it.round()
  assert.equal(worker.passed().length, 0, 'it holds three')
  worker.row.connections = 1 // two have closed, of which it does not tell
  it.round()
  assert.equal(worker.passed().length, 0, 'nobody looks')
  t.mock.timers.tick(RETRY_MS)
  it.round()
  assert.equal(worker.passed().length, 2)
  assert.equal(it.queued(), 1)
})

test('where all are full, those whose connections wait for their clients are passed more: as many as can make room', (t) => {
  const it = new Machine(t, { connectionsMax: 5 })
  const [busy, some, most] = [it.worker(5), it.worker(5), it.worker(5)]
  some.row.waiting = 1
  most.row.waiting = 2
  it.connect(5)
  assert.deepEqual([busy.passed().length, some.passed().length, most.passed().length], [0, 1, 2])
  assert.equal(it.queued(), 2)
})

test('while anybody has room, nobody is passed more than that', (t) => {
  const it = new Machine(t, { connectionsMax: 5 })
  const [full, other] = [it.worker(5), it.worker(3)]
  full.row.waiting = 5
  it.connect(2)
  assert.deepEqual([full.passed().length, other.passed().length], [0, 2])
})

test('after a reload the bound may be another, and so may the listeners', (t) => {
  const it = new Machine(t, { listeners: 2, secure: 1, connectionsMax: 1 })
  it.dispatcher.listenOn(it.listeners.slice(1), 2)
  const worker = it.worker()
  it.connect(1, 0)
  it.connect(3, 1)
  assert.deepEqual(
    worker.passed().map(({ isSecure }) => isSecure),
    [true, true],
  )
})

test('a worker that does not look is passed so many and no more, until it takes some: at once then', (t) => {
  const it = new Machine(t)
  const worker = it.worker()
  it.connect(UNTAKEN_MAX + 10)
  it.round()
  assert.equal(worker.passed().length, UNTAKEN_MAX)
  worker.take(20)
  it.round()
  assert.equal(worker.passed().length, 10)
})

// ── when a worker goes ───────────────────────────────────────────────────────

test('what a dead worker has not taken goes to another', (t) => {
  const it = new Machine(t)
  const [first, second] = [it.worker(0), it.worker(10)]
  it.connect(3)
  first.take(1)
  it.dispatcher.hungUp(first.line)
  assert.deepEqual(second.passed().map(peerOf), it.clients.slice(1).map(getsockname))
})

test('with no other there, to the next one', (t) => {
  const it = new Machine(t)
  const first = it.worker()
  const [client] = it.connect(1)
  it.dispatcher.hungUp(first.line)
  const second = it.worker()
  assert.deepEqual(second.passed().map(peerOf), [getsockname(client!)])
})

test('with all others full, to whoever has room again', (t) => {
  const it = new Machine(t, { connectionsMax: 1 })
  const first = it.worker()
  it.connect(1)
  const second = it.worker(1)
  t.mock.timers.tick(RETRY_MS)
  it.dispatcher.hungUp(first.line)
  assert.equal(second.passed().length, 0)
  second.row.connections = 0
  t.mock.timers.tick(RETRY_MS)
  assert.equal(second.passed().length, 1)
})

test('a worker that is dismissed keeps what it has been passed, and what it has not taken at its death goes to another', (t) => {
  const it = new Machine(t)
  const leaving = it.worker()
  it.connect(2)
  it.dispatcher.dismiss(leaving.line)
  const other = it.worker()
  assert.equal(other.passed().length, 0)
  leaving.take(1)
  it.dispatcher.hungUp(leaving.line)
  assert.deepEqual(other.passed().map(peerOf), [getsockname(it.clients[1]!)])
})

test('one that is gone, and has not been told of yet, swallows one connection for a while; none is lost', (t) => {
  const it = new Machine(t)
  const [gone, other] = [it.worker(0), it.worker(1)]
  gone.die()
  it.connect(3)
  assert.equal(other.passed().length, 0)
  it.dispatcher.hungUp(gone.line)
  it.round()
  assert.equal(other.passed().length, 3)
})

test('enlisted twice, it has not forgotten what it was passed', (t) => {
  const it = new Machine(t)
  const worker = it.worker()
  const [client] = it.connect(1)
  it.enlist(worker)
  close(worker.passed()[0]!.fd)
  it.dispatcher.taken(worker.line, 1)
  assert.equal(isAtEnd(client!), true)
})

// ── the end ──────────────────────────────────────────────────────────────────

test('closed, it accepts no more, whatever workers say', (t) => {
  const it = new Machine(t)
  const worker = it.worker()
  it.connect(1)
  it.dispatcher.close()
  worker.take(1)
  it.worker()
  it.connect(1)
  assert.equal(worker.passed().length, 1)
  assert.equal(it.queued(), 1)
})

test('what has been accepted by then goes to whoever is still there, and is closed when nobody is', (t) => {
  const it = new Machine(t)
  const [first, second] = [it.worker(0), it.worker(1)]
  const [client] = it.connect(1)
  it.dispatcher.close()
  it.dispatcher.hungUp(first.line)
  const passed = second.passed()
  assert.equal(passed.length, 1)
  close(passed[0]!.fd)
  first.die()
  it.dispatcher.hungUp(second.line)
  second.die()
  assert.equal(isAtEnd(client!), true)
})

// ── the machine ──────────────────────────────────────────────────────────────

interface Passed {
  readonly isSecure: boolean
  readonly fd: Fd
}

class Machine {
  readonly listeners: { readonly fd: Fd; readonly isSecure: boolean }[]
  readonly clients: Fd[] = []
  readonly dispatcher: Dispatcher
  readonly #t: TestContext
  readonly #watched = new Map<Fd, () => void>()
  #lastLine = 0

  constructor(t: TestContext, { listeners = 1, secure = -1, connectionsMax = 1_000 } = {}) {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    this.#t = t
    this.listeners = Array.from({ length: listeners }, (_, i) => ({ fd: listenerOf(t), isSecure: i === secure }))
    const events = {
      watch: (fd: Fd, onReadable: () => void) => void this.#watched.set(fd, onReadable),
      unwatch: (fd: Fd) => void this.#watched.delete(fd),
    }
    const log = { error: (message: string) => assert.fail(message) }
    this.dispatcher = new Dispatcher(events, log, this.listeners, connectionsMax)
    t.after(() => this.dispatcher.close())
  }

  worker(connections = 0): Worker {
    const worker = new Worker(++this.#lastLine, connections, this.#t, this.dispatcher)
    this.enlist(worker)
    return worker
  }

  enlist({ line, ours, row }: Worker): void {
    this.dispatcher.enlist(line, ours, row)
  }

  /** Clients whose handshakes are finished; then a round of events. */
  connect(count: number, listener = 0): Fd[] {
    const address = getsockname(this.listeners[listener]!.fd)
    const clients = Array.from({ length: count }, () => socket(AF_INET, SOCK_STREAM))
    for (const client of clients) {
      this.#t.after(() => close(client))
      connect(client, address)
    }
    this.clients.push(...clients)
    this.round()
    return clients
  }

  /** Every listener that is watched is said to be readable. */
  round(): void {
    for (const [fd, onReadable] of [...this.#watched]) if (this.#watched.has(fd)) onReadable()
  }

  /** How many wait in the accept queue. */
  queued(): number {
    return acceptQueue(this.listeners[0]!.fd).length
  }
}

/** What a worker says of itself: all of its connections have requests, but so many. */
class RowOfWorker {
  connections: number
  waiting = 0

  constructor(connections: number) {
    this.connections = connections
  }

  get active(): number {
    return this.connections - this.waiting
  }
}

/** What a worker does about its line, and what the supervisor knows of it. */
class Worker {
  readonly line: number
  readonly row: RowOfWorker
  readonly ours: Channel<WorkerReport, PassedConnection>
  readonly #theirs: Channel<PassedConnection, WorkerReport>
  readonly #dispatcher: Dispatcher
  readonly #open: Set<Fd>

  constructor(line: number, connections: number, t: TestContext, dispatcher: Dispatcher) {
    const [ours, theirs] = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC)
    this.line = line
    this.row = new RowOfWorker(connections)
    this.ours = new Channel(ours)
    this.#theirs = new Channel(theirs)
    this.#open = new Set([ours, theirs])
    this.#dispatcher = dispatcher
    t.after(() => this.#close(ours, theirs))
  }

  /** What lies in its line. */
  passed(): Passed[] {
    const passed: Passed[] = []
    for (let word = this.#theirs.receive(); word !== null && word !== 'closed'; word = this.#theirs.receive())
      passed.push({ isSecure: word.isSecure, fd: this.#theirs.fds[0]! })
    return passed
  }

  /** It has accepted so many of what it was passed, and says so. */
  take(count: number): void {
    this.row.connections += count
    this.#dispatcher.taken(this.line, count)
  }

  /** Its end of the line goes, and with it what lies there. */
  die(): void {
    this.#close(this.#theirs.fd)
  }

  #close(...fds: Fd[]): void {
    for (const fd of fds) if (this.#open.delete(fd)) close(fd)
  }
}

function listenerOf(t: TestContext): Fd {
  const fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK)
  t.after(() => close(fd))
  bind(fd, socketAddress('127.0.0.1'))
  listen(fd, 511)
  return fd
}

function peerOf({ fd }: Passed): SocketAddress | null {
  return getpeername(fd)
}

/** Whether the server's side has closed it. */
function isAtEnd(client: Fd): boolean {
  return recv(client, allocate(1), 0, 1, MSG_DONTWAIT) !== -EAGAIN
}
