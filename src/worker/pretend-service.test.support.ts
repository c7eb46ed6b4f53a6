/**
 * A service without a server: connections over socket pairs, the loop's rounds
 * taken by hand, so that a test can put events in any order.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { AddressLimit } from '../address-counts.ts'
import type { Limits, Timeouts } from '../config/options.ts'
import type { Handler } from '../handlers/handler.ts'
import { AF_UNIX, SHUT_WR, SOCK_NONBLOCK, SOCK_STREAM } from '../kernel/constants.ts'
import { EAGAIN, ECONNRESET } from '../kernel/errno.ts'
import { close, type Fd, isOpen } from '../kernel/fd.ts'
import { allocate, memoryOf } from '../kernel/memory.ts'
import type { SocketAddress } from '../kernel/sockaddr.ts'
import { recv, send, shutdown, socketpair } from '../kernel/socket.ts'
import type { Log } from '../log.ts'
import { EventLoop } from '../net/loop.ts'
import { PlainTransport, type Transport } from '../net/transport.ts'
import { Row } from '../scoreboard.ts'
import type { AccessLog } from './access-log.ts'
import { Connection } from './connection.ts'
import { type ModelNumbers, Service } from './service.ts'

export const LIMITS: Limits = {
  headBytes: 16_384,
  fieldCount: 100,
  targetBytes: 8_192,
  bodyBytes: 1_000_000,
  bodyRateMin: 240,
  sendRateMin: 240,
  connectionsMax: 100,
  connectionsPerAddress: Number.POSITIVE_INFINITY,
}

export const TIMEOUTS: Timeouts = {
  headMs: 10_000,
  bodyMs: 20_000,
  idleMs: 30_000,
  writeMs: 40_000,
  lingerMs: 50_000,
  stopMs: 60_000,
  drainGraceMs: 5_000,
  drainTimeoutMs: 300_000,
  shutdownDelayMs: 0,
  workerTimeoutMs: 0,
  bootMs: 70_000,
}

interface Approach {
  readonly peer?: SocketAddress
  readonly transportOn?: (fd: Fd) => Transport
}

const PEER: SocketAddress = { family: 'IPv4', address: '192.0.2.1', port: 1234 }

/** The model 'event'. */
export const THOUSANDS: ModelNumbers = { connectionsAtOnce: 100, connectionsInLife: Number.POSITIVE_INFINITY }

/** Keeps its entries; `errorWithStack` with the error's message behind. */
export class KeptLog implements Log {
  name = 'test'
  readonly dropped = 0
  readonly entries: string[] = []
  error = (message: string) => void this.entries.push(`error ${message}`)
  warn = (message: string) => void this.entries.push(`warn ${message}`)
  info = () => {}
  debug = () => {}
  errorWithStack = (message: string, error: unknown) =>
    void this.entries.push(`error ${message}: ${error instanceof Error ? error.message : String(error)}`)
  plain = () => {}
}

/** What has come to a client, and how it ended. */
export interface Received {
  readonly text: string
  readonly end: 'open' | 'fin' | 'rst'
}

/** The far end of a connection. */
export class Client {
  readonly fd: Fd
  readonly #memory = allocate(256 * 1024)

  constructor(fd: Fd) {
    this.fd = fd
  }

  send(text: string): void {
    assert.equal(send(this.fd, memoryOf(Buffer.from(text, 'latin1')), 0, text.length), text.length)
  }

  finish(): void {
    shutdown(this.fd, SHUT_WR)
  }

  leave(): void {
    close(this.fd)
  }

  /** Everything that is there now. */
  receive(): Received {
    let text = ''
    for (;;) {
      const length = recv(this.fd, this.#memory, 0, this.#memory.bytes.length)
      if (length > 0) text += this.#memory.bytes.toString('latin1', 0, length)
      else if (length === -EAGAIN) return { text, end: 'open' }
      else if (length === 0) return { text, end: 'fin' }
      else if (length === -ECONNRESET) return { text, end: 'rst' }
      else throw new Error(`recv: ${length}`)
    }
  }
}

export class PretendService {
  readonly log = new KeptLog()
  readonly loop = new EventLoop()
  /** In memory of its own: nobody else looks at it. */
  readonly row = new Row(new Float64Array(16))
  readonly service: Service
  readonly #t: TestContext

  constructor(
    t: TestContext,
    handler: Handler,
    numbers = THOUSANDS,
    accessLog: AccessLog | null = null,
    addresses: AddressLimit | null = null,
  ) {
    this.#t = t
    this.service = new Service({
      loop: this.loop,
      handler,
      limits: LIMITS,
      timeouts: TIMEOUTS,
      log: this.log,
      numbers,
      tls: null,
    })
    Object.assign(this.service, { row: this.row, accessLog, addresses })
    t.after(() => {
      for (const connection of this.service.connections) connection.close()
      assert.equal(this.service.sendBuffer.used, 0, 'nothing is left in the shared buffer')
    })
  }

  connect({ peer = PEER, transportOn = (fd: Fd): Transport => new PlainTransport(fd) }: Approach = {}): {
    connection: Connection
    client: Client
  } {
    const [near, far] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
    this.#t.after(() => {
      if (isOpen(far)) close(far)
    })
    return { connection: new Connection(transportOn(near), peer, 'test', this.service), client: new Client(far) }
  }

  /** So much time passes, in which nothing happens but deadlines. */
  pass(ms: number): void {
    this.loop.now += ms
    this.loop.deadlines.expire(this.loop.now)
  }

  /** A round of the loop, and what its promises lead to. */
  async round(): Promise<void> {
    this.loop.takeEvents()
    await new Promise(setImmediate)
    assert.equal(this.service.sendBuffer.used, 0, 'nothing is left in the shared buffer')
  }
}

export function request(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, 'Host: test', ...fields, '', ''].join('\r\n')
}
