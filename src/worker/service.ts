/**
 * What all connections of one worker share: the loop, the buffers they take
 * turns with, the handler, the limits. Made once, before the fork; what is one
 * worker's alone, its row of the scoreboard first of all, it gets at its birth.
 *
 * Here the process models differ, and nowhere else in a worker: they are two
 * numbers, how many connections it may hold at once and how many in its life.
 */
import type { AddressLimit } from '../address-counts.ts'
import type { Config, Limits, Timeouts } from '../config/options.ts'
import type { Handler } from '../handlers/handler.ts'
import { httpDate } from '../http/date.ts'
import type { RequestHead } from '../http/head.ts'
import { DONE, HeadParser, MORE } from '../http/head-parser.ts'
import type { RefusalName } from '../http/refusals.ts'
import type { Fd } from '../kernel/fd.ts'
import type { SocketAddress } from '../kernel/sockaddr.ts'
import type { Log } from '../log.ts'
import { type Inbox, ReceiveBuffer } from '../net/inbox.ts'
import type { EventLoop } from '../net/loop.ts'
import { SendBuffer } from '../net/outbox.ts'
import type { TlsServer } from '../net/tls-server.ts'
import { PlainTransport, type Transport } from '../net/transport.ts'
import type { Wire } from '../net/wire.ts'
import { CLOCK_OFFSET_MS, Row } from '../scoreboard.ts'
import type { AccessLog } from './access-log.ts'
import { type Witnessed, witnessHandshake } from './handshakes.ts'
import { Heads } from './heads.ts'
import type { Ledger } from './ledger.ts'
import type { Measures } from './measures.ts'
import { type Placed, Places } from './places.ts'
import { Room } from './room.ts'
import { Seldom, sayTurnedAway } from './seldom.ts'
import { TracedTransport } from './traced-transport.ts'
import type { Tracer } from './tracer.ts'

/** What makes a process model. */
export interface ModelNumbers {
  readonly connectionsAtOnce: number
  readonly connectionsInLife: number
}

export function numbersOf({ model, limits }: Config): ModelNumbers {
  switch (model) {
    case 'event':
      return { connectionsAtOnce: limits.connectionsMax, connectionsInLife: Number.POSITIVE_INFINITY }
    case 'prefork':
      return { connectionsAtOnce: 1, connectionsInLife: Number.POSITIVE_INFINITY }
    case 'fork':
      return { connectionsAtOnce: 1, connectionsInLife: 1 }
  }
}

/** Where connections come in from. */
export interface Door {
  /** There is no room for another connection. */
  lookAway(): void
  /** There may be room again: a connection has closed. */
  look(): void
  /** Somebody waits to come in. */
  hasNewcomer(): boolean
  /** The worker is ending: takes in what only this worker can take by now, and closes for good. */
  shut(): void
}

/** What has one of the worker's places for connections: HTTP's (connection.ts), or one that the app has taken over (takeover.ts). */
export interface Held extends Placed {
  /** The request that is being answered, or that the connection was taken over with; null between requests. */
  readonly served: RequestHead | null
  /** Null where there is no access log. */
  readonly ledger: Ledger | null
  /** The worker is told to end. HTTP's hears of it from the service, with its next response. */
  onEnding?(): void
  readonly peer: SocketAddress
  /** Since when it waits for its client, and owes it nothing; NEVER when it does not. See room.ts. */
  readonly waitingSince: number
  /** Another needs its place. */
  makeRoom(): void
  /** It waits for idle ones no more. */
  stop(): void
  close(): void
}

export interface ServiceParts {
  readonly loop: EventLoop
  readonly handler: Handler
  readonly limits: Limits
  readonly timeouts: Timeouts
  readonly numbers: ModelNumbers
  /** Null: no listener speaks TLS. */
  readonly tls: TlsServer | null
  readonly log: Log
}

export class Service {
  readonly loop: EventLoop
  readonly handler: Handler
  readonly limits: Limits
  readonly timeouts: Timeouts
  readonly log: Log
  readonly room: Room
  readonly receiveBuffer: ReceiveBuffer
  readonly sendBuffer = new SendBuffer()
  readonly heads = new Heads()
  readonly connections = new Places<Held>()
  readonly doors = new Set<Door>()
  readonly connectionsAtOnce: number
  readonly tls: TlsServer | null
  /** These five are one worker's alone: it gets them at its birth. The row nobody sees is for until then. */
  row: Row = Row.apart()
  accessLog: AccessLog | null = null
  /** Null: nobody asks how long things take. */
  measures: Measures | null = null
  /** Null: nobody can watch. */
  tracer: Tracer | null = null
  /** Null: an address may have as many connections as it likes. */
  addresses: AddressLimit | null = null
  /** How many more connections it may take in its life. */
  connectionsLeft: number
  /** Promises given to `waitUntil` that have not settled. */
  unsettled = 0
  /** The worker is ending: the next response of each connection is its last, and says `Connection: close`. */
  isEnding = false
  /** Nor does it wait for a next request any more: an idle connection is closed. */
  closesIdle = false
  /** Whether there may be more workers before long: then nobody has to make room yet. */
  mayHelpCome: () => boolean = () => false
  /** Whether other workers wait at the same listeners. */
  sharesListeners: () => boolean = () => true
  /** Called whenever a connection has closed or a `waitUntil` promise has settled. */
  onLess: () => void = () => {}
  /** Called whenever a request has been answered. */
  onAnswered: () => void = () => {}
  readonly #turnedAway: Seldom
  #spareParser: HeadParser | null = null
  #date = ''
  /** On the loop's clock: when the next second begins. */
  #dateUntil = Number.NEGATIVE_INFINITY

