/** A server's end of a connection, and the other end of its socket in a test's hand: all in one thread, each when it is his turn. */
import assert from 'node:assert/strict'
import type { Random } from '../../test/support/random.ts'
import {
  AF_INET,
  AF_UNIX,
  F_SETFL,
  IPPROTO_TCP,
  O_NONBLOCK,
  POLLIN,
  SHUT_WR,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  TCP_NODELAY,
} from '../kernel/constants.ts'
import { EAGAIN } from '../kernel/errno.ts'
import { close, type Fd, fcntl } from '../kernel/fd.ts'
import { allocate } from '../kernel/memory.ts'
import { poll } from '../kernel/poll.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import {
  accept4,
  bind,
  connect,
  recv,
  resetOnClose,
  send,
  setsockopt,
  shutdown,
  socket,
  socketpair,
} from '../kernel/socket.ts'
import type { MemoryClient } from './memory-client.test.support.ts'
import type { TlsServer } from './tls-server.ts'
import type { TlsTransport } from './tls-transport.ts'

const memory = allocate(256 * 1024)
/** A receive that neither gives anything nor waits is to be tried again: so often at most. */
const RECEIVES_MAX = 500
const WAIT_MS = 10_000
let round = 0

/** Two sockets joined to each other, by what only Linux knows of, or by TCP. */
export function socketsOver(listener: { readonly fd: Fd; readonly port: number } | null, random: Random): [Fd, Fd] {
  if (listener === null) return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
  const far = socket(AF_INET, SOCK_STREAM)
  // Of many addresses: each that ends in peace keeps a port for a minute.
  bind(far, socketAddress(`127.0.0.${2 + random(200)}`))
  connect(far, socketAddress('127.0.0.1', listener.port))
  setsockopt(far, IPPROTO_TCP, TCP_NODELAY, 1)
  fcntl(far, F_SETFL, O_NONBLOCK)
  const deadline = performance.now() + WAIT_MS
  for (;;) {
    const near = accept4(listener.fd, SOCK_NONBLOCK)
    if (near !== null) {
      setsockopt(near, IPPROTO_TCP, TCP_NODELAY, 1)
      return [near, far]
    }
    assert.ok(performance.now() < deadline, 'nobody has come')
  }
}

export class Line {
  readonly transport: TlsTransport
  /** What became of the handshake. */
  readonly told: string[] = []
  /** All that the server has received. */
  received = ''
  /** The result that has ended it: 0, or an -errno. */
  end: number | null = null
  readonly #far: Fd
  #bytesSent = 0

  constructor(server: TlsServer, [near, far]: readonly [Fd, Fd]) {
    this.transport = server.transport(near)
    this.transport.onHandshake = (result) => this.told.push(result)
    this.#far = far
  }

  get isEstablished(): boolean {
    return this.told.length > 0 && this.told[0] !== 'failed'
  }

  /** Nothing has come to it, and nothing is amiss with it. */
  get isQuiet(): boolean {
    return this.transport.recv(memory, 0, 1) === -EAGAIN && this.transport.failure === null
  }

  /** To the server, which has its turn then. */
  send(bytes: Buffer): void {
    const length = bytes.copy(memory.bytes)
    if (length > 0) this.#bytesSent += Math.max(0, send(this.#far, memory, 0, length))
    if (this.end === null && length > 0) this.#turn()
  }

  /** A FIN, behind all that was sent: the server finds that it is over. */
  finish(): void {
    shutdown(this.#far, SHUT_WR)
    while (this.end === null) this.#turn()
  }

  /** What the server has said. Where it must have said something, it is waited for. */
  hear(mustCome = false): Buffer {
    if (mustCome) assert.ok(poll(this.#far, POLLIN, WAIT_MS) !== 0, 'the server says nothing')
    const length = recv(this.#far, memory, 0, memory.bytes.length)
    return Buffer.from(memory.bytes.subarray(0, Math.max(0, length)))
  }

  /** Both sides leave, this way or that. Whatever has begun was told of, once. */
  leave(random: Random): void {
    const acts = [() => this.#serverLeaves(random), () => this.#clientLeaves(random)]
    if (random(2) === 0) acts.reverse()
    for (const act of acts) act()
    assert.equal(this.told.length, this.#bytesSent > 0 ? 1 : 0, this.told.join())
  }

  #serverLeaves(random: Random): void {
    if (random(4) === 0) this.transport.endSoon()
    if (random(4) === 0) this.transport.finish()
    if (random(2) === 0) this.transport.close()
    else this.transport.reset()
  }

  #clientLeaves(random: Random): void {
    if (random(2) === 0) resetOnClose(this.#far)
    close(this.#far)
  }

  /** As a wire has it: as long as there is something, or it is to be tried again. */
  #turn(): void {
    // What was sent may be on its way still: the kernel sees to that now, or a moment later.
    assert.ok(poll(this.transport.fd, POLLIN, WAIT_MS) !== 0, 'nothing has come')
    for (let receives = 0; receives < RECEIVES_MAX; receives++) {
      this.transport.beginTurn(++round)
      const result = this.transport.recv(memory, 0, memory.bytes.length)
      if (result > 0) this.received += memory.bytes.toString('latin1', 0, result)
      else if (result !== -EAGAIN) return this.#note(result)
      else if (!this.transport.isHeldBack) return
    }
    assert.fail('it gives nothing, and waits for nothing')
  }

  #note(result: number): void {
    this.end = result
    assert.ok(result === 0 || result < 0)
    assert.ok(this.transport.recv(memory, 0, 1) <= 0, 'nothing comes after the end')
  }
}

/** What the client says next, of what the server has answered. */
export function nextOf(client: MemoryClient, line: Line): Buffer {
  for (;;) {
    const said = client.go(line.hear(true))
    if (said.length > 0 || client.isEstablished) return said
  }
}

/** A handshake that nobody disturbs, and the text behind it. */
export function shakeHands(client: MemoryClient, line: Line, text: string): void {
  line.send(client.go())
  for (;;) {
    const said = nextOf(client, line)
    line.send(client.isEstablished ? Buffer.concat([said, client.write(text)]) : said)
    if (client.isEstablished) break
  }
  assert.equal(line.received, text)
  assert.equal(line.end, null)
}

/** Client and server go on by themselves, as long as one of them has something to say. As soon as it can, the client says this. */
export function goOn(client: MemoryClient, line: Line, text: string): void {
  for (let isSaid = false; line.end === null; ) {
    let said = client.go(line.hear())
    if (client.isEstablished && !isSaid) {
      said = Buffer.concat([said, client.write(text)])
      isSaid = true
    }
    if (said.length === 0) return
    line.send(said)
  }
}
