/**
 * A connection: an accepted socket, and what waits to be read or written on it.
 *
 *     readable → inbox → head parser → exchange → handler → reply → outbox → send
 *
 * One turn takes it as far as it can go without waiting, step by step. Where it waits next is its phase (phase.ts); how
 * long it may, patience.ts says; how a reply becomes bytes, reply.ts; bodies are request-body.ts.
 *
 * Nothing is received while a response waits to be sent, so a client that does not read is held back, not stored. The
 * socket is watched edge-triggered, once: a turn receives until there is nothing more, or remembers that there is.
 * After a FIN the client may have left, or only half-closed: its request's signal aborts, and it is answered.
 */
import type { Reply } from '../handlers/handler.ts'
import type { RequestHead } from '../http/head.ts'
import type { HeadParser } from '../http/head-parser.ts'
import { REFUSALS, type RefusalName } from '../http/refusals.ts'
import { CONTINUE } from '../http/response-head.ts'
import { EPOLLIN } from '../kernel/constants.ts'
import { hostOf, type SocketAddress } from '../kernel/sockaddr.ts'
import { Deadline } from '../net/deadlines.ts'
import type { Inbox } from '../net/inbox.ts'
import type { Watcher } from '../net/loop.ts'
import type { Outbox } from '../net/outbox.ts'
import type { Transport } from '../net/transport.ts'
import { Wire } from '../net/wire.ts'
import { Exchange } from './exchange.ts'
import { Ledger } from './ledger.ts'
import { type Awaited, awaitedIn, NEVER, Patience } from './patience.ts'
import { mayPersist } from './persistence.ts'
import { ANSWERING, CLOSED, DISCARDING, HEAD, LEAVING, LINGERING, type Phase } from './phase.ts'
import { discardReply, failureReply, type ReplyOwner, type ReplyStream, writeRefusal, writeReply } from './reply.ts'
import { type BodyOwner, RequestBody } from './request-body.ts'
import type { Service } from './service.ts'
import type { ConnectionTrace } from './tracer.ts'

export class Connection extends Deadline implements Watcher, BodyOwner, ReplyOwner {
  readonly service: Service
  readonly peer: SocketAddress
  place = -1
  /** Of the listener it came by: `127.0.0.1:8080`, for requests that name no host. */
  readonly localAuthority: string
  readonly outbox: Outbox
  readonly ledger: Ledger | null
  /** Null: nobody watches it. */
  trace: ConnectionTrace | null = null
  readonly #wire: Wire
  readonly #inbox: Inbox
  #phase: Phase = HEAD
  #inTurn = false
  /** The head being read; null between heads. */
  #parser: HeadParser | null = null
  /** The request being answered. */
  #exchange: Exchange | null = null
  /** Its response, when that is a stream. */
  #stream: ReplyStream | null = null
  /** The body that is not over, though its request is answered. */
  #rest: RequestBody | null = null
  /** The last response has been written. */
  #isLast = false
  /** Leaving, linger: the client may still be sending. */
  #mustLinger = false
  readonly #patience: Patience

