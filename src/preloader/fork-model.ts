/**
 * The model 'fork', the lesson's own program: the parent accepts, and forks a
 * child for each connection.
 *
 *     accept4(2) → fork(2) ┬ parent: closes its copy of the connection, and accepts again
 *                          └ child:  closes the listeners, answers, closes, exits
 *
 * With as many children as there may be, it accepts no more until one has died:
 * connections wait in the accept queue.
 *
 * The children hold copies of the preloader's end of its channel. They only ever
 * look whether it has hung up, which tells them that the supervisor is gone.
 */
import type { InheritedListener } from '../boot.ts'
import type { Order, PreloaderChannel } from '../channel.ts'
import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
} from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { EMFILE, SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { _exit, type Death, fork } from '../kernel/process.ts'
import { accept4 } from '../kernel/socket.ts'
import type { Log } from '../log.ts'
import { Children } from './children.ts'
import type { Birth } from './orders.ts'

type AcceptOrder = Extract<Order, { type: 'accept' }>
type EndOrder = Extract<Order, { type: 'end' }>

const EVENTS = 64
/** How long it looks away when the machine has no room for another process or descriptor, and how often it says so. */
const RETRY_MS = 250
const COMPLAIN_MS = 1_000
const EXIT_OK = 0

/** Returns in each child, with its connection; in the preloader it never returns. */
export function forkForEachConnection(
  channel: PreloaderChannel,
  log: Log,
  order: AcceptOrder,
  connectionsMax: number,
): Birth {
  const listeners = channel.fds.map((fd, i) => ({ fd, authority: order.authorities[i]! }))
  const parent = new Parent(channel, log, listeners, order.firstRow, connectionsMax)
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
  /** Rows of the scoreboard, by the pid that has each; and those that nobody has. */
  readonly #rows = new Map<number, number>()
  readonly #freeRows: number[]
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
    childrenMax: number,
  ) {
    this.#channel = channel
    this.#log = log
    this.#listeners = listeners
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
      this.#freeRows.push(this.#rows.get(death.pid)!)
      this.#rows.delete(death.pid)
      this.#tellOf(death)
      if (!this.#isEnding) this.#look()
    }
  }

  /** One connection, one child. In the child: what it is to be. */
  #takeOne(listener: number): Birth | null {
    let connection: Fd | null = null
    try {
      connection = accept4(this.#listeners[listener]!.fd, SOCK_NONBLOCK | SOCK_CLOEXEC)
      if (connection === null) return null
      const row = this.#freeRows.at(-1)!
      const pid = fork()
      if (pid === 0) return this.#becomeChild(row, listener, connection)
      this.#freeRows.pop()
      this.#rows.set(pid, row)
      this.#children.add(pid)
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error
      this.#complain(error)
      this.#lookAway()
      this.#lookAgainAt = performance.now() + RETRY_MS
    }
    if (connection !== null) close(connection)
    if (this.#freeRows.length === 0) this.#lookAway()
    return null
  }

  #becomeChild(row: number, listener: number, connection: Fd): Birth {
    close(this.#epoll)
    this.#children.forget()
    const { authority } = this.#listeners[listener]!
    for (const { fd } of this.#listeners) close(fd)
    return { slot: row, row, line: this.#channel.fd, listeners: [{ fd: connection, authority }], connection }
  }

  #look(): void {
    this.#lookAgainAt = Number.POSITIVE_INFINITY
    if (this.#isWatching || this.#freeRows.length === 0) return
    for (const { fd } of this.#listeners) epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
    this.#isWatching = true
  }

  #lookAway(): void {
    if (!this.#isWatching) return
    for (const { fd } of this.#listeners) epoll_ctl(this.#epoll, EPOLL_CTL_DEL, fd, 0)
    this.#isWatching = false
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
