/**
 * The children of a preloader: each known by a pidfd, which becomes readable in
 * its epoll when the child has died (pidfd_open(2)).
 */
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLIN, SIGKILL } from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { _exit, type Death, kill, pidfd_open, waitpid } from '../kernel/process.ts'

/** With the supervisor gone, workers finish and leave by themselves; one that has not by then is stuck, and killed. */
const ORPHANS_MS = 10_000
const EVENTS = 64

export class Children {
  readonly #epoll: Fd
  readonly #pids = new Map<Fd, number>()

  constructor(epoll: Fd) {
    this.#epoll = epoll
  }

  get size(): number {
    return this.#pids.size
  }

  add(pid: number): void {
    const fd = pidfd_open(pid)
    this.#pids.set(fd, pid)
    epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
  }

  /** How the child behind this descriptor died; null when there is none, or it lives. */
  bury(fd: Fd): Death | null {
    const pid = this.#pids.get(fd)
    if (pid === undefined) return null
    const death = waitpid(pid)
    if (death === null) return null
    this.#pids.delete(fd)
    close(fd) // which takes it out of the epoll, too
    return death
  }

  tellAll(signal: number): void {
    for (const pid of this.#pids.values()) kill(pid, signal)
  }

  /** In a child: its brothers and sisters are not its own. */
  forget(): void {
    for (const fd of this.#pids.keys()) close(fd)
    this.#pids.clear()
  }

  /**
   * The supervisor is gone, or the workers' time is over. They know (their lines hung up, or their own clocks said so);
   * see them out, and go.
   */
  outlive(tell: (death: Death) => void = () => {}): never {
    const until = performance.now() + ORPHANS_MS
    const epoll = epoll_create1(EPOLL_CLOEXEC)
    for (const fd of this.#pids.keys()) epoll_ctl(epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
    const events = new EpollEvents(EVENTS)
    while (this.size > 0 && performance.now() < until) {
      const count = epoll_wait(epoll, events, Math.max(0, Math.ceil(until - performance.now())))
      for (let i = 0; i < count; i++) {
        const death = this.bury(events.fd(i))
        if (death !== null) tell(death)
      }
    }
    this.tellAll(SIGKILL)
    return _exit(0)
  }
}
