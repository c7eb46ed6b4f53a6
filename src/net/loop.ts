/**
 * The event loop: every socket of a worker in one epoll, inside Node's own loop.
 *
 *     libuv sleeps in its epoll_wait, our epoll's descriptor among its own
 *       → a socket is ready, so our epoll is readable, so libuv wakes
 *       → `setImmediate` runs right after the poll: one `epoll_wait(…, 0)` of ours
 *       → each watcher is told
 *
 * So timers, promises, `fetch` and database drivers work in handlers as ever,
 * and an idle worker sleeps: an unref'd immediate does not keep libuv from it.
 *
 * What several processes watch, a listener, goes into libuv's epoll itself. Why:
 * of all who sleep in epoll_wait on an epoll that holds it, EPOLLEXCLUSIVE wakes
 * one. In ours nobody ever sleeps; so each would only mark libuv's readable, the
 * kernel would go on to the next, and every worker would wake for each newcomer.
 * libuv does not know the listener: a flag tells that it was ready (kernel/uv.ts).
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
import { afterEveryPoll, uv_backend_fd, WakeFlag, wakeWhenReadable } from '../kernel/uv.ts'
import { type Deadline, Deadlines, STEP_MS } from './deadlines.ts'

/** Events taken in one round. When there are more, our epoll stays readable, and the next poll does not sleep. */
const EVENTS_PER_ROUND = 256

/** Deadlines met in one round: of thousands that come at once, each may take as long as a request. */
export const DEADLINES_PER_ROUND = 64

export interface Watcher {
  /** Something happened on the descriptor: a set of EPOLL* bits. */
  onReady(events: number): void
}

export class EventLoop {
  /** Milliseconds, monotonic: as of the present round, or the last `readClock`. */
  now = performance.now()
  /** Counts the rounds. */
  round = 0
  readonly deadlines = new Deadlines(this.now)
  readonly #epoll = epoll_create1(EPOLL_CLOEXEC)
  readonly #events = new EpollEvents(EVENTS_PER_ROUND)
  readonly #watchers: (Watcher | undefined)[] = []
  readonly #exclusive = new Map<Fd, Watcher>()
  readonly #exclusiveFlag = new WakeFlag()
  /** To be told in the next round, whatever happens. */
  #again = new Set<Watcher>()
  #timer: NodeJS.Timeout | null = null
  #timerAt = Number.POSITIVE_INFINITY

  /** Begins. From here on the process lives until it is ended. */
  start(): void {
    wakeWhenReadable(this.#epoll)
    afterEveryPoll(() => this.takeEvents())
  }

  /** For one that was never started. What it watched is no longer watched. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#exclusiveFlag.close()
    close(this.#epoll)
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
   * For a descriptor that other processes watch, too: when it is readable, one of
   * those that sleep is woken for it, and told again in each round until there is
   * nothing left. Those that are awake are told as well, and so are the watchers of
   * this process' other exclusive descriptors: the watcher must bear to find nothing.
   */
  watchExclusively(fd: Fd, watcher: Watcher): void {
    this.#enter(fd)
    this.#exclusive.set(fd, watcher)
  }

  /** Lets all others who watch it go first: the kernel wakes the one who began to wait before the rest. */
  stepBack(fd: Fd): void {
    epoll_ctl(uv_backend_fd(), EPOLL_CTL_DEL, fd, 0)
    this.#enter(fd)
  }

  /** Also for a descriptor about to be closed: others have copies of it, so the kernel would keep the interest. */
  unwatchExclusively(fd: Fd): void {
    epoll_ctl(uv_backend_fd(), EPOLL_CTL_DEL, fd, 0)
    this.#exclusive.delete(fd)
  }

  /** Tells the watcher once more in the next round, behind all to whom something has happened by then. */
  again(watcher: Watcher): void {
    if (this.#again.size === 0) setImmediate(() => {}) // until then Node's loop must not sleep
    this.#again.add(watcher)
  }

  #enter(fd: Fd): void {
    epoll_ctl(uv_backend_fd(), EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE, this.#exclusiveFlag.fd)
  }

  /**
   * For what happens outside a round: a promise that settled in one of Node's own
   * callbacks. The loop may have slept since the last round, for a minute even,
   * and a deadline set from a clock so old would be met at once.
   */
  readClock(): void {
    this.now = performance.now()
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
    this.#timer = setTimeout(this.#expire, Math.max(1, Math.ceil(atMs - performance.now()))).unref()
  }

  /** One round. Called right after each poll, once started; a test that does not start the loop calls it itself. */
  takeEvents(): void {
    this.round += 1
    this.readClock()
    const again = this.#again.size > 0 ? this.#again : null
    if (again !== null) this.#again = new Set()
    // First of all: whoever is woken for a newcomer is perhaps the only one, and what is here already may take long.
    if (this.#exclusiveFlag.take()) for (const watcher of this.#exclusive.values()) watcher.onReady(EPOLLIN)
    const count = epoll_wait(this.#epoll, this.#events, 0)
    for (let i = 0; i < count; i++) this.#watchers[this.#events.fd(i)]?.onReady(this.#events.events(i))
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
