/**
 * A client that speaks bytes: it sends what a test wants sent, cut where the
 * test wants, and hides nothing of what comes back or of how the connection ends.
 *
 *     const client = await connect(t, server.port)
 *     client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
 *     const response = await client.response()
 *     assert.equal(await client.end(), 'fin')
 *
 * Nothing here sleeps; what does not come within DEADLINE_MS fails with all that came.
 */
import assert from 'node:assert/strict'
import { connect as connectSocket, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { parseResponse, type RawResponse } from './response.ts'
import { Waiting } from './waiting.ts'

export type { RawResponse } from './response.ts'

const BUFFER_BYTES = 4096

/** How the server ended: it said so (FIN), or it cut (RST). */
export type End = 'fin' | 'rst'

export class RawClient {
  readonly socket: Socket
  #buffer = Buffer.alloc(BUFFER_BYTES)
  #used = 0
  #end: End | null = null
  readonly #waiting = new Waiting()

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (piece) => this.#note(() => this.#append(piece)))
    socket.on('end', () => this.#note(() => (this.#end ??= 'fin')))
    socket.on('error', () => this.#note(() => (this.#end ??= 'rst')))
  }

  /** What has come and was not yet taken. */
  get received(): Buffer {
    return this.#buffer.subarray(0, this.#used)
  }

  /** How the server has ended; null while it has not. */
  get over(): End | null {
    return this.#end
  }

  /** Its port, by which the server knows it. */
  get port(): number {
    return this.socket.localPort!
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Sends the pieces one after the other, each when the kernel has taken the one before and the loop has gone round. */
  async sendPieces(pieces: Iterable<string | Uint8Array>): Promise<void> {
    for (const piece of pieces) {
      if (this.socket.destroyed) return
      await new Promise((resolve) => this.socket.write(piece, resolve))
      await new Promise(setImmediate)
    }
  }

  /** Sends `bytes` again and again, so many milliseconds apart, until the connection ends or `enough` says so. */
  drip(bytes: string, everyMs: number): { enough(): void } {
    const timer = setInterval(() => this.socket.write(bytes), everyMs)
    this.socket.once('close', () => clearInterval(timer))
    return { enough: () => clearInterval(timer) }
  }

  /** Says that nothing more will be sent (FIN). It still reads. */
  finish(): void {
    this.socket.end()
  }

  /** Breaks the connection (RST). */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Leaves as a browser does whose tab is closed. */
  leave(): void {
    this.socket.destroy()
  }

  /** Stops reading, but for what Node has asked for already. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** Takes the next response, which answers a request of this method. A body until the connection's end is waited for. */
  async response(method = 'GET'): Promise<RawResponse> {
    const found = () => parseResponse(this.received, method, this.#end !== null)
    const response = await this.#waitFor(found, `a response to ${method}`)
    this.take(response.length)
    return response
  }

  async responses(count: number, method = 'GET'): Promise<RawResponse[]> {
    const all: RawResponse[] = []
    while (all.length < count) all.push(await this.response(method))
    return all
  }

  /** Waits until at least this many bytes have come, and takes none. */
  async atLeast(bytes: number): Promise<Buffer> {
    await this.#waitFor(() => (this.#used >= bytes ? true : null), `${bytes} bytes`)
    return this.received
  }

  /** Waits until what has come holds `text`, and takes none. */
  async until(text: string): Promise<Buffer> {
    await this.#waitFor(() => (this.received.includes(text) ? true : null), JSON.stringify(text))
    return this.received
  }

  /** Waits for the end of the connection, and answers how it came. */
  ended(): Promise<End> {
    return this.#waitFor(() => this.#end, 'the end of the connection')
  }

  /** Waits for a clean end, before which nothing more has come. */
  async endsClean(): Promise<void> {
    assert.equal(await this.ended(), 'fin')
    assert.equal(this.received.toString('latin1'), '', 'bytes after the last response')
  }

  /** Into a buffer that doubles: joining all that came at every piece would take minutes for a large body. */
  #append(piece: Buffer): void {
    if (this.#used + piece.length > this.#buffer.length) {
      const larger = Buffer.alloc(2 * (this.#used + piece.length))
      this.#buffer.copy(larger, 0, 0, this.#used)
      this.#buffer = larger
    }
    this.#used += piece.copy(this.#buffer, this.#used)
  }

  /** Forgets the first bytes of what has come. What was handed out before stays as it is. */
  take(bytes: number): void {
    this.#buffer = this.#buffer.subarray(bytes)
    this.#used -= bytes
  }

  #note(act: () => void): void {
    act()
    this.#waiting.look()
  }

  #waitFor<T>(found: () => T | null, what: string): Promise<T> {
    const foundOrOver = () => {
      const value = found()
      if (value === null && this.#end !== null) throw new Error(`${this.#end} before ${what} ${this.#story()}`)
      return value
    }
    return this.#waiting.until(foundOrOver, () => `${what} ${this.#story()}`)
  }

  #story(): string {
    return `after ${this.received.length} bytes: ${JSON.stringify(this.received.toString('latin1', 0, 600))}`
  }
}

/** A connection of its own to the server; gone with the test. */
export async function connect(t: TestContext, port: number, from?: string): Promise<RawClient> {
  const socket = await open(port, from)
  t.after(() => socket.destroy())
  return new RawClient(socket)
}

/** A socket that is connected, and that nobody takes care of. `from`: its own address, of those in 127.0.0.0/8. */
export async function open(port: number, from?: string): Promise<Socket> {
  const socket = connectSocket({ port, host: '127.0.0.1', allowHalfOpen: true, ...(from && { localAddress: from }) })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return socket
}

/** A client that may have to try again: its SYN is dropped until there is room. */
export function knock(t: TestContext, place: { readonly port: number } | { readonly path: string }): RawClient {
  const socket = connectSocket('path' in place ? place : { ...place, host: '127.0.0.1' })
  t.after(() => socket.destroy())
  const client = new RawClient(socket)
  client.send(request('GET /'))
  return client
}

/** A connection that sends `bytes` at once. */
export async function connectAndSend(t: TestContext, port: number, bytes: string | Uint8Array): Promise<RawClient> {
  const client = await connect(t, port)
  client.send(bytes)
  return client
}

/** A request head as most tests need it: `fields` are whole lines without their end. */
export function request(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, 'Host: test', ...fields, '', ''].join('\r\n')
}

/** The body of what `path` answers, asked on a connection that does not outlive it. */
export async function ask(port: number, path: string): Promise<string> {
  const socket = await open(port)
  try {
    socket.write(request(`GET ${path}`, 'Connection: close'))
    return (await new RawClient(socket).response()).body.toString()
  } finally {
    socket.destroy()
  }
}
