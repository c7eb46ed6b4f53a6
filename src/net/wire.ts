/**
 * One socket in the loop, with what waits on it: its transport, its inbox and
 * its outbox, and the events that it needs to go on.
 *
 * It is watched edge-triggered: an event is told once. So whoever stops before
 * there is nothing left (inbox `enough`, outbox `paused`) asks for the event
 * anew, and is told again in the next round, after the other connections.
 *
 * Not before its owner says so: a newcomer whose first bytes are here already may be
 * answered and closed at once, and was never in the epoll.
 */
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../kernel/constants.ts'
import type { Fd } from '../kernel/fd.ts'
import { Inbox, type ReceiveBuffer, type Received } from './inbox.ts'
import type { EventLoop, Watcher } from './loop.ts'
import { type Flushed, Outbox, type SendBuffer } from './outbox.ts'
import type { Secure, Transport } from './transport.ts'

const READ_EVENTS = EPOLLIN | EPOLLRDHUP | EPOLLET

/** What of the loop a wire needs. */
export type WireLoop = Pick<EventLoop, 'round' | 'watch' | 'rewatch' | 'handOver' | 'unwatch' | 'forget' | 'again'>

export class Wire {
  readonly inbox: Inbox
  readonly outbox: Outbox
  readonly #transport: Transport
  readonly #loop: WireLoop
  /** Who is told of its events; null: nobody yet. */
  #watcher: Watcher | null = null
  #watchesWrite = false
  /** The last bytes wait for the FIN. */
  #endsTogether = false

  constructor(
    transport: Transport,
    loop: WireLoop,
    buffers: { readonly receiveBuffer: ReceiveBuffer; readonly sendBuffer: SendBuffer },
  ) {
    this.inbox = new Inbox(buffers.receiveBuffer)
    this.outbox = new Outbox(buffers.sendBuffer)
    this.#transport = transport
    this.#loop = loop
  }

  /** From here on the watcher is told of events, and at once of what there is. Asked again, it changes nothing. */
  watch(watcher: Watcher): void {
    if (this.#watcher !== null) return
    this.#watcher = watcher
    this.#loop.watch(this.#transport.fd, this.#events, watcher)
    // What a turn before has left may lie with the transport, and the kernel does not know of it.
    if (this.#transport.mayHoldMore && this.inbox.isReadable) this.#loop.again(watcher)
  }

  get #events(): number {
    return this.#watchesWrite ? READ_EVENTS | EPOLLOUT : READ_EVENTS
  }

  #rewatch(): void {
    if (this.#watcher !== null) this.#loop.rewatch(this.#transport.fd, this.#events)
  }

  get fd(): Fd {
    return this.#transport.fd
  }

  /** What goes over it is encrypted. */
  get isSecure(): boolean {
    return this.#transport.isSecure
  }

  /** See Transport. */
  get secure(): Secure | null {
    return this.#transport.secure
  }

  /** See Transport. */
  get keptWaiting(): boolean {
    return this.#transport.keptWaiting
  }

  /** See Transport. */
  keepSecure(): void {
    this.#transport.keepSecure()
  }

  /** Its events are another's from here on. */
  handOver(watcher: Watcher): void {
    if (this.#watcher === null) return this.watch(watcher)
    this.#watcher = watcher
    this.#loop.handOver(this.#transport.fd, watcher)
  }

  /**
   * Takes note of an event. False when both directions are over: there is nobody to answer. Where one of them we have ended
   * ourselves, what has come before the other's end is read first: closed over it, the socket would be reset, and our last
   * bytes might be lost with it.
   */
  announce(events: number): boolean {
    this.inbox.announce(events)
    if (this.#transport.wantsWrite && (events & EPOLLOUT) !== 0) this.inbox.isReadable = true // what it was held up by is over
    if ((events & EPOLLERR) !== 0) return false
    return (events & EPOLLHUP) === 0 || this.#transport.hasFinished
  }

  /** Begins a turn: until `close`, the shared receive buffer is this connection's. */
  open(): void {
    this.#transport.beginTurn(this.#loop.round)
    this.inbox.open(this.#loop.round)
  }

  /** A head is about to be read. False: there have been enough in this round; the watcher is told again in the next. */
  beginHead(watcher: Watcher): boolean {
    if (this.inbox.beginHead()) return true
    this.inbox.isReadable = true
    this.#loop.again(watcher)
    return false
  }

  receive(): Exclude<Received, 'enough'> {
    const received = this.inbox.receive(this.#transport)
    if (this.#transport.wantsWrite && !this.#watchesWrite) this.#watchWrite()
    if (received !== 'enough' && !this.#transport.isHeldBack) return received
    // Of what the transport holds itself the kernel would not tell anew.
    if (this.#watcher !== null && (this.#transport.mayHoldMore || this.#transport.isHeldBack)) {
      this.inbox.isReadable = true
      this.#loop.again(this.#watcher)
    } else {
      this.#rewatch()
    }
    return 'nothing'
  }

  flush(): Exclude<Flushed, 'paused'> {
    const flushed = this.outbox.flush(this.#transport)
    if (flushed === 'blocked' && !this.#watchesWrite) this.#watchWrite()
    if (flushed !== 'paused') return flushed
    this.#watchWrite()
    return 'blocked'
  }

  /** Something waits until the socket is writable. */
  get isBlocked(): boolean {
    return this.outbox.isBlocked
  }

  /** How many bytes have reached the peer, in the connection's life: what its kernel has acknowledged. */
  get bytesArrived(): number {
    return this.outbox.bytesSent - this.#transport.bytesInFlight()
  }

  /** What is flushed from here on is the last, and once it is `sent`, so is the transport's goodbye: `finish` or `end` follows at once. */
  endSoon(): void {
    if (this.outbox.isLast) return
    this.outbox.isLast = true
    this.#endsTogether = !this.outbox.isEmpty
    if (this.#endsTogether) this.#transport.endSoon()
  }

  /** Nothing more will be sent (FIN). */
  finish(): void {
    this.outbox.isLast = this.#endsTogether = false
    this.#transport.finish()
  }

  /** Gives everything back; once. With `reset` the peer is told that what it has received is not whole. */
  end(reset: boolean): void {
    // With a copy elsewhere the kernel would keep the interest, and tell whoever has the number next what becomes of this socket.
    if (this.#watcher !== null && this.#transport.isShared) this.#loop.unwatch(this.#transport.fd)
    else if (this.#watcher !== null) this.#loop.forget(this.#transport.fd)
    this.outbox.discard()
    this.inbox.drop()
    if (reset) return this.#transport.reset()
    // What waits for the FIN close(2) would throw away if the client has sent something that nobody has read.
    if (this.#endsTogether) this.#transport.finish()
    this.#transport.close()
  }

  /** For good: edge-triggered, it costs nothing once nobody is blocked. */
  #watchWrite(): void {
    this.#watchesWrite = true
    this.#rewatch()
  }
}
