/**
 * The event loop: every socket of a worker in one epoll, and Node's own loop, libuv's, in it as well.
 *
 *     epoll_wait (ours) sleeps until a socket is ready, or libuv's epoll is, or its next timer is due
 *       → each watcher is told
 *       → again, unless Node has something to do: then it has its turn, and we the next
 *
 * Ours is the outer one because most rounds need nothing of Node: a file is
 * answered by one epoll_wait, one recv and one send. Node has its turn (timers,
 * promises, `fetch`, database drivers, as ever) when libuv's epoll or timer says
 * so, and when a watcher does by `leave`: it has run an app's code, or settled
 * what is awaited. Node calls us back by an immediate, which keeps libuv from
 * sleeping itself: libuv polls, and we sleep. uv_backend_timeout says how long
 * we may: no longer than to the next timer, not at all while anything is pending.
 *
 * What several processes watch, a listener, is watched with EPOLLEXCLUSIVE: of
 * all who sleep in epoll_wait on an epoll that holds it, the kernel wakes one.
 *
 * Watchers must bear an event that is no longer true: a descriptor closed and
 * given out again within one round may get its predecessor's event.
 */
import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLEXCLUSIVE,
  EPOLLIN,
} from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { sleepAfterEveryPoll, uv_backend_fd, uv_backend_timeout } from '../kernel/uv.ts'
import { type Deadline, Deadlines, STEP_MS } from './deadlines.ts'

/** By its own name the global one would be looked up anew each time. */
const { performance: clock } = globalThis

/** Events taken in one round. When there are more, the next epoll_wait does not sleep. */
const EVENTS_PER_ROUND = 256

/** Deadlines met in one round: of thousands that come at once, each may take as long as a request. */
export const DEADLINES_PER_ROUND = 64

export interface Watcher {
  /** Something happened on the descriptor: a set of EPOLL* bits. What then needs Node's own loop is said by `leave`. */
  onReady(events: number): void
}

export class EventLoop {
  /** Milliseconds, monotonic: as of the present round, or the last `readClock`. */
  now = clock.now()
  /** Counts the rounds. */
  round = 0
  /** How long it has waited with nothing to do, in its life. */
  sleptMs = 0
  readonly deadlines = new Deadlines(this.now)
  #epoll = epoll_create1(EPOLL_CLOEXEC)
  readonly #events = new EpollEvents(EVENTS_PER_ROUND)
  readonly #watchers: (Watcher | undefined)[] = []
  /** Their events bear the descriptor's complement, a negative number. */
  readonly #exclusive: (Watcher | undefined)[] = []
  /** Node has something to do. */
  #mustLeave = false
  /** To be told in the next round, whatever happens. */
  #again = new Set<Watcher>()
  #stop: () => void = () => {}
  #timer: NodeJS.Timeout | null = null
  #timerAt = Number.POSITIVE_INFINITY

