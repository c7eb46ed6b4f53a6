/**
 * What an app is told of a request beside the request: its `context`.
 *
 * Made for every request, so it holds little: its methods, which few apps ask
 * for, are made when they do. They may be taken off it and called alone, as
 * `const { waitUntil } = context`.
 */
import type { Log } from '../../log.ts'
import { describeRequest } from '../describe.ts'
import type { IncomingRequest, TakenConnection } from '../handler.ts'
import type { AppContext, Tls, Upgrade } from './contract.ts'
import { nodeRequest } from './node-request.ts'
import { tlsOf } from './tls.ts'

export class Context implements AppContext {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #incoming: IncomingRequest
  readonly #log: Log
  #taken: TakenConnection | null = null

  constructor(incoming: IncomingRequest, log: Log) {
    this.remoteAddress = incoming.remoteAddress
    this.remotePort = incoming.remotePort
    this.#incoming = incoming
    this.#log = log
  }

  get tls(): Tls | null {
    const { secure } = this.#incoming
    return secure === null ? null : tlsOf(secure)
  }

  get waitUntil(): (promise: Promise<unknown>) => void {
    return (promise) => {
      const incoming = this.#incoming
      const logged = Promise.resolve(promise).catch((error) => {
        this.#log.errorWithStack(`a promise given to waitUntil was rejected (${describeRequest(incoming.head)})`, error)
      })
      incoming.waitUntil(logged)
    }
  }

  get upgrade(): () => Upgrade {
    return () => {
      this.#taken = this.#incoming.upgrade()
      return new Taken(this.#incoming, this.#taken)
    }
  }

  /** What the app has taken over with `upgrade`, for those who run it: apps do not see this. */
  static takenBy(context: Context): TakenConnection | null {
    return context.#taken
  }
}

/** Each part is made when it is looked at: who speaks a protocol of his own has no use for a request of Node's. */
class Taken implements Upgrade {
  readonly socket: TakenConnection['socket']
  readonly #incoming: IncomingRequest
  readonly #connection: TakenConnection
  #request: Upgrade['request'] | null = null

  constructor(incoming: IncomingRequest, connection: TakenConnection) {
    this.socket = connection.socket
    this.#incoming = incoming
    this.#connection = connection
  }

  get request(): Upgrade['request'] {
    this.#request ??= nodeRequest(this.#incoming.head, this.socket)
    return this.#request
  }

  get head(): Buffer {
    return Buffer.alloc(0)
  }

  get ending(): AbortSignal {
    return this.#connection.ending
  }
}
