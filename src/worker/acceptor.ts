/**
 * Takes connections off a listener and makes a Connection of each.
 *
 *     listener readable → accept4 … accept4 → EAGAIN
 *
 * Workers share the listener; EPOLLEXCLUSIVE wakes one of them for a newcomer,
 * not all. Where nothing can be accepted (no descriptor left, as many connections
 * as there may be) the acceptor looks away until a connection has closed, or for
 * a while: the newcomers wait in the accept queue, and the loop does not spin on
 * a listener that stays readable.
 */
import type { InheritedListener } from '../boot.ts'
import { EPOLLEXCLUSIVE, EPOLLIN, SOCK_CLOEXEC, SOCK_NONBLOCK } from '../kernel/constants.ts'
import { EMFILE, ENFILE, ENOBUFS, ENOMEM, SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { accept4, PeerAddress } from '../kernel/socket.ts'
import { Deadline } from '../net/deadlines.ts'
import type { Watcher } from '../net/loop.ts'
import { PlainTransport } from '../net/transport.ts'
import { Connection } from './connection.ts'
import type { Door, Service } from './service.ts'

/** Accepted in one round at most, so that a flood of newcomers does not starve those already here. */
const ACCEPTS_PER_ROUND = 64
/** How long the acceptor looks away when the machine has nothing left to accept with. */
const RETRY_MS = 250
/** Said at most this often. */
const COMPLAIN_MS = 1000

/** What will be there again: descriptors or memory. All else is a mistake of ours and throws. */
const SHORTAGES: readonly number[] = [EMFILE, ENFILE, ENOBUFS, ENOMEM]

export class Acceptor extends Deadline implements Watcher, Door {
  readonly #listener: InheritedListener
  readonly #service: Service
  readonly #peer = new PeerAddress()
  #isWatching = false
  #complainedAt = Number.NEGATIVE_INFINITY

  constructor(listener: InheritedListener, service: Service) {
    super()
    this.#listener = listener
    this.#service = service
    service.doors.add(this)
    this.look()
  }

  onReady(): void {
    for (let i = 0; i < ACCEPTS_PER_ROUND && this.#takeOne(); i++);
  }

  /** Time to look again: what was short may have come back from elsewhere. */
  override onDeadline(): void {
    this.look()
  }

  look(): void {
    if (this.#isWatching) return
    this.#service.loop.deadlines.clear(this)
    // With room for one, this worker may leave another newcomer lying that it alone was woken for: then all are woken.
    const isAlone = this.#service.connectionsAtOnce === 1
    this.#service.loop.watch(this.#listener.fd, isAlone ? EPOLLIN : EPOLLIN | EPOLLEXCLUSIVE, this)
    this.#isWatching = true
  }

  lookAway(): void {
    if (this.#isWatching) this.#service.loop.unwatch(this.#listener.fd)
    this.#isWatching = false
  }

  /**
   * This worker's copy of the listener is closed; not before it has taken those
   * that came until it stopped watching: it may be the only one that was woken
   * for them, and they would wait until the next newcomer wakes another.
   */
  shut(): void {
    const wasWatching = this.#isWatching
    this.lookAway()
    while (wasWatching && this.#takeOne());
    this.#service.loop.deadlines.clear(this)
    this.#service.doors.delete(this)
    close(this.#listener.fd)
  }

  /** False: there is none, or no room for one. */
  #takeOne(): boolean {
    if (!this.#service.hasRoom) return false
    const fd = this.#accept()
    if (fd === null) return false
    new Connection(new PlainTransport(fd), this.#peer.read(), this.#listener.authority, this.#service)
    return true
  }

  #accept(): Fd | null {
    try {
      return accept4(this.#listener.fd, SOCK_NONBLOCK | SOCK_CLOEXEC, this.#peer)
    } catch (error) {
      if (!(error instanceof SyscallError) || !SHORTAGES.includes(error.errno)) throw error
      this.#complain(error)
      this.lookAway()
      this.#service.loop.setDeadline(this, this.#service.loop.now + RETRY_MS)
      return null
    }
  }

  #complain(error: SyscallError): void {
    const { log, loop, connections } = this.#service
    if (loop.now - this.#complainedAt < COMPLAIN_MS) return
    this.#complainedAt = loop.now
    const remedy = error.errno === EMFILE ? '; raise the limit of open files (ulimit -n, LimitNOFILE=)' : ''
    log.error(
      `cannot accept: ${error.code} with ${connections.size} connections; newcomers wait in the backlog${remedy}`,
    )
  }
}
