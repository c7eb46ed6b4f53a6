/**
 * A connection: an accepted socket, and what waits to be read or written on it.
 *
 *     readable → inbox → head parser → exchange → handler → reply → outbox → send
 *
 * One turn takes it as far as it can go without waiting, step by step. Where it
 * waits next is its phase:
 *
 *     HEAD        for a request, or the rest of one
 *     ANSWERING   for the handler, or for more of the response or of the body
 *     DISCARDING  for the rest of a body that the handler did not want
 *     LEAVING     for the last bytes to be sent
 *     LINGERING   for the client to finish, our FIN sent (RFC 9112 §9.6)
 *     CLOSED
 *
 * Nothing is received while a response waits to be sent, so a client that does
 * not read is held back, not stored. The socket is watched edge-triggered, once:
 * a turn receives until there is nothing more, or remembers that there is.
 *
 * How a reply becomes bytes is reply.ts; bodies are request-body.ts.
 */
import type { Reply } from '../handlers/handler.ts'
import { errorReply } from '../handlers/pages.ts'
import type { RequestHead } from '../http/head.ts'
import { DONE, type HeadParser, MORE } from '../http/head-parser.ts'
import { REFUSALS, type RefusalName } from '../http/refusals.ts'
import { CONTINUE } from '../http/response-head.ts'
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../kernel/constants.ts'
import { EAGAIN } from '../kernel/errno.ts'
import type { SocketAddress } from '../kernel/sockaddr.ts'
import { Deadline } from '../net/deadlines.ts'
import { Inbox } from '../net/inbox.ts'
import type { Watcher } from '../net/loop.ts'
import { Outbox } from '../net/outbox.ts'
import type { Transport } from '../net/transport.ts'
import { Exchange } from './exchange.ts'
import { discardReply, isStream, type ReplyOwner, type ReplyStream, writeRefusal, writeReply } from './reply.ts'
import { type BodyOwner, RequestBody } from './request-body.ts'
import type { Service } from './service.ts'

const HEAD = 0
const ANSWERING = 1
const DISCARDING = 2
const LEAVING = 3
const LINGERING = 4
const CLOSED = 5
type Phase = 0 | 1 | 2 | 3 | 4 | 5

/** A body the handler left unread is read to its end to save the connection, up to this much; past it, closing is cheaper. */
export const DISCARD_BYTES_MAX = 256 * 1024

const READ_EVENTS = EPOLLIN | EPOLLRDHUP | EPOLLET

export class Connection extends Deadline implements Watcher, BodyOwner, ReplyOwner {
  readonly service: Service
  readonly peer: SocketAddress
  readonly outbox: Outbox
  readonly #transport: Transport
  readonly #inbox: Inbox
  #phase: Phase = HEAD
  #inTurn = false
  /** The head being read; null between heads. */
  #parser: HeadParser | null = null
  /** The request being answered. */
  #exchange: Exchange | null = null
  /** Its response, when that is a stream. */
  #stream: ReplyStream | null = null
  /** A body nobody wants, and how much of it has been dropped. */
  #unwanted: RequestBody | null = null
  #dropped = 0
  /** The socket may have bytes for us: nothing has said otherwise since the last event. */
  #isReadable = false
  /** The peer's FIN has been announced: receive until it is reached. */
  #finAnnounced = false
  /** The peer's FIN has been received: nothing more will come. */
  #hasEnded = false
  /** Leaving, linger: the client may still be sending. */
  #mustLinger = false
  #watchesWrite = false
  /** How much had been sent when the present wait for a writable socket began: only progress starts that wait anew. */
  #sentAtBlock = -1
  /** When the present wait must have ended, whatever comes meanwhile; 0 when progress starts the wait anew. */
  #dueAt: number

  constructor(transport: Transport, peer: SocketAddress, service: Service) {
    super()
    this.#transport = transport
    this.peer = peer
    this.service = service
    this.#inbox = new Inbox(service.receiveBuffer)
    this.outbox = new Outbox(service.sendBuffer)
    this.#dueAt = service.loop.now + service.timeouts.headMs
    service.connections.add(this)
    service.loop.watch(transport.fd, READ_EVENTS, this)
    this.#arm()
  }

