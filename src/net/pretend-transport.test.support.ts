/**
 * A transport that answers as a test wants, and notes what was done with it; and
 * a pair of real ones, joined to each other.
 */
import { AF_UNIX, SO_SNDBUF, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET } from '../kernel/constants.ts'
import { EAGAIN } from '../kernel/errno.ts'
import type { Fd } from '../kernel/fd.ts'
import { allocate, type Memory } from '../kernel/memory.ts'
import { recv, setsockopt, socketpair } from '../kernel/socket.ts'
import { PlainTransport, type Transport } from './transport.ts'

/** Takes and gives as much as it is told to; what it takes is kept. */
export class PretendTransport implements Transport {
  readonly fd = 1000 as Fd
  isShared = false
  isSecure = false
  secure = null
  mayHoldMore = false
  wantsWrite = false
  isHeldBack = false
  keptWaiting = false
  hasFinished = false
  keepSecure(): void {}
  beginTurn(): void {}
  readonly log: string[] = []
  /** What has been sent, as Latin-1; files as `<fd:offset+length>`. */
  sent = ''
  /** Of what has been sent, how much the peer has not acknowledged. */
  inFlight = 0
  /** The result of each send or sendfile to come: how much is taken at most, or -errno. All is taken once it is used up. */
  takes: number[] = []
  /** What each recv to come gives: bytes, '' for the end, or -errno. -EAGAIN once it is used up. */
  gives: (string | number)[] = []

  recv(memory: Memory, at: number, length: number): number {
    const next = this.gives.shift() ?? -EAGAIN
    if (typeof next === 'number') return next
    if (next.length > length) this.gives.unshift(next.slice(length))
    return memory.bytes.write(next.slice(0, length), at, 'latin1')
  }

  send(memory: Memory, at: number, length: number, more: boolean): number {
    const taken = this.#take(length)
    this.log.push(`send ${length}${more ? ' more' : ''}${taken === length ? '' : `: ${taken}`}`)
    if (taken > 0) this.sent += memory.bytes.toString('latin1', at, at + taken)
    return taken
  }

  sendfile(file: Fd, offset: number, length: number): number {
    const taken = this.#take(length)
    this.log.push(`sendfile ${length}${taken === length ? '' : `: ${taken}`}`)
    if (taken > 0) this.sent += `<${file}:${offset}+${taken}>`
    return taken
  }

  bytesInFlight(): number {
    return this.inFlight
  }

  endSoon(): void {
    this.log.push('endSoon')
  }

  /** So often there is no room for it. */
  goodbyesInVain = 0

  sayGoodbye(): boolean {
    return this.goodbyesInVain-- <= 0
  }

  finish(): void {
    this.hasFinished = true
    this.log.push('finish')
  }

  close(): void {
    this.log.push('close')
  }

  reset(): void {
    this.log.push('reset')
  }

  #take(length: number): number {
    const next = this.takes.shift() ?? length
    return Math.min(next, length)
  }
}

/** The far end of a real pair of sockets: what has come is read when asked for. */
export class FarEnd {
  readonly fd: Fd
  readonly #memory = allocate(256 * 1024)

  constructor(fd: Fd) {
    this.fd = fd
  }

  /** Everything that lies in the socket now. */
  read(): Buffer {
    const pieces: Buffer[] = []
    for (;;) {
      const length = recv(this.fd, this.#memory, 0, this.#memory.bytes.length)
      if (length <= 0) return Buffer.concat(pieces)
      pieces.push(Buffer.from(this.#memory.bytes.subarray(0, length)))
    }
  }
}

/** Two joined sockets, the near one with the smallest send buffer that the kernel gives. */
export function narrowPair(): { near: Transport; far: FarEnd } {
  const [near, far] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
  setsockopt(near, SOL_SOCKET, SO_SNDBUF, 1)
  return { near: new PlainTransport(near), far: new FarEnd(far) }
}
