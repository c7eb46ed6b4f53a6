/**
 * A member's connection: over TCP, or TLS over it. Between the two it can be told to let what is sent through byte by
 * byte, so that a record of TLS is as slow as a head can be.
 */
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'

export class Line {
  /** What is sent on it, and heard. Half of it stays open when the server ends. */
  readonly socket: Socket | TLSSocket
  readonly #wire: Socket
  readonly #sieve: Sieve | null = null

  constructor(to: TcpNetConnectOpts, isSecure: boolean, trickles: boolean) {
    this.#wire = connect({ ...to, allowHalfOpen: true, noDelay: true })
    if (trickles) this.#sieve = new Sieve(this.#wire)
    const socket = this.#sieve ?? this.#wire
    this.socket = isSecure ? connectTls({ socket, servername: 'localhost', rejectUnauthorized: false }) : this.#wire
  }

  onceOpen(call: () => void): void {
    this.socket.once(this.socket === this.#wire ? 'connect' : 'secureConnect', call)
  }

  /** From here on what is sent waits for `trickle`. */
  slowDown(): void {
    this.#sieve?.close()
  }

  /** One byte of it. */
  trickle(): void {
    this.#sieve?.pass()
  }

  /** Breaks the connection (RST). */
  reset(): void {
    this.#wire.resetAndDestroy()
    this.socket.destroy()
  }
}

/** Lets everything through until it is closed; then one byte at a time, when told. */
class Sieve extends Duplex {
  readonly #wire: Socket
  #isClosed = false
  #held = Buffer.alloc(0)

  constructor(wire: Socket) {
    super({ allowHalfOpen: true })
    this.#wire = wire
    wire.on('data', (bytes) => this.push(bytes))
    wire.once('end', () => this.push(null))
    wire.once('error', (error) => this.destroy(error))
  }

  close(): void {
    this.#isClosed = true
  }

  pass(): void {
    this.#wire.write(this.#held.subarray(0, 1))
    this.#held = this.#held.subarray(1)
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (!this.#isClosed) return void this.#wire.write(bytes, done)
    this.#held = Buffer.concat([this.#held, bytes])
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#wire.destroy()
    done(error)
  }
}
