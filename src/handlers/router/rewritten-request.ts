/**
 * A request whose handler is asked for another path than the client: everything
 * else is the client's own.
 */
import type { RequestHead } from '../../http/head.ts'
import type { BodySource, IncomingRequest, Secure, TakenConnection } from '../handler.ts'

export class RewrittenRequest implements IncomingRequest {
  readonly head: RequestHead
  /** Of the path that the client asked for: see HostRoutes. */
  readonly lacksSlash: boolean
  readonly #request: IncomingRequest

  constructor(request: IncomingRequest, path: string, lacksSlash: boolean) {
    this.#request = request
    this.head = request.head.withPath(path)
    this.lacksSlash = lacksSlash
  }

  get body(): BodySource | null {
    return this.#request.body
  }

  get remoteAddress(): string {
    return this.#request.remoteAddress
  }

  get remotePort(): number {
    return this.#request.remotePort
  }

  get localAuthority(): string {
    return this.#request.localAuthority
  }

  get isSecure(): boolean {
    return this.#request.isSecure
  }

  get secure(): Secure | null {
    return this.#request.secure
  }

  get signal(): AbortSignal {
    return this.#request.signal
  }

  upgrade(): TakenConnection {
    return this.#request.upgrade()
  }

  enterForeignCode(): void {
    this.#request.enterForeignCode()
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#request.waitUntil(promise)
  }
}