  constructor(parts: ServiceParts) {
    this.loop = parts.loop
    this.handler = parts.handler
    this.limits = parts.limits
    this.receiveBuffer = new ReceiveBuffer(parts.limits.headBytes)
    this.timeouts = parts.timeouts
    this.connectionsAtOnce = parts.numbers.connectionsAtOnce
    this.connectionsLeft = parts.numbers.connectionsInLife
    this.tls = parts.tls
    this.log = parts.log
    this.room = new Room(this)
    this.#turnedAway = new Seldom(parts.log)
  }

  get hasRoom(): boolean {
    return this.connections.size < this.connectionsAtOnce && this.connectionsLeft > 0
  }

  /** Nothing is held, nothing is waited for. */
  get isEmpty(): boolean {
    return this.connections.size === 0 && this.unsettled === 0
  }

  /** False: this client has as many connections as one address may have (`limits.connectionsPerAddress`). */
  admits(peer: SocketAddress): boolean {
    if (this.addresses === null || this.addresses.admit(peer)) return true
    sayTurnedAway(this.#turnedAway, peer)
    return false
  }

  /** Of a socket that has been accepted. `isShared`: somebody else holds a copy of it for a while. */
  transport(fd: Fd, isSecure: boolean, isShared = false): Transport {
    return isSecure ? this.tls!.transport(fd, isShared) : new PlainTransport(fd, isShared)
  }

  /** Right after accept4(2): the connection's transport, which tells of its calls where somebody watches. */
  accepted(transport: Transport, connection: Witnessed): Transport {
    this.measures?.accepted(transport.fd, connection.peer)
    connection.trace = this.tracer?.accepted(transport.fd, connection) ?? null
    witnessHandshake(transport, connection, this)
    return connection.trace === null ? transport : new TracedTransport(transport, connection.trace)
  }

  /** A connection has come. */
  welcome(connection: Held): void {
    this.connections.add(connection)
    this.connectionsLeft -= 1
    this.row.countAccepted(this.loop.now + CLOCK_OFFSET_MS)
    if (!this.hasRoom) this.room.onFull()
  }

  /** A connection becomes another's; its place stays taken. */
  passOn(from: Held, to: Held): void {
    this.connections.delete(from)
    this.connections.add(to)
  }

  /** A connection has given back its descriptor. */
  forget(connection: Held): void {
    this.connections.delete(connection)
    this.addresses?.leave(connection.peer)
    this.row.countClosed(0) // its bytes were counted as they went
    if (this.hasRoom) for (const door of this.doors) door.look()
    this.onLess()
  }

  /** A request has come on this connection, and will be answered or refused. */
  begin(fd: Fd): void {
    this.row.countBegun(this.loop.now + CLOCK_OFFSET_MS)
    if (this.measures !== null) this.measures.begun(fd, performance.now())
  }

  /** It is over, however it ended. */
  answered(fd: Fd): void {
    this.row.countAnswered()
    if (this.measures !== null) this.measures.answered(fd, performance.now())
    this.onAnswered()
  }

  /** The process ends here: what is open is told of in the access log as cut, and everything gathered is written. */
  conclude(): void {
    if (this.accessLog === null) return
    for (const { ledger } of this.connections) ledger?.end('cut')
    this.accessLog.finish()
  }

  /** A parser for one head, which begins now. Nearly every head is whole at once, so one serves nearly all connections. */
  borrowParser(ledger: Ledger | null, isSecure: boolean): HeadParser {
    ledger?.begin()
    const parser = this.#spareParser ?? new HeadParser(this.limits)
    parser.isSecure = isSecure
    this.#spareParser = null
    return parser
  }

  /** As far as there are bytes of it: a head, with which the parser is given back; why there can be none; or null, for more is needed. */
  readHead(parser: HeadParser, inbox: Inbox): RequestHead | RefusalName | null {
    const outcome = parser.parse(inbox.bytes, inbox.from, inbox.to)
    if (outcome === MORE) return null
    if (outcome !== DONE) return parser.refusal
    const head = parser.take(inbox.bytes, inbox.from)
    inbox.from += parser.bytesUsed
    parser.reset()
    this.#spareParser = parser
    return head
  }

  /** Sends what waits on a connection, and counts it. */
  flush(wire: Wire, ledger: Ledger | null): ReturnType<Wire['flush']> {
    const { bytesSent } = wire.outbox
    const flushed = wire.flush()
    if (flushed === 'broken') this.log.error(`a response broke off: ${wire.outbox.failure}`)
    this.row.addSent(wire.outbox.bytesSent - bytesSent)
    ledger?.settle()
    return flushed
  }

  /** The Date field's value, rendered once a second (RFC 9110 §6.6.1). */
  date(): string {
    if (this.loop.now >= this.#dateUntil) {
      const now = Date.now()
      this.#date = httpDate(now)
      this.#dateUntil = this.loop.now + 1_000 - (now % 1_000)
    }
    return this.#date
  }

  waitUntil(promise: Promise<unknown>): void {
    this.unsettled += 1
    const settled = () => {
      this.unsettled -= 1
      this.onLess()
    }
    Promise.resolve(promise).then(settled, (error: unknown) => {
      this.log.errorWithStack('a promise given to waitUntil was rejected', error)
      settled()
    })
  }
}
