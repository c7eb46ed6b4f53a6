/**
 * Takes connections off a listener and makes a Connection of each.
 *
 *     listener readable → accept4 → to the end of the row of those who wait
 *
 * Workers share the listener; EPOLLEXCLUSIVE wakes one of them for a newcomer, not
 * all, and it is the one who has waited longest: so whoever has accepted steps
 * back behind the rest, and low load spreads as well as high. (nginx does so every
 * 16 connections; with keep-alive, 16 are many.) It takes one a round: while it
 * serves that one, others who were woken come to theirs. A worker that is alone
 * steps back behind nobody, and saves the two system calls.
 *
 * Whoever is woken must accept, for nobody else may have been. So a worker that
 * cannot does not watch: as many connections as there may be, or no descriptor
 * left. For the last, which is found out too late, it keeps one in reserve. Until
 * a connection has closed, or for a while, newcomers are left to others, or to the
 * accept queue; room.ts says what becomes of them there.
 */
import type { InheritedListener } from '../boot.ts'
import { O_PATH, POLLIN, SOCK_CLOEXEC, SOCK_NONBLOCK } from '../kernel/constants.ts'
import { EMFILE, ENFILE, ENOBUFS, ENOMEM, errnoName, SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { open } from '../kernel/file.ts'
import { poll } from '../kernel/poll.ts'
import { accept4, PeerAddress } from '../kernel/socket.ts'
import { defersAccept } from '../kernel/tcp.ts'
import { Deadline } from '../net/deadlines.ts'
import type { Watcher } from '../net/loop.ts'
import { PlainTransport } from '../net/transport.ts'
import { Connection } from './connection.ts'
import type { Door, Service } from './service.ts'

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
  /** Whoever is accepted has spoken already, nearly always: one that is answered and closed at once never was in the epoll. */
  readonly #isDeferred: boolean
  #isWatching = false
  /** A descriptor to be given up for a newcomer when there is no other left. Held while watching. */
  #reserve: Fd | null = null
  #complainedAt = Number.NEGATIVE_INFINITY

  constructor(listener: InheritedListener, service: Service) {
    super()
    this.#listener = listener
    this.#service = service
    this.#isDeferred = defersAccept(listener.fd)
    service.doors.add(this)
    this.look()
  }

  onReady(): void {
    if (this.#takeOne() && this.#isWatching && this.#service.sharesListeners())
      this.#service.loop.stepBack(this.#listener.fd)
  }

  /** Time to look again: what was short may have come back from elsewhere. */
  override onDeadline(): void {
    if (this.#service.hasRoom) this.look()
  }

  look(): void {
    if (this.#isWatching) return
    this.#service.loop.deadlines.clear(this)
    if (!this.#holdReserve()) return
    this.#service.loop.watchExclusively(this.#listener.fd, this)
    this.#isWatching = true
  }

  lookAway(): void {
    if (this.#isWatching) this.#service.loop.unwatchExclusively(this.#listener.fd)
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
    if (this.#reserve !== null) close(this.#reserve)
    this.#reserve = null
  }

  hasNewcomer(): boolean {
    return poll(this.#listener.fd, POLLIN, 0) !== 0
  }

  /** False: there is none, or no room for one. */
  #takeOne(): boolean {
    const service = this.#service
    if (!service.hasRoom && !service.room.makeFor(this)) return false
    const fd = this.#accept()
    if (fd === null) return false
    const { isSecure, authority } = this.#listener
    const peer = this.#peer.read()
    // A reset costs least under a flood: nothing is read, nothing said, no TLS is begun, and no TIME_WAIT is left behind.
    if (!service.admits(peer)) new PlainTransport(fd).reset()
    else new Connection(service.transport(fd, isSecure), peer, authority, service, this.#isDeferred)
    return true
  }

  #accept(): Fd | null {
    try {
      return accept4(this.#listener.fd, SOCK_NONBLOCK | SOCK_CLOEXEC, this.#peer)
    } catch (error) {
      if (!(error instanceof SyscallError) || !SHORTAGES.includes(error.errno)) throw error
      this.#runShort(error.errno)
      if (this.#reserve === null) return null
      close(this.#reserve)
      this.#reserve = null
      return this.#accept()
    }
  }

  /** False: there is none to be had. What it is of does not matter; `/` is there in every container. */
  #holdReserve(): boolean {
    if (this.#reserve !== null) return true
    const result = open('/', O_PATH)
    if (result < 0) this.#runShort(-result)
    else this.#reserve = result as Fd
    return result >= 0
  }

  #runShort(errno: number): void {
    const { log, loop, connections } = this.#service
    this.lookAway()
    loop.setDeadline(this, loop.now + RETRY_MS)
    if (loop.now - this.#complainedAt < COMPLAIN_MS) return
    this.#complainedAt = loop.now
    const name = errnoName(errno)
    const remedy = errno === EMFILE ? '; raise the limit of open files (ulimit -n, LimitNOFILE=)' : ''
    log.error(`cannot accept: ${name} with ${connections.size} connections; newcomers wait in the backlog${remedy}`)
  }
}
