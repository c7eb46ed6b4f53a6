/**
 * What all connections of one worker share: the loop, the buffers they take
 * turns with, the handler, the limits. Made once, after the fork.
 */
import type { Limits, Timeouts } from '../config/options.ts'
import type { Handler } from '../handlers/handler.ts'
import { httpDate } from '../http/date.ts'
import { HeadParser } from '../http/head-parser.ts'
import type { Log } from '../log.ts'
import { ReceiveBuffer } from '../net/inbox.ts'
import type { EventLoop } from '../net/loop.ts'
import { SendBuffer } from '../net/outbox.ts'
import type { AccessLog } from './access-log.ts'
import type { Connection } from './connection.ts'

export class Service {
  readonly loop: EventLoop
  readonly handler: Handler
  readonly limits: Limits
  readonly timeouts: Timeouts
  readonly log: Log
  readonly accessLog: AccessLog | null
  /** `127.0.0.1:8080`, for requests that name no host. */
  readonly localAuthority: string
  readonly receiveBuffer: ReceiveBuffer
  readonly sendBuffer = new SendBuffer()
  readonly connections = new Set<Connection>()
  /** Promises given to `waitUntil` that have not settled. */
  unsettled = 0
  /** Finish what you hold and take nothing new: every response says `Connection: close`. */
  isStopping = false
  /** Called once each when a connection has closed: an acceptor that had to look away may have room again. */
  readonly waitingForRoom = new Set<() => void>()
  /** Called whenever a connection has closed or a `waitUntil` promise has settled. */
  onLess: () => void = () => {}
  #spareParser: HeadParser | null = null
  #date = ''
  #dateSecond = -1

  constructor(parts: {
    loop: EventLoop
    handler: Handler
    limits: Limits
    timeouts: Timeouts
    log: Log
    accessLog: AccessLog | null
    localAuthority: string
  }) {
    this.loop = parts.loop
    this.handler = parts.handler
    this.limits = parts.limits
    this.receiveBuffer = new ReceiveBuffer(parts.limits.headBytes)
    this.timeouts = parts.timeouts
    this.log = parts.log
    this.accessLog = parts.accessLog
    this.localAuthority = parts.localAuthority
  }

  /** A connection has given back its descriptor. */
  forget(connection: Connection): void {
    this.connections.delete(connection)
    for (const look of this.waitingForRoom) look()
    this.waitingForRoom.clear()
    this.onLess()
  }

  /** A parser for one head. Nearly every head is whole at once, so one parser serves nearly all connections. */
  borrowParser(): HeadParser {
    const parser = this.#spareParser ?? new HeadParser(this.limits)
    this.#spareParser = null
    return parser
  }

  returnParser(parser: HeadParser): void {
    parser.reset()
    this.#spareParser = parser
  }

  /** The Date field's value, rendered once a second (RFC 9110 §6.6.1). */
  date(): string {
    const now = Date.now()
    const second = Math.floor(now / 1000)
    if (second !== this.#dateSecond) {
      this.#dateSecond = second
      this.#date = httpDate(now)
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
