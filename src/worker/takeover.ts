/**
 * A connection that an app has taken over (Upgrade, RFC 9110 §7.8; CONNECT,
 * §9.3.6), between its wire and the stream that the app holds:
 *
 *     readable → inbox → push → the app          write → outbox → send
 *
 * It stands in the connection's place: its descriptor, its row, its place among
 * `connectionsMax`. Of HTTP's deadlines none applies but one: who is too slow to
 * take what it is sent (`timeouts.writeMs`, `limits.sendRateMin`) is cut. How long silence may last is the app's to
 * say (`socket.setTimeout`).
 *
 *     OPEN        the app's. Once it has ended without ever having read, as who
 *                 refuses does, it is taken to have let go
 *     LINGERING   the app has let go, all is sent and our FIN behind it: what the
 *                 client still sends is dropped, for a reset would destroy what
 *                 it has not read yet (RFC 9112 §9.6)
 *     CLOSED
 *
 * All of it happens in turns of its own, each a tick: the app's code runs in
 * them, and must neither find the buffers that connections share in another's
 * hands, nor take other connections' events away when it throws.
 */
import { type TakenConnection, type TakenSocket, UpgradeError } from '../handlers/handler.ts'
import type { RequestHead } from '../http/head.ts'
import { EPOLLERR, IPPROTO_TCP, SO_KEEPALIVE, SOL_SOCKET, TCP_KEEPIDLE, TCP_NODELAY } from '../kernel/constants.ts'
import { SyscallError } from '../kernel/errno.ts'
import type { SocketAddress } from '../kernel/sockaddr.ts'
import { setsockopt } from '../kernel/socket.ts'
import { Deadline } from '../net/deadlines.ts'
import type { Watcher } from '../net/loop.ts'
import type { Wire } from '../net/wire.ts'
import type { Connection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import type { Ledger } from './ledger.ts'
import { NEVER, Patience } from './patience.ts'
import type { Held, Service } from './service.ts'
import { type SocketOwner, TakenStream } from './taken-socket.ts'

type Done = (error?: Error | null) => void

/** Small writes are gathered to this many bytes for one send(2). Larger ones go from where they lie. */
const GATHER_BYTES = 16 * 1024

const OPEN = 0
const LINGERING = 1
const CLOSED = 2

/** See IncomingRequest.upgrade for what it throws. */
export function takeOver(exchange: Exchange, connection: Connection): TakenConnection {
  const { head, body, signal } = exchange
  signal.throwIfAborted()
  // RFC 9110 §7.8: no protocol is switched to that the client has not asked for.
  if (!head.upgrade && head.method !== 'CONNECT') {
    throw new UpgradeError('The request does not ask for another protocol (Upgrade, and Connection: upgrade).')
  }
  // What lies behind the head is HTTP's until the body is over.
  if (body !== null && !body.isComplete) {
    throw new UpgradeError('The request has a body, which must be read before its connection can be taken over.')
  }
  const wire = connection.release(exchange)
  if (wire !== null) return new Takeover(wire, exchange, connection)
  signal.throwIfAborted()
  throw new Error('upgrade(): it is too late, the request has been answered or its connection taken over')
}

class Takeover extends Deadline implements Watcher, Held, SocketOwner, TakenConnection {
  readonly socket: TakenSocket
  readonly peer: SocketAddress
  readonly ledger: Ledger | null
  place = -1
  bytesReceived = 0
  readonly #stream: TakenStream
  readonly #wire: Wire
  readonly #exchange: Exchange
  readonly #service: Service
  /** Sent before this connection was taken over. */
  readonly #sentBefore: number
  readonly #patience: Patience
  #phase = OPEN
  #isScheduled = false
  /** The stream has room, and waits. */
  #wantsBytes = false
  /** It has done so once. */
  #isRead = false
  /** The kernel says that the connection is broken. */
  #isBroken = false
  #chunks: readonly Uint8Array[] = []
  /** Of `#chunks`: the first that is not in the outbox yet. */
  #next = 0
  #whenWritten: Done | null = null
  #whenFinished: Done | null = null
  #hasFinished = false
  /** Nothing has been written yet. */
  #isUnopened = true
  #silenceMs = 0
  #silentUntil = NEVER
  #ending: AbortController | null = null

  constructor(wire: Wire, exchange: Exchange, connection: Connection) {
    super()
    this.#wire = wire
    this.#exchange = exchange
    this.#service = connection.service
    this.peer = connection.peer
    this.ledger = connection.ledger
    this.#sentBefore = wire.outbox.bytesSent
    this.#patience = new Patience(connection.service)
    this.socket = this.#stream = new TakenStream(this, connection.peer, wire.isSecure)
    wire.handOver(this)
    this.#service.loop.deadlines.clear(connection)
    this.#service.passOn(connection, this)
    this.#service.answered(wire.fd)
  }

  get bytesSent(): number {
    return this.#wire.outbox.bytesSent - this.#sentBefore
  }

  get served(): RequestHead {
    return this.#exchange.head
  }

  get ending(): AbortSignal {
    if (this.#ending === null) {
      this.#ending = new AbortController()
      if (this.#service.isEnding) this.onEnding()
    }
    return this.#ending.signal
  }

  // ── what the worker tells ──────────────────────────────────────────────────

  onReady(events: number): void {
    if (this.#phase === CLOSED) return
    // Both directions over without an error: there may be bytes that the app has not asked for yet.
    if (!this.#wire.announce(events) && (events & EPOLLERR) !== 0) this.#isBroken = true
    this.#schedule()
    this.#service.loop.leave()
  }

  override onDeadline(): void {
    if (this.#phase === LINGERING || (this.#hasFinished && !this.#isRead)) return this.close()
    const { now } = this.#service.loop
    const isLate = this.#wire.isBlocked && this.#patience.deadline(this.#wire, null, null, now) <= now
    if (isLate && this.#wire.outbox.owesGoodbyeAlone) {
      this.#wire.outbox.discard()
      process.nextTick(() => this.#phase === OPEN && this.#finish())
    } else if (isLate) {
      this.#stream.destroy(failure('ETIMEDOUT', 'the client has read nothing for timeouts.writeMs'))
    } else if (this.#silentUntil <= now) {
      this.#silentUntil = NEVER
      process.nextTick(() => this.#stream.emit('timeout')) // what a listener throws is not the deadlines' affair
    }
    this.#arm()
  }

  onEnding(): void {
    this.#ending?.abort(new DOMException('the worker is told to end', 'AbortError'))
  }

  /** Never idle: what silence means is known to the app alone. */
  stop(): void {}

  get waitingSince(): number {
    return NEVER
  }

  makeRoom(): void {}

  close(): void {
    if (this.#phase === OPEN) this.#stream.destroy()
    if (this.#phase !== CLOSED) this.#end()
  }

  // ── what the stream asks ───────────────────────────────────────────────────

  wantBytes(): void {
    this.#wantsBytes = this.#isRead = true
    this.#patience.unbind()
    this.#schedule()
  }

  write(chunks: readonly Uint8Array[], done: Done): void {
    if (this.#isUnopened) this.#noteOpening(chunks[0]!)
    this.#chunks = chunks
    this.#next = 0
    this.#whenWritten = done
    this.#schedule()
  }

  finish(done: Done): void {
    this.#whenFinished = done
    this.#schedule()
  }

  release(): void {
    if (this.#phase !== OPEN) return
    this.#giveUpWrites()
    if (!this.#hasFinished || this.#isBroken || this.#wire.inbox.hasEnded) return this.#end()
    this.#phase = LINGERING
    this.#silentUntil = NEVER
    this.#service.loop.readClock()
    this.#patience.bind('lingerMs', this.#service.loop.now)
    this.#schedule() // which arms
  }

  watchSilence(ms: number): void {
    this.#silenceMs = ms
    this.#service.loop.readClock()
    this.#noteActivity()
    if (this.#phase === OPEN) this.#arm()
  }

  setNoDelay(on: boolean): void {
    this.#setOption(IPPROTO_TCP, TCP_NODELAY, Number(on))
  }

  setKeepAlive(on: boolean, initialDelayMs: number): void {
    this.#setOption(SOL_SOCKET, SO_KEEPALIVE, Number(on))
    const seconds = Math.floor(initialDelayMs / 1000)
    if (on && seconds > 0) this.#setOption(IPPROTO_TCP, TCP_KEEPIDLE, seconds)
  }

  // ── a turn ─────────────────────────────────────────────────────────────────

  #schedule(): void {
    if (this.#isScheduled || this.#phase === CLOSED) return
    this.#isScheduled = true
    process.nextTick(this.#turn)
  }

  readonly #turn = (): void => {
    this.#isScheduled = false
    if (this.#phase === CLOSED) return
    this.#service.loop.readClock()
    if (this.#phase === OPEN) this.#send()
    if (this.#phase === OPEN) this.#receive()
    if (this.#phase === LINGERING) this.#linger()
    if (this.#phase !== CLOSED) this.#arm()
  }

  /** Until the kernel takes no more, or there is nothing left. What the stream has gathered meanwhile comes with `done`. */
  #send(): void {
    while (this.#phase === OPEN && this.#flush()) {
      if (this.#next < this.#chunks.length) {
        this.#gather()
      } else if (this.#whenWritten !== null) {
        const done = this.#whenWritten
        this.#whenWritten = null
        this.#chunks = []
        done()
      } else {
        break
      }
    }
    if (this.#whenFinished === null || this.#wire.outbox.isBlocked || this.#phase !== OPEN) return
    this.#wire.endSoon()
    if (this.#flush()) this.#finish()
  }

  #finish(): void {
    const done = this.#whenFinished
    this.#whenFinished = null
    this.#hasFinished = true
    this.#wire.finish()
    if (!this.#isRead) this.#patience.bind('lingerMs', this.#service.loop.now)
    done?.()
  }

  #gather(): void {
    for (let bytes = 0; bytes < GATHER_BYTES && this.#next < this.#chunks.length; this.#next++) {
      const chunk = this.#chunks[this.#next]!
      this.#wire.outbox.writeBytes(chunk)
      bytes += chunk.length
    }
  }

  /** True: all of the outbox is sent. */
  #flush(): boolean {
    const { outbox } = this.#wire
    const { bytesSent } = outbox
    const flushed = this.#service.flush(this.#wire, this.ledger)
    if (outbox.bytesSent > bytesSent) this.#noteActivity()
    if (flushed === 'gone') this.#lose()
    return flushed === 'sent'
  }

  /** As much as the stream has room for. It gets copies, and none while the shared buffer is open: its listeners run at once. */
  #receive(): void {
    while (this.#wantsBytes && this.#phase === OPEN) {
      const piece = this.#takePiece()
      if (piece === 'nothing') break
      this.#wantsBytes = false
      if (piece === 'gone') return this.#lose()
      if (piece === 'ended') {
        this.#stream.push(null)
        break
      }
      this.bytesReceived += piece.length
      this.#noteActivity()
      if (this.#stream.push(piece)) this.#wantsBytes = true
    }
    // Who does not read would not hear of it; nor is there an event to come for who does.
    const { isReadable, finAnnounced } = this.#wire.inbox
    if (this.#phase !== OPEN) return
    if (this.#isBroken && !(this.#wantsBytes && isReadable)) this.#lose()
    else if (this.#hasFinished && finAnnounced && !this.#isRead) this.#stream.destroy()
  }

  #takePiece(): Buffer | 'nothing' | 'ended' | 'gone' {
    const { inbox } = this.#wire
    this.#wire.open()
    const received = inbox.isEmpty ? this.#wire.receive() : 'some'
    const piece = received === 'some' ? Buffer.from(inbox.bytes.subarray(inbox.from, inbox.to)) : received
    inbox.from = inbox.to
    inbox.close()
    return piece
  }

  #linger(): void {
    let piece = this.#takePiece()
    while (typeof piece !== 'string') piece = this.#takePiece()
    if (piece !== 'nothing') this.close()
  }

  // ── the end ────────────────────────────────────────────────────────────────

  /** The client has broken the connection. */
  #lose(): void {
    this.#isBroken = true
    this.#stream.destroy(failure('ECONNRESET', 'the client broke the connection'))
  }

  /** Node forgets the `done` of a write that a destroyed stream had begun. */
  #giveUpWrites(): void {
    const given = [this.#whenWritten, this.#whenFinished]
    this.#whenWritten = this.#whenFinished = null
    this.#chunks = []
    for (const done of given) done?.(failure('ERR_STREAM_DESTROYED', 'the connection has ended'))
  }

  /** Who has not said that all is sent has broken off: the client must not take what it has for whole. */
  #end(): void {
    this.#phase = CLOSED
    this.#service.loop.deadlines.clear(this)
    this.#wire.end(!this.#hasFinished)
    if (this.#hasFinished && !this.#isUnopened) this.ledger?.complete()
    this.ledger?.end(this.#isBroken ? 'clientLeft' : 'cut')
    this.#service.forget(this)
  }

  // ── deadlines and options ──────────────────────────────────────────────────

  /** The first bytes that are written should be a status line. All that follows counts as the response's body. */
  #noteOpening(bytes: Uint8Array): void {
    this.#isUnopened = false
    this.ledger?.answer(statusIn(bytes))
    this.ledger?.piece(Number.POSITIVE_INFINITY)
  }

  #noteActivity(): void {
    this.#silentUntil = this.#silenceMs > 0 ? this.#service.loop.now + this.#silenceMs : NEVER
  }

  #arm(): void {
    const { loop } = this.#service
    loop.setDeadline(this, Math.min(this.#patience.deadline(this.#wire, null, null, loop.now), this.#silentUntil))
  }

  /** As `net.Socket`: nobody is told when a Unix socket, or one that has ended, has no such option. */
  #setOption(level: number, option: number, value: number): void {
    if (this.#phase === CLOSED) return
    try {
      setsockopt(this.#wire.fd, level, option, value)
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error
    }
  }
}

/** `HTTP/1.1 101` */
const STATUS_LINE_BYTES = 12

/** 0 when what was written did not begin as a response. */
function statusIn(bytes: Uint8Array): number {
  const opening = Buffer.from(bytes.subarray(0, STATUS_LINE_BYTES)).toString('latin1')
  return Number(/^HTTP\/1\.[01] ([1-5]\d\d)$/.exec(opening)?.[1] ?? 0)
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
