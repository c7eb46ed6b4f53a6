/**
 * The model 'fork', the lesson's own program: the parent accepts, and forks a
 * child for each connection.
 *
 *     accept4(2) → fork(2) ┬ parent: closes its copy of the connection, and accepts again
 *                          └ child:  closes the listeners, answers, closes, exits
 *
 * With as many children as there may be, it accepts no more until one has died:
 * connections wait in the accept queue, and children that wait for their clients
 * are told to make room.
 *
 * The children hold copies of the preloader's end of its channel. They only ever
 * look whether it has hung up, which tells them that the supervisor is gone.
 */
import type { AddressLimit } from '../address-counts.ts'
import { type InheritedListener, listenersOf } from '../boot.ts'
import { Channel, type Order, type PassedConnection, type PreloaderChannel, type WorkerReport } from '../channel.ts'
import { introduce } from '../explain/explained.ts'
import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  POLLIN,
  SIGUSR2,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
} from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { EMFILE, SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { poll } from '../kernel/poll.ts'
import { _exit, type Death, fork, kill } from '../kernel/process.ts'
import { accept4, PeerAddress, resetOnClose } from '../kernel/socket.ts'
import type { Log } from '../log.ts'
import type { Row } from '../scoreboard.ts'
import { Seldom } from '../worker/seldom.ts'
import type { Birth } from '../worker/worker.ts'
import { Children } from './children.ts'
import { Guests } from './guests.ts'

type AcceptOrder = Extract<Order, { type: 'accept' }>
type EndOrder = Extract<Order, { type: 'end' }>

const EVENTS = 64
/** How long it looks away when there is no room for another process or descriptor; and how often it says so, where that is the machine's. */
const RETRY_MS = 250
const COMPLAIN_MS = 1_000
const EXIT_OK = 0

export interface ForkModelOptions {
  /** As many as there may be at once. */
  readonly childrenMax: number
  readonly addressLimit: (row: number) => AddressLimit | null
  readonly rowOf: (row: number) => Row
}

/** Returns in each child, with its connection; in the preloader it never returns. */
export function forkForEachConnection(
  channel: PreloaderChannel,
  log: Log,
  order: AcceptOrder,
  options: ForkModelOptions,
): Birth {
  const listeners = listenersOf(order.listeners, channel.fds)
  const parent = new Parent(channel, log, listeners, order.firstRow, options)
  channel.send({ type: 'accepting' })
  return parent.live()
}

class Parent {
  readonly #channel: PreloaderChannel
  readonly #log: Log
  readonly #listeners: readonly InheritedListener[]
  readonly #epoll = epoll_create1(EPOLL_CLOEXEC)
  readonly #events = new EpollEvents(EVENTS)
  readonly #children = new Children(this.#epoll)
  readonly #guests: Guests
  /** Rows of the scoreboard that nobody has. */
  readonly #freeRows: number[]
  readonly #peer = new PeerAddress()
  readonly #full: Seldom
  #isWatching = false
  /** It has been told to end: it accepts no more. */
  #isEnding = false
  #endBy = Number.POSITIVE_INFINITY
  #lookAgainAt = Number.POSITIVE_INFINITY
  #complainedAt = Number.NEGATIVE_INFINITY

  constructor(
    channel: PreloaderChannel,
    log: Log,
    listeners: readonly InheritedListener[],
    firstRow: number,
    options: ForkModelOptions,
  ) {
    this.#channel = channel
    this.#log = log
    this.#full = new Seldom(log)
    this.#listeners = listeners
    this.#guests = new Guests(options.addressLimit(firstRow), options.rowOf, log)
    const { childrenMax } = options
    this.#freeRows = Array.from({ length: childrenMax }, (_, i) => firstRow + childrenMax - 1 - i)
    epoll_ctl(this.#epoll, EPOLL_CTL_ADD, channel.fd, EPOLLIN)
    this.#look()
  }

  live(): Birth {
    for (;;) {
      const count = epoll_wait(this.#epoll, this.#events, this.#msToNextDeadline())
      this.#buryTheDead(count)
      this.#obey()
      if (this.#isEnding) this.#leaveIfAlone()
      else if (performance.now() >= this.#lookAgainAt) this.#look()
      for (let i = 0; i < count && this.#isWatching; i++) {
        const listener = this.#listeners.findIndex(({ fd }) => fd === this.#events.fd(i))
        const birth = listener === -1 ? null : this.#takeOne(listener)
        if (birth !== null) return birth
      }
    }
  }

  #buryTheDead(count: number): void {
    for (let i = 0; i < count; i++) {
      const death = this.#children.bury(this.#events.fd(i))
      if (death === null) continue
      this.#freeRows.push(this.#guests.leave(death.pid))
      this.#tellOf(death)
      if (!this.#isEnding) this.#look()
    }
  }

  /** One connection, one child. In the child: what it is to be. */
  #takeOne(listener: number): Birth | null {
    let connection: Fd | null = null
    try {
      connection = accept4(this.#listeners[listener]!.fd, SOCK_NONBLOCK | SOCK_CLOEXEC, this.#peer)
      if (connection === null) return null
      if (!this.#guests.arrive(this.#peer)) {
        resetOnClose(connection)
        close(connection)
        return null
      }
      const row = this.#freeRows.at(-1)!
      const pid = fork()
      if (pid === 0) return this.#becomeChild(row, listener, connection)
      this.#freeRows.pop()
      this.#guests.settle(pid, row)
      this.#children.add(pid)
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error
      this.#guests.dismiss()
      this.#complain(error)
      this.#lookAway()
    }
    if (connection !== null) close(connection)
    if (this.#freeRows.length === 0) this.#lookAway()
    return null
  }

  /** There are as many children as there may be, and somebody waits for one of them to go. */
  #makeRoom(): void {
    this.#lookAgainAt = performance.now() + RETRY_MS
    if (!this.#listeners.some(({ fd }) => poll(fd, POLLIN, 0) !== 0)) return
    const asked = this.#guests.longestWaiting().filter((pid) => kill(pid, SIGUSR2)).length
    if (asked === 0) return
    const size = this.#children.size
    this.#full.warn(
      asked,
      (count) => `full at ${size} connections: ${count} times, one that waited for its client was told to make room`,
    )
  }

  #becomeChild(row: number, listener: number, connection: Fd): Birth {
    introduce(`worker ${row}`)
    close(this.#epoll)
    this.#children.forget()
    for (const { fd } of this.#listeners) close(fd)
    const { isSecure } = this.#listeners[listener]!
    const line = new Channel<PassedConnection, WorkerReport>(this.#channel.fd)
    return { slot: row, row, line, listeners: [], connection: { fd: connection, isSecure } }
  }

  #look(): void {
    this.#lookAgainAt = Number.POSITIVE_INFINITY
    if (this.#isWatching) return
    if (this.#freeRows.length === 0) return this.#makeRoom()
    for (const { fd } of this.#listeners) epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
    this.#isWatching = true
  }

  #lookAway(): void {
    if (!this.#isWatching) return
    for (const { fd } of this.#listeners) epoll_ctl(this.#epoll, EPOLL_CTL_DEL, fd, 0)
    this.#isWatching = false
    this.#lookAgainAt = performance.now() + RETRY_MS
  }

  #complain(error: SyscallError): void {
    const now = performance.now()
    if (now - this.#complainedAt < COMPLAIN_MS) return
    this.#complainedAt = now
    const remedy = error.errno === EMFILE ? '; raise the limit of open files (ulimit -n, LimitNOFILE=)' : ''
    this.#log.error(`cannot ${error.syscall} with ${this.#children.size} children: ${error.message}${remedy}`)
  }

  #obey(): void {
    for (let order = this.#channel.receive(); order !== null; order = this.#channel.receive()) {
      if (order === 'closed') return this.#children.outlive()
      if (order.type === 'end') this.#beginToEnd(order)
      else if (order.type === 'tell') this.#children.tellAll(order.signal)
    }
  }

  #beginToEnd({ signal, withinMs }: EndOrder): void {
    this.#lookAway()
    if (!this.#isEnding) this.#shut()
    this.#endBy = withinMs === null ? Number.POSITIVE_INFINITY : performance.now() + withinMs
    this.#children.tellAll(signal)
  }

  #shut(): void {
    this.#isEnding = true
    for (const { fd } of this.#listeners) close(fd)
    this.#channel.send({ type: 'shut' })
  }

  #leaveIfAlone(): void {
    if (this.#children.size === 0) _exit(EXIT_OK)
    // What the children are still held up by, their own deadline has ended; the supervisor ends what is left.
    if (performance.now() >= this.#endBy) this.#children.outlive((death) => this.#tellOf(death))
  }

  #tellOf(death: Death): void {
    if (death.exitCode !== EXIT_OK) this.#channel.send({ type: 'died', ...death })
  }

  #msToNextDeadline(): number {
    const at = Math.min(this.#lookAgainAt, this.#endBy)
    return at === Number.POSITIVE_INFINITY ? -1 : Math.max(0, Math.ceil(at - performance.now()))
  }
}