  /** After a fork, before anything is watched: the epoll that was copied is the parent's, and so is the time, hours ago perhaps. */
  renew(): void {
    close(this.#epoll)
    this.#epoll = epoll_create1(EPOLL_CLOEXEC)
    this.readClock()
  }

  /** Begins. From here on the process lives until it is ended. */
  start(): void {
    const libuv = uv_backend_fd()
    this.watch(libuv, EPOLLIN, { onReady: () => this.leave() })
    this.#stop = sleepAfterEveryPoll(() => this.#takeRounds())
  }

  /** For one whose process goes on without it. What it watched is no longer watched. */
  close(): void {
    this.#stop()
    if (this.#timer !== null) clearTimeout(this.#timer)
    close(this.#epoll)
  }

  /**
   * Node has its turn after the present round. To be said by whoever runs code that is not ours, or settles a promise:
   * microtasks and `process.nextTick` run when we have returned to Node, and not before.
   */
  leave(): void {
    this.#mustLeave = true
  }

  watch(fd: Fd, events: number, watcher: Watcher): void {
    epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, events)
    this.#watchers[fd] = watcher
  }

  rewatch(fd: Fd, events: number): void {
    epoll_ctl(this.#epoll, EPOLL_CTL_MOD, fd, events)
  }

  /** From here on a descriptor's events are told to another. */
  handOver(fd: Fd, watcher: Watcher): void {
    this.#watchers[fd] = watcher
  }

  /** No more events for a descriptor that stays open. */
  unwatch(fd: Fd): void {
    epoll_ctl(this.#epoll, EPOLL_CTL_DEL, fd, 0)
    this.#watchers[fd] = undefined
  }

  /** No more events for a descriptor about to be closed: the kernel drops the interest with the last copy of it. */
  forget(fd: Fd): void {
    this.#watchers[fd] = undefined
  }

  /**
   * For a descriptor that other processes watch, too: when it is readable, one of those that sleep is woken for it, and
   * told in each round until there is nothing left. Those that are awake are told as well: the watcher must bear to find
   * nothing. It is told before all others.
   */
  watchExclusively(fd: Fd, watcher: Watcher): void {
    this.#enter(fd)
    this.#exclusive[fd] = watcher
  }

  /** Lets all others who watch it go first: the kernel wakes the one who began to wait before the rest. */
  stepBack(fd: Fd): void {
    epoll_ctl(this.#epoll, EPOLL_CTL_DEL, fd, 0)
    this.#enter(fd)
  }

  /** Also for a descriptor about to be closed: others have copies of it, so the kernel would keep the interest. */
  unwatchExclusively(fd: Fd): void {
    epoll_ctl(this.#epoll, EPOLL_CTL_DEL, fd, 0)
    this.#exclusive[fd] = undefined
  }

  /** Tells the watcher once more in the next round, behind all to whom something has happened by then. */
  again(watcher: Watcher): void {
    this.#again.add(watcher)
  }

  #enter(fd: Fd): void {
    epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE, ~fd)
  }

  /**
   * For what happens outside a round: a promise that settled in one of Node's own
   * callbacks. The loop may have slept since the last round, for a minute even,
   * and a deadline set from a clock so old would be met at once.
   */
  readClock(): void {
    this.now = clock.now()
  }

  /** Gives `entry` a deadline on this loop's clock; Infinity for none. */
  setDeadline(entry: Deadline, atMs: number): void {
    this.deadlines.set(entry, atMs)
    this.#lookAt(Math.ceil(atMs / STEP_MS) * STEP_MS)
  }

  #lookAt(atMs: number): void {
    if (atMs >= this.#timerAt) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timerAt = atMs
    this.#timer = setTimeout(this.#expire, Math.max(1, Math.ceil(atMs - clock.now()))).unref()
  }

  /** Until Node has something to do. Called right after each poll of libuv. */
  #takeRounds(): void {
    do {
      const untilTimerMs = uv_backend_timeout()
      this.#mustLeave = untilTimerMs === 0
      this.#takeRound(this.#again.size > 0 ? 0 : untilTimerMs)
    } while (!this.#mustLeave)
  }

  /** One round of what has happened by now. For a loop that was not started. */
  takeEvents(): void {
    this.#takeRound(0)
  }

  /** Waits so long for something to happen; -1: without end. */
  #takeRound(waitMs: number): void {
    const waitedFrom = waitMs === 0 ? 0 : clock.now()
    const count = epoll_wait(this.#epoll, this.#events, waitMs)
    this.round += 1
    this.readClock()
    if (waitMs !== 0) this.sleptMs += this.now - waitedFrom
    if (count === 0) this.#mustLeave = true // it is time for a timer of Node's
    this.#tellAll(count)
  }

  #tellAll(count: number): void {
    const again = this.#again.size > 0 ? this.#again : null
    if (again !== null) this.#again = new Set()
    const events = this.#events
    // First of all: whoever is woken for a newcomer is perhaps the only one, and what is here already may take long.
    for (let i = 0; i < count; i++) if (events.fd(i) < 0) this.#exclusive[~events.fd(i)]?.onReady(events.events(i))
    for (let i = 0; i < count; i++) if (events.fd(i) >= 0) this.#watchers[events.fd(i)]?.onReady(events.events(i))
    if (again !== null) for (const watcher of again) watcher.onReady(0)
  }

  readonly #expire = (): void => {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#timerAt = Number.POSITIVE_INFINITY
    this.readClock()
    if (this.deadlines.expire(this.now, DEADLINES_PER_ROUND)) return void setImmediate(this.#expire)
    const next = this.deadlines.nextLookAt()
    if (next !== null) this.#lookAt(next)
  }
}
