/**
 * The stream that an app holds of a connection it has taken over: `net.Socket`'s
 * face, as far as libraries look at it, over our own wire (takeover.ts).
 *
 * Holds no descriptor and moves no bytes: it passes on what Node's streams ask
 * of it, so that back-pressure, half-close and errors are Node's own.
 */
import { Duplex } from 'node:stream'
import type { TakenSocket } from '../handlers/handler.ts'
import type { SocketAddress } from '../kernel/sockaddr.ts'

type Done = (error?: Error | null) => void

/** What the stream asks of whoever has the wire. Each is called by Node at most once until it is answered. */
export interface SocketOwner {
  readonly bytesReceived: number
  readonly bytesSent: number
  /** `push` whatever can be had, now or when it comes. */
  wantBytes(): void
  /** `done` when the kernel has taken all of them. They are not changed before. */
  write(chunks: readonly Uint8Array[], done: Done): void
  /** Everything written has been sent: say that nothing follows (FIN). */
  finish(done: Done): void
  /** The stream is over, whoever ended it. */
  release(): void
  watchSilence(ms: number): void
  setNoDelay(on: boolean): void
  setKeepAlive(on: boolean, initialDelayMs: number): void
}

export class TakenStream extends Duplex implements TakenSocket {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly remoteFamily: 'IPv4' | 'IPv6' | undefined
  /** Not there without TLS, as on a net.Socket. */
  declare readonly encrypted?: true
  readonly connecting = false
  readonly pending = false
  timeout = 0
  readonly #owner: SocketOwner

  constructor(owner: SocketOwner, peer: SocketAddress, isSecure: boolean) {
    super({ allowHalfOpen: true })
    this.#owner = owner
    if (isSecure) this.encrypted = true
    if (peer.family !== 'Unix') {
      this.remoteAddress = peer.address
      this.remotePort = peer.port
      this.remoteFamily = peer.family
    }
    this.on('error', () => {}) // without a listener Node would throw it, and a client's reset would end the worker
  }

  get bytesRead(): number {
    return this.#owner.bytesReceived
  }

  get bytesWritten(): number {
    return this.#owner.bytesSent
  }

  setTimeout(ms: number, onTimeout?: () => void): this {
    this.timeout = ms
    if (onTimeout !== undefined && ms === 0) this.off('timeout', onTimeout)
    else if (onTimeout !== undefined) this.once('timeout', onTimeout)
    this.#owner.watchSilence(ms)
    return this
  }

  setNoDelay(on = true): this {
    this.#owner.setNoDelay(on)
    return this
  }

  setKeepAlive(on = false, initialDelayMs = 0): this {
    this.#owner.setKeepAlive(on, initialDelayMs)
    return this
  }

  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  resetAndDestroy(): this {
    return this.destroy()
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  override _read(): void {
    this.#owner.wantBytes()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    this.#owner.write([chunk], done)
  }

  override _writev(parts: readonly { readonly chunk: Uint8Array }[], done: Done): void {
    this.#owner.write(
      parts.map(({ chunk }) => chunk),
      done,
    )
  }

  override _final(done: Done): void {
    this.#owner.finish(done)
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#owner.release()
    done(error)
  }
}
