/**
 * One request and its answer, as the handler sees it.
 *
 * Costs a plain object: what few handlers ask for (the signal) is made when it
 * is first asked for.
 */
import type { IncomingRequest, Reply, Secure, TakenConnection } from '../handlers/handler.ts'
import type { RequestHead } from '../http/head.ts'
import type { Wire } from '../net/wire.ts'
import type { Connection } from './connection.ts'
import { authorityOf, isEveryAddress } from './own-authority.ts'
import { failureReply } from './reply.ts'
import type { RequestBody } from './request-body.ts'
import { takeOver } from './takeover.ts'

export class Exchange implements IncomingRequest {
  readonly head: RequestHead
  readonly body: RequestBody | null
  readonly #connection: Connection
  readonly #wire: Wire
  #abort: AbortController | null = null
  #hasLeft = false
  /** The response head has been written: from here an error can only cut the connection. */
  isAnswered = false
  /** The response being written is the last one on its connection. */
  isLast = false

  constructor(head: RequestHead, body: RequestBody | null, connection: Connection, wire: Wire) {
    this.head = head
    this.body = body
    this.#connection = connection
    this.#wire = wire
  }

  get remoteAddress(): string {
    const { peer } = this.#connection
    return peer.family === 'Unix' ? '' : peer.address
  }

  get remotePort(): number {
    const { peer } = this.#connection
    return peer.family === 'Unix' ? 0 : peer.port
  }

  get localAuthority(): string {
    const { localAuthority, isClosed } = this.#connection
    return isEveryAddress(localAuthority) && !isClosed ? authorityOf(this.#wire.fd) : localAuthority
  }

  get isSecure(): boolean {
    return this.#wire.isSecure
  }

  get secure(): Secure | null {
    return this.#wire.secure
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#hasLeft) this.#abort.abort(clientLeft())
    return this.#abort.signal
  }

  /** The handler has answered with a promise. (Apart from Connection's #begin: what a closure needs V8 makes on the way into its function.) */
  settleLater(reply: Promise<Reply>): void {
    const { service } = this.#connection
    service.loop.leave()
    reply.then(
      (late) => this.#connection.settle(this, late),
      (error: unknown) => this.#connection.settle(this, failureReply(this.head, error, service.log)),
    )
  }

  enterForeignCode(): void {
    this.#connection.service.loop.leave()
    this.#wire.keepSecure() // an app may hold on to its context
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#connection.service.waitUntil(promise)
  }

  upgrade(): TakenConnection {
    return takeOver(this, this.#connection)
  }

  get hasLeft(): boolean {
    return this.#hasLeft
  }

  /** The client has left, or has finished sending and will probably not listen. */
  abort(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#abort?.abort(clientLeft())
  }
}

function clientLeft(): DOMException {
  return new DOMException('the client closed the connection', 'AbortError')
}
