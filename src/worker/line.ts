/**
 * The worker's line to the supervisor, in its event loop.
 *
 *     it hangs up           the supervisor is gone, and nobody would replace, stop or even know this worker
 *     a connection comes    accept 'parent': the supervisor has accepted it (accept4(2)) and passes it (SCM_RIGHTS)
 *
 * In the model 'fork' the line is the preloader's own channel, shared by all its
 * children: then it is watched, and never read.
 */
import type { WorkerLine } from '../channel.ts'
import { EPOLLHUP, EPOLLIN, EPOLLRDHUP, POLLIN } from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { poll } from '../kernel/poll.ts'
import { getpeername } from '../kernel/socket.ts'
import type { Watcher } from '../net/loop.ts'
import { PlainTransport } from '../net/transport.ts'
import { Connection } from './connection.ts'
import { authorityOf } from './own-authority.ts'
import type { Door, Service } from './service.ts'

const HANG_UP = EPOLLHUP | EPOLLRDHUP

export class Line implements Watcher, Door {
  readonly #line: WorkerLine
  readonly #service: Service
  readonly #onGone: () => void
  /** The supervisor passes connections. */
  #isOpen = false
  #hasHungUp = false

  constructor(line: WorkerLine, service: Service, onGone: () => void) {
    this.#line = line
    this.#service = service
    this.#onGone = onGone
    service.loop.watch(line.fd, HANG_UP, this)
  }

  /** From here on connections may come. */
  open(): void {
    this.#isOpen = true
    this.#service.doors.add(this)
    this.look()
  }

  onReady(events: number): void {
    this.#service.loop.leave()
    this.#take()
    if ((events & HANG_UP) === 0 || this.#hasHungUp) return
    this.#hasHungUp = true
    this.#take() // an end that left words of ours unread tells that first (ECONNRESET), and what it had passed behind it
    this.#service.loop.unwatch(this.#line.fd)
    this.#onGone()
  }

  look(): void {
    if (!this.#hasHungUp) this.#service.loop.rewatch(this.#line.fd, HANG_UP | EPOLLIN)
  }

  lookAway(): void {
    if (!this.#hasHungUp) this.#service.loop.rewatch(this.#line.fd, HANG_UP)
  }

  hasNewcomer(): boolean {
    return this.#isOpen && !this.#hasHungUp && (poll(this.#line.fd, POLLIN, 0) & POLLIN) !== 0
  }

  /** What was passed before the supervisor told this worker to end lies in the line, and nobody else can take it. */
  shut(): void {
    this.#take(Number.POSITIVE_INFINITY)
  }

  #take(most = this.#service.connectionsAtOnce): void {
    if (!this.#isOpen) return
    let count = 0
    while (this.#service.connections.size < most || this.#service.room.makeFor(this)) {
      const message = this.#line.receive()
      if (message === null || message === 'closed') break
      for (const fd of this.#line.fds) adopt(fd, message.isSecure, this.#service)
      count += 1
    }
    if (count > 0) this.#line.send({ type: 'taken', count })
  }
}

/** A connection that somebody else has accepted. */
export function adopt(fd: Fd, isSecure: boolean, service: Service): void {
  const peer = getpeername(fd)
  if (peer === null) {
    close(fd) // it has left before it was looked at
    service.connectionsLeft -= 1
    return
  }
  // It came by a listener of an older generation, and this one has no certificate any more.
  const isForeign = isSecure && service.tls === null
  if (isForeign || !service.admits(peer)) return new PlainTransport(fd, true).reset()
  const connection = new Connection(service.transport(fd, isSecure, true), peer, authorityOf(fd), service)
  if (service.closesIdle) connection.stop()
}
