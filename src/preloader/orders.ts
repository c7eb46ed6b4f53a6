/**
 * The preloader's whole life after loading: sleep until an order or a death
 * comes, fork, report.
 *
 * It sleeps in epoll_wait(2), not in Node's event loop. So the app's timers do
 * not run here; they run in the workers, each of which leaves this function
 * through `return` and goes on into an event loop of its own.
 */
import { listenersOf } from '../boot.ts'
import { Channel, type Order, type PreloaderChannel } from '../channel.ts'
import { introduce } from '../explain/explained.ts'
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLIN } from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { fork } from '../kernel/process.ts'
import type { Log } from '../log.ts'
import type { Birth } from '../worker/worker.ts'
import { Children } from './children.ts'
import { type ForkModelOptions, forkForEachConnection } from './fork-model.ts'

type ForkOrder = Extract<Order, { type: 'fork' }>

const EVENTS = 64

/** Forks on order. Returns in each child, with what it is to be; in the preloader it never returns. */
export function takeOrders(channel: PreloaderChannel, log: Log, forking: ForkModelOptions): Birth {
  const epoll = epoll_create1(EPOLL_CLOEXEC)
  const events = new EpollEvents(EVENTS)
  const children = new Children(epoll)
  epoll_ctl(epoll, EPOLL_CTL_ADD, channel.fd, EPOLLIN)
  for (;;) {
    const count = epoll_wait(epoll, events, -1)
    for (let i = 0; i < count; i++) {
      const death = children.bury(events.fd(i))
      if (death !== null) channel.send({ type: 'died', ...death })
    }
    for (let order = channel.receive(); order !== null; order = channel.receive()) {
      if (order === 'closed') children.outlive()
      else if (order.type === 'accept') {
        close(epoll)
        return forkForEachConnection(channel, log, order, forking)
      } else if (order.type === 'fork') {
        const birth = bear(order, channel, children, log)
        if (birth === null) continue
        close(epoll)
        return birth
      }
    }
  }
}

/** What is to be, in the child; null in the preloader, which keeps nothing of what came with the order. */
function bear(order: ForkOrder, channel: PreloaderChannel, children: Children, log: Log): Birth | null {
  const { slot, row } = order
  const [line, ...fds] = channel.fds as [Fd, ...Fd[]]
  try {
    const pid = fork()
    if (pid === 0) {
      introduce(`worker ${slot}`)
      children.forget()
      channel.close()
      const listeners = listenersOf(order.listeners, fds)
      return { slot, row, line: new Channel(line), listeners, connection: null }
    }
    children.add(pid)
    channel.send({ type: 'forked', slot, pid })
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    log.error(`cannot fork a worker: ${error.message}`)
    channel.send({ type: 'unborn', slot, why: error.message })
  }
  for (const fd of channel.fds) close(fd)
  return null
}
