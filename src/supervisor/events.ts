/**
 * What wakes the supervisor: descriptors in an epoll of its own, inside Node's
 * event loop (kernel/uv.ts).
 */
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN } from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import type { Fd } from '../kernel/fd.ts'
import { afterEveryPoll, wakeWhenReadable } from '../kernel/uv.ts'

const EVENTS_PER_ROUND = 64

export class Events {
  readonly #epoll = epoll_create1(EPOLL_CLOEXEC)
  readonly #events = new EpollEvents(EVENTS_PER_ROUND)
  readonly #watchers = new Map<Fd, () => void>()

  constructor() {
    wakeWhenReadable(this.#epoll)
    afterEveryPoll(() => this.look())
  }

  /** Calls `onReadable` in every round in which the descriptor is readable, or has hung up. */
  watch(fd: Fd, onReadable: () => void): void {
    epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
    this.#watchers.set(fd, onReadable)
  }

  /** Before the descriptor is closed: a child just being started may hold a copy until its exec(2) is through. */
  unwatch(fd: Fd): void {
    epoll_ctl(this.#epoll, EPOLL_CTL_DEL, fd, 0)
    this.#watchers.delete(fd)
  }

  look(): void {
    const count = epoll_wait(this.#epoll, this.#events, 0)
    // One that was unwatched in this very round is not heard again.
    for (let i = 0; i < count; i++) this.#watchers.get(this.#events.fd(i))?.()
  }
}