  get remoteAddress(): string {
    return this.peer.family === 'Unix' ? 'unix:' : this.peer.address
  }

  get isClosed(): boolean {
    return this.#phase === CLOSED
  }

  // ── events ─────────────────────────────────────────────────────────────────

  onReady(events: number): void {
    if (this.#phase === CLOSED) return
    // Reset, or both sides have finished: there is nobody to answer.
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) return this.close()
    if ((events & EPOLLIN) !== 0) this.#isReadable = true
    if ((events & EPOLLRDHUP) !== 0) {
      this.#isReadable = true
      this.#finAnnounced = true
      // Probably gone for good; a client that only half-closed still gets its answer.
      this.#exchange?.abort()
    }
    this.#turn()
  }

  override onDeadline(): void {
    if (this.#phase === ANSWERING && !this.outbox.isBlocked) this.#refuse('BODY_LATE')
    else if (this.#phase === HEAD && this.#parser !== null && !this.outbox.isBlocked) this.#refuse('HEAD_LATE')
    else return this.close()
    this.#turn()
  }

  /** The worker is stopping: leave at once if idle, else after the present response. */
  stop(): void {
    if (this.#phase !== HEAD) return
    this.#isReadable = true // a request may lie in the socket: look before leaving
    this.#turn()
    if (this.#isIdle) this.close()
  }

  get #isIdle(): boolean {
    return this.#phase === HEAD && this.#parser === null && !this.outbox.isBlocked
  }

  // ── a turn ─────────────────────────────────────────────────────────────────

  #turn(): void {
    if (this.#inTurn || this.#phase === CLOSED) return
    this.#inTurn = true
    this.#inbox.open()
    while (this.#step());
    this.flush()
    this.#inbox.close()
    this.#inTurn = false
    if (!this.isClosed) this.#arm()
  }

  /** True: something was done, take another step. False: wait. */
  #step(): boolean {
    if (this.outbox.isBlocked && (!this.flush() || this.outbox.isBlocked)) return false
    switch (this.#phase) {
      case HEAD:
        return this.#readHead()
      case ANSWERING:
        return this.#feedBody()
      case DISCARDING:
        return this.#discardBody()
      case LEAVING:
        return this.#finish()
      case LINGERING:
        return this.#linger()
      default:
        return false
    }
  }

  /** Receives what there is room for. False when there is nothing to be had now, or ever (`#hasEnded`, closed). */
  #receive(): boolean {
    if (!this.#isReadable || this.#hasEnded || !this.#inbox.hasRoom) return false
    const result = this.#inbox.receive(this.#transport)
    // A short count means the socket is empty; unless its end is near, which must be reached to be seen.
    this.#isReadable = result > 0 && (this.#inbox.isFilled || this.#finAnnounced)
    if (result > 0) return true
    if (result === 0) {
      this.#hasEnded = true
      this.#exchange?.abort()
    } else if (result !== -EAGAIN) {
      this.close()
    }
    return false
  }

  #readHead(): boolean {
    if (this.#inbox.isEmpty && !this.#receive()) return this.#hasEnded && this.#leave(false)
    const inbox = this.#inbox
    this.#parser ??= this.service.borrowParser()
    const outcome = this.#parser.parse(inbox.bytes, inbox.from, inbox.to)
    if (outcome === MORE) {
      if (this.#dueAt === 0) this.#dueAt = this.service.loop.now + this.service.timeouts.headMs
      return this.#receive() || (this.#hasEnded && this.#leave(false))
    }
    if (outcome === DONE) {
      const head = this.#parser.take(inbox.bytes, inbox.from)
      inbox.from += this.#parser.bytesUsed
      this.service.returnParser(this.#parser)
      this.#parser = null
      this.#dueAt = 0
      this.#begin(head)
    } else {
      this.#refuse(this.#parser.refusal!)
    }
    return true
  }

  #begin(head: RequestHead): void {
    const { limits, handler } = this.service
    if (head.bodyLength > limits.bodyBytes) return this.#refuse('BODY_TOO_LONG')
    const hasBody = head.bodyKind === 'chunked' || head.bodyLength > 0
    const exchange = new Exchange(head, hasBody ? new RequestBody(head, limits.bodyBytes, this) : null, this)
    this.#exchange = exchange
    this.#phase = ANSWERING
    if (this.#finAnnounced) exchange.abort()
    try {
      const reply = handler(exchange)
      if (!(reply instanceof Promise)) return this.#settle(exchange, reply)
      reply.then(
        (late) => this.#settle(exchange, late),
        (error: unknown) => this.#settle(exchange, this.#failed(head, error)),
      )
    } catch (error) {
      this.#settle(exchange, this.#failed(head, error))
    }
  }

  // ── the response ───────────────────────────────────────────────────────────

  /** The handler's reply, in the same turn or long after it. */
  #settle(exchange: Exchange, reply: Reply): void {
    if (exchange !== this.#exchange) return discardReply(reply)
    const keepAlive = exchange.head.keepAlive && !this.service.isStopping && this.#mayOutlive(exchange.body, reply)
    try {
      this.#stream = writeReply(exchange, reply, keepAlive, this)
    } catch (error) {
      discardReply(reply)
      this.#stream = writeReply(exchange, this.#failed(exchange.head, error), keepAlive, this)
    }
    if (!this.#inTurn) this.#turn()
  }

  /** Whether what is left of the request body lets another request follow. A stream may be reading it while it answers. */
  #mayOutlive(body: RequestBody | null, reply: Reply): boolean {
    return body === null || this.#canDrop(body) || isStream(reply.body)
  }

  /** Whether the rest of an unwanted body is short enough to be read past; one not yet asked for (100-continue) may never come. */
  #canDrop(body: RequestBody): boolean {
    return body.bytesLeft <= DISCARD_BYTES_MAX && !body.isWithheld
  }

  /** reply.ts has written the whole response into the outbox: on to what follows it. */
  finishResponse(): void {
    const { body, isLast } = this.#exchange!
    this.#exchange = null
    this.#stream = null
    const isRead = body === null || body.isComplete
    body?.cancel()
    if (isLast || !(isRead || this.#canDrop(body))) {
      this.#leave(!isRead || !this.#inbox.isEmpty)
    } else if (isRead) {
      this.#phase = HEAD
    } else {
      this.#phase = DISCARDING
      this.#unwanted = body
      this.#dropped = 0
    }
  }

  /** reply.ts has more to send, or the end: called outside a turn. */
  resume(): void {
    this.#turn()
  }

  /** The response cannot be completed: cut it, so that the client cannot take it for whole. */
  cut(): void {
    this.close()
  }

  #failed(head: RequestHead, error: unknown): Reply {
    this.service.log.errorWithStack(`the handler failed on ${head.method} ${head.target}`, error)
    return errorReply(500)
  }

  /** The peer's mistake: a row of REFUSALS, and the end of the connection. */
  #refuse(name: RefusalName): void {
    const { status, says } = REFUSALS[name]
    const exchange = this.#exchange
    this.service.log.debug(`refused ${name} (${status}) from ${this.remoteAddress}`)
    this.#parser = null
    this.#exchange = null
    exchange?.body?.fail(says)
    if (exchange?.isAnswered === true) return this.cut()
    this.#stream?.onGone()
    this.#stream = null
    this.#inbox.drop()
    writeRefusal(exchange?.head ?? null, errorReply(status, says), this)
    this.#leave(true)
  }

  /** Sends what waits. False when the connection is gone. */
  flush(): boolean {
    if (this.#phase === CLOSED) return false
    switch (this.outbox.flush(this.#transport)) {
      case 'sent':
        this.#stream?.onSent()
        break
      case 'blocked':
        this.#watchWrite()
        break
      case 'gone':
        this.close()
    }
    return !this.isClosed
  }

  /** Once is enough: edge-triggered, it costs nothing while nobody is blocked. */
  #watchWrite(): void {
    if (this.#watchesWrite) return
    this.#watchesWrite = true
    this.service.loop.rewatch(this.#transport.fd, READ_EVENTS | EPOLLOUT)
  }

  // ── the request body ───────────────────────────────────────────────────────

  /** The handler waits for body bytes. */
  wantBody(): void {
    const body = this.#exchange?.body
    if (this.#phase !== ANSWERING || body === null || body === undefined) return
    if (body.isWithheld && !this.#exchange!.isAnswered) {
      this.outbox.writeLatin1(CONTINUE)
      body.isWithheld = false
    }
    this.#turn()
  }

  #feedBody(): boolean {
    const body = this.#exchange?.body
    if (body === null || body === undefined || !body.isAwaited) return false
    if (this.#inbox.isEmpty && !this.#receive()) {
      if (this.#hasEnded) this.close() // the message is incomplete (RFC 9112 §8)
      return false
    }
    body.takeFrom(this.#inbox)
    if (body.refusal !== null) this.#refuse(body.refusal)
    return true
  }

  #discardBody(): boolean {
    const body = this.#unwanted!
    if (this.#inbox.isEmpty && !this.#receive()) return this.#hasEnded && this.#leave(false)
    const before = this.#inbox.from
    body.takeFrom(this.#inbox)
    this.#dropped += this.#inbox.from - before
    if (body.refusal !== null || this.#dropped > DISCARD_BYTES_MAX) return this.#leave(true)
    if (body.isComplete) {
      this.#unwanted = null
      this.#phase = HEAD
    }
    return true
  }

  // ── the end ────────────────────────────────────────────────────────────────

  /** No more requests: what has been written is sent, then the connection ends. */
  #leave(linger: boolean): true {
    if (this.#phase === CLOSED) return true
    this.#phase = LEAVING
    this.#mustLinger = linger
    this.#dueAt = 0
    return true
  }

  /** Everything is sent but what lies in the shared buffer. Closing while the client still sends would reset what we said. */
  #finish(): boolean {
    if (!this.flush() || this.outbox.isBlocked) return false
    if (!this.#mustLinger || this.#hasEnded) {
      this.close()
      return false
    }
    this.#transport.finish()
    this.#phase = LINGERING
    this.#dueAt = this.service.loop.now + this.service.timeouts.lingerMs
    return true
  }

  #linger(): boolean {
    this.#inbox.drop()
    if (this.#receive()) return true
    if (this.#hasEnded) this.close()
    return false
  }

  close(): void {
    if (this.#phase === CLOSED) return
    this.#phase = CLOSED
    this.service.loop.deadlines.clear(this)
    this.service.loop.forget(this.#transport.fd)
    this.outbox.discard()
    this.#inbox.drop()
    this.#transport.close()
    this.service.connections.delete(this)
    this.#exchange?.body?.fail('the client left')
    this.#exchange?.abort()
    this.#exchange = null
    this.#stream?.onGone()
    this.#stream = null
    this.service.onLess()
  }

  // ── deadlines ──────────────────────────────────────────────────────────────

  /** Every wait has a deadline, save one: how long a handler thinks is the app's own affair. */
  #arm(): void {
    this.service.loop.setDeadline(this, this.#deadline())
  }

  #deadline(): number {
    const { now } = this.service.loop
    const { writeMs, idleMs, bodyMs } = this.service.timeouts
    if (this.outbox.isBlocked) {
      if (this.outbox.bytesSent === this.#sentAtBlock) return this.deadlineAt
      this.#sentAtBlock = this.outbox.bytesSent
      return now + writeMs
    }
    this.#sentAtBlock = -1
    if (this.#dueAt !== 0) return this.#dueAt
    if (this.#phase === HEAD) return now + idleMs
    if (this.#phase === DISCARDING || this.#exchange?.body?.isAwaited === true) return now + bodyMs
    return Number.POSITIVE_INFINITY
  }
}