  constructor(transport: Transport, peer: SocketAddress, localAuthority: string, service: Service, hasSpoken = false) {
    super()
    this.peer = peer
    this.localAuthority = peer.family === 'Unix' ? 'localhost' : localAuthority // a path is no authority
    this.service = service
    this.#wire = new Wire(service.accepted(transport, this), service.loop, service)
    this.#inbox = this.#wire.inbox
    this.outbox = this.#wire.outbox
    this.ledger = service.accessLog && new Ledger(service.accessLog, this.#wire, peer, transport.fd)
    this.#patience = new Patience(service, service.loop.now)
    service.welcome(this)
    if (hasSpoken) this.onReady(EPOLLIN)
    else this.#wait()
  }

  get isClosed(): boolean {
    return this.#phase === CLOSED
  }

  /** The request that is being answered. */
  get served(): RequestHead | null {
    return this.#exchange?.head ?? null
  }

  // ── events ─────────────────────────────────────────────────────────────────

  onReady(events: number): void {
    if (this.#phase === CLOSED) return
    if (this.#exchange !== null || this.#rest !== null) this.service.loop.leave() // it may settle what is awaited
    if (!this.#wire.announce(events)) return this.close()
    if (this.#inbox.finAnnounced) this.#exchange?.abort()
    this.#turn()
  }

  override onDeadline(): void {
    const awaited = this.#awaited
    if (this.#isMoving()) return
    // What the kernel still holds would reach the client before our FIN, and could be taken for whole.
    if (this.outbox.isBlocked) return this.#end(!this.outbox.owesGoodbyeAlone)
    if (this.#phase === ANSWERING && awaited === 'body') this.#refuse('BODY_LATE')
    else if (this.#phase === HEAD && this.#parser !== null) this.#refuse('HEAD_LATE')
    else if (this.#phase !== ANSWERING || awaited !== null) return this.close()
    this.#turn()
  }

  /** Before it is called late: the kernel has gone on sending, and what it is waited for may lie in the socket. Looks once more. */
  #isMoving(): boolean {
    const isPaced = this.outbox.isBlocked || this.#awaited === 'body'
    const [phase, bytesSent] = [this.#phase, this.outbox.bytesSent]
    this.#inbox.isReadable ||= !this.outbox.isBlocked
    this.#turn()
    if (isPaced || this.isClosed) return this.isClosed || this.deadlineAt > this.service.loop.now
    return this.#phase !== phase || this.outbox.bytesSent !== bytesSent || this.#wire.keptWaiting
  }

  /** The worker waits for no next request any more: leave at once if idle, else after the present response. */
  stop(): void {
    if (this.#phase !== HEAD) return
    this.#inbox.isReadable = true // a request may lie in the socket: look before leaving
    this.#turn()
  }

  /** The handler takes the connection over: its wire, what lies behind the head included. Null when it is too late. */
  release(exchange: Exchange): Wire | null {
    if (exchange !== this.#exchange || exchange.isAnswered || !this.flush()) return null
    if (this.#inTurn) this.#inbox.close()
    this.#phase = CLOSED
    this.#exchange = null
    return this.#wire
  }

  /** Since when it has waited for its client, being owed nothing: for a request, whole or in part, or for its FIN. NEVER: it does not. */
  get waitingSince(): number {
    const isMoving = this.outbox.isBlocked || this.#inbox.isReadable
    return isMoving ? NEVER : this.#patience.since(this.#phase, this.deadlineAt)
  }

  /** Its place is needed: it leaves, unless a request lay in the socket. */
  makeRoom(): void {
    if ((!this.#isMoving() || this.#wire.keptWaiting) && this.waitingSince !== NEVER) this.close()
  }

  // ── a turn ─────────────────────────────────────────────────────────────────

  #turn(): void {
    if (this.#inTurn || this.#phase === CLOSED) return
    this.#inTurn = true
    this.#wire.open()
    do {
      while (this.#step());
      if (!this.flush()) return
    } while (this.#phase === LEAVING && !this.outbox.isBlocked) // the rest has left just now: its end is due
    this.#inbox.close()
    this.#inTurn = false
    const isIdle = this.#phase === HEAD && this.#parser === null && !this.outbox.isBlocked && !this.#inbox.isReadable
    if (isIdle && this.service.closesIdle) this.close()
    else this.#wait()
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

  /** False when there is nothing to be had now, or ever (`hasEnded`, closed). */
  #receive(): boolean {
    const received = this.#wire.receive()
    if (received === 'ended') this.#exchange?.abort()
    if (received === 'gone') this.close()
    return received === 'some'
  }

  #readHead(): boolean {
    if (this.#inbox.isEmpty && !this.#receive()) return this.#inbox.hasEnded && this.#leave(false)
    if (this.#parser === null && !this.#wire.beginHead(this)) return false
    this.#parser ??= this.service.borrowParser(this.ledger, this.#wire.isSecure)
    const read = this.service.readHead(this.#parser, this.#inbox)
    if (read === null) {
      if (!this.#patience.isBound) this.#patience.bind('headMs', this.service.loop.now)
      return this.#receive() || (this.#inbox.hasEnded && this.#leave(false))
    }
    if (typeof read === 'string') this.#refuse(read)
    else this.#begin(read)
    return true
  }

  #begin(head: RequestHead): void {
    this.#parser = null
    this.#patience.unbind()
    this.ledger?.take(head)
    const { limits, handler } = this.service
    const exchange = new Exchange(head, RequestBody.of(head, limits.bodyBytes, this), this, this.#wire)
    this.#exchange = exchange
    this.#phase = ANSWERING
    this.service.begin(this.#wire.fd)
    this.service.tracer?.request(this, this.#wire.fd, head)
    if (head.bodyLength > limits.bodyBytes) return this.#refuse('BODY_TOO_LONG')
    if (this.#inbox.finAnnounced) exchange.abort()
    try {
      const reply = handler(exchange)
      if (reply instanceof Promise) exchange.settleLater(reply)
      else this.settle(exchange, reply)
    } catch (error) {
      this.settle(exchange, failureReply(head, error, this.service.log))
    }
  }

  // ── the response ───────────────────────────────────────────────────────────

  /** The handler's reply, in the same turn or long after it. */
  settle(exchange: Exchange, reply: Reply): void {
    if (exchange !== this.#exchange) return discardReply(reply)
    if (!this.#inTurn) this.service.loop.readClock() // the Date is told by it
    const keepAlive = mayPersist(exchange, reply, this.#inbox, this.service.isEnding)
    try {
      this.#stream = writeReply(exchange, reply, keepAlive, this)
    } catch (error) {
      discardReply(reply)
      this.#stream = writeReply(exchange, failureReply(exchange.head, error, this.service.log), keepAlive, this)
    }
    if (!this.#inTurn) this.resume()
  }

  /** reply.ts has written the whole response into the outbox: on to what follows it. */
  finishResponse(): void {
    const { body, isLast } = this.#exchange!
    const rest = body === null || body.isComplete ? null : body
    const isReadOn = rest?.isAsked === true && !rest.isWithheld
    this.#exchange = null
    this.#stream = null
    this.#isLast = isLast
    this.service.answered(this.#wire.fd)
    if (!isReadOn) rest?.abandon()
    if (isReadOn || (!isLast && rest?.canBeDropped === true)) {
      this.#phase = DISCARDING
      this.#rest = rest
    } else if (isLast || rest !== null) {
      this.#leave(rest !== null || !this.#inbox.isEmpty || this.#inbox.isReadable)
    } else {
      this.#phase = HEAD
    }
  }

  /** Goes on outside a round: reply.ts has more to send, the handler has answered or wants more of the body. */
  resume(): void {
    this.service.loop.readClock()
    this.#turn()
  }

  /** The response cannot be completed: cut it, so that the client cannot take it for whole. */
  cut(): void {
    this.#end(this.#stream?.isUntilClose === true, true)
  }

  /** The peer's mistake: a row of REFUSALS, and the end of the connection. */
  #refuse(name: RefusalName): void {
    const exchange = this.#exchange
    this.service.log.debug(`refused ${name} (${REFUSALS[name].status}) from ${hostOf(this.peer)}`)
    exchange?.body?.fail(REFUSALS[name].says)
    if (exchange?.isAnswered === true) return this.cut()
    if (exchange === null) this.service.begin(this.#wire.fd)
    this.service.answered(this.#wire.fd)
    writeRefusal(name, (exchange?.head ?? this.#parser)?.method ?? '', this)
    this.#parser = null
    this.#exchange = null
    this.#inbox.drop()
    this.#leave(true)
  }

  /** Sends what waits. False when the connection is gone. */
  flush(): boolean {
    if (this.#phase === CLOSED) return false
    const flushed = this.service.flush(this.#wire, this.ledger)
    if (flushed === 'sent') this.#stream?.onSent()
    if (flushed === 'gone') this.close()
    if (flushed === 'broken') this.cut()
    return !this.isClosed
  }

  // ── the request body ───────────────────────────────────────────────────────

  /** The handler waits for body bytes, or does so no more. */
  wantBody(): void {
    if (this.#phase === ANSWERING || this.#phase === DISCARDING) this.resume()
  }

  #feedBody(): boolean {
    const body = this.#exchange?.body
    if (body === null || body === undefined || !body.isAwaited) return false
    if (this.#inbox.isEmpty && !this.#receive()) {
      if (this.#inbox.hasEnded)
        this.close() // the message is incomplete (RFC 9112 §8)
      else if (!this.#inbox.isReadable && !this.#exchange!.isAnswered && body.invite())
        this.outbox.writeLatin1(CONTINUE)
      return false
    }
    body.takeFrom(this.#inbox)
    if (body.refusal !== null) this.#refuse(body.refusal)
    return true
  }

  #discardBody(): boolean {
    const body = this.#rest!
    if (!body.isUnwanted && !body.isAwaited) return false
    if (body.isUnwanted && !this.#patience.isBound) this.#patience.bind('lingerMs', this.service.loop.now)
    if (this.#inbox.isEmpty && !this.#receive()) return this.#inbox.hasEnded && this.#leave(false)
    body.takeFrom(this.#inbox)
    if (body.refusal !== null || (body.isComplete && this.#isLast)) return this.#leave(true)
    if (body.isComplete) {
      this.#rest = null
      this.#patience.unbind()
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
    this.#patience.unbind()
    return true
  }

  /** Everything is sent but what lies in the shared buffer, and the goodbye. Closing while the client still sends would reset what we said. */
  #finish(): boolean {
    this.#wire.endSoon()
    if (!this.flush() || this.outbox.isBlocked) return false
    if ((!this.#mustLinger && !this.#inbox.isReadable) || this.#inbox.hasEnded) this.close()
    if (this.isClosed) return false
    this.#wire.finish()
    this.#phase = LINGERING
    this.#patience.bind('lingerMs', this.service.loop.now)
    return true
  }

  #linger(): boolean {
    this.#inbox.drop()
    if (this.#receive()) return true
    if (this.#inbox.hasEnded) this.close()
    return false
  }

  close(): void {
    this.#end(false)
  }

  /** `isCut`: it is us who break off what is not over, not the client. */
  #end(reset: boolean, isCut = reset): void {
    if (this.#phase === CLOSED) return
    this.#phase = CLOSED
    this.ledger?.end(isCut ? 'cut' : 'clientLeft')
    this.service.loop.deadlines.clear(this)
    this.#wire.end(reset)
    this.#body?.fail('the client left')
    this.#exchange?.abort()
    if (this.#exchange !== null) this.service.answered(this.#wire.fd)
    this.#exchange = null
    this.#stream?.onGone()
    this.#stream = null
    this.service.forget(this)
  }

  // ── deadlines ──────────────────────────────────────────────────────────────

  #wait(): void {
    const { loop } = this.service
    this.#wire.watch(this)
    loop.setDeadline(this, this.#patience.deadline(this.#wire, this.#body, this.#awaited, loop.now))
  }

  get #awaited(): Awaited {
    return awaitedIn(this.#phase, this.#body, this.#stream !== null && this.#inbox.finAnnounced)
  }

  get #body(): RequestBody | null {
    return this.#exchange === null ? this.#rest : this.#exchange.body
  }
}
