/**
 * The preloader's whole life after loading: sleep until an order or a death
 * comes, fork, report.
 *
 * It sleeps in epoll_wait(2), not in Node's event loop. So the app's timers do
 * not run here; they run in the workers, each of which leaves this function
 * through `return` and goes on into an event loop of its own.
 */
import type { Channel, ForkOrder, Report } from '../channel.ts'
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLIN, SIGKILL } from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { _exit, fork, kill, pidfd_open, waitpid } from '../kernel/process.ts'
import type { Log } from '../log.ts'

/** A forked child, by the descriptor that becomes readable when it dies. */
type Children = Map<Fd, number>

/** With the supervisor gone, workers finish and leave by themselves; one that has not by then is stuck, and killed. */
const ORPHANS_MS = 10_000
const EVENTS = 64

/** Forks on order. Returns in each child, with the slot it is to fill; in the preloader it never returns. */
export function takeOrders(channel: Channel<ForkOrder, Report>, log: Log): number {
  const epoll = epoll_create1(EPOLL_CLOEXEC)
  const events = new EpollEvents(EVENTS)
  const children: Children = new Map()
  epoll_ctl(epoll, EPOLL_CTL_ADD, channel.fd, EPOLLIN)
  for (;;) {
    const count = epoll_wait(epoll, events, -1)
    for (let i = 0; i < count; i++) {
      const fd = events.fd(i)
      if (fd !== channel.fd) bury(children, fd, channel)
    }
    for (let order = channel.receive(); order !== null; order = channel.receive()) {
      if (order === 'closed') return outliveNobody(children)
      if (bear(order.slot, epoll, children, channel, log)) {
        close(epoll)
        for (const fd of children.keys()) close(fd)
        return order.slot
      }
    }
  }
}

/** True in the child. */
function bear(slot: number, epoll: Fd, children: Children, channel: Channel<ForkOrder, Report>, log: Log): boolean {
  try {
    const pid = fork()
    if (pid === 0) return true
    const fd = pidfd_open(pid)
    children.set(fd, pid)
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
    channel.send({ type: 'forked', slot, pid })
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    log.error(`cannot fork a worker: ${error.message}`)
    channel.send({ type: 'unborn', slot, why: error.message })
  }
  return false
}

function bury(children: Children, fd: Fd, channel: Channel<ForkOrder, Report>): void {
  const pid = children.get(fd)
  if (pid === undefined) return
  const death = waitpid(pid)
  if (death === null) return
  children.delete(fd)
  close(fd) // which takes it out of the epoll, too
  channel.send({ type: 'died', ...death })
}

/** The supervisor is gone. The workers know (their channel hung up); see them out, and go. */
function outliveNobody(children: Children): never {
  const until = performance.now() + ORPHANS_MS
  const epoll = epoll_create1(EPOLL_CLOEXEC)
  for (const fd of children.keys()) epoll_ctl(epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
  const events = new EpollEvents(EVENTS)
  while (children.size > 0 && performance.now() < until) {
    const count = epoll_wait(epoll, events, Math.max(0, Math.ceil(until - performance.now())))
    for (let i = 0; i < count; i++) {
      const fd = events.fd(i)
      waitpid(children.get(fd)!)
      children.delete(fd)
      close(fd)
    }
  }
  for (const pid of children.values()) kill(pid, SIGKILL)
  return _exit(0)
}
