/**
 * Received bytes that nobody has used yet.
 *
 * One receive buffer serves every connection of a worker: bytes are received
 * into it, parsed in place, and what a connection could not use yet (half a
 * head, the next pipelined request) moves into a small buffer of its own until
 * its next turn. An idle connection holds nothing.
 *
 * The bound: a connection keeps at most one receive buffer's worth. While it
 * does, nothing is received from it, and TCP's own window holds the client back.
 */
import { EPOLLIN, EPOLLRDHUP } from '../kernel/constants.ts'
import { EAGAIN } from '../kernel/errno.ts'
import type { Memory } from '../kernel/memory.ts'
import { allocatePages } from '../kernel/mmap.ts'
import type { Transport } from './transport.ts'

export const RECEIVE_BUFFER_BYTES = 64 * 1024
/** One connection's share of a round: a client that sends as fast as we receive must not hold the loop. */
export const RECEIVES_PER_ROUND = 4
/** And of requests: thousands of short ones fit into what is received at once. More than clients send ahead of their answers. */
export const HEADS_PER_ROUND = 32

const CR = 0x0d
const LF = 0x0a

/**
 * What receiving came to: `some` bytes; `nothing` now, there will be an event;
 * `enough` for this round, though there may be more and no event will say so;
 * `ended`: the peer's FIN, nothing will ever come; `gone`: the peer has reset
 * the connection.
 */
export type Received = 'some' | 'nothing' | 'enough' | 'ended' | 'gone'

/** The buffer that the connections of one worker take turns with. */
export class ReceiveBuffer {
  readonly size: number
  readonly memory: Memory

  /** `leastBytes`: what must fit in one piece, such as the longest head. */
  constructor(leastBytes: number) {
    this.size = Math.max(RECEIVE_BUFFER_BYTES, leastBytes)
    this.memory = allocatePages(this.size)
  }
}

export class Inbox {
  readonly #shared: ReceiveBuffer
  #kept: Buffer | null = null
  /** During a turn: the unused bytes are `bytes[from…to)`. */
  from = 0
  to = 0
  /** The socket may have bytes for us: nothing has said otherwise since the last event. */
  isReadable = false
  /** The peer's FIN has been announced: receive until it is reached. */
  finAnnounced = false
  /** The peer's FIN has been received. */
  hasEnded = false
  /** Bytes that the kernel has given, in the connection's life. */
  #bytesReceived = 0
  #round = -1
  #receivesLeft = 0
  #headsLeft = 0

  constructor(shared: ReceiveBuffer) {
    this.#shared = shared
  }

  get bytes(): Buffer {
    return this.#shared.memory.bytes
  }

  /** What is held, within a turn or between two. Valid until the next use. */
  get held(): Buffer {
    return this.#kept ?? this.bytes.subarray(this.from, this.to)
  }

  /** Bytes that have been used, or dropped, in the connection's life. */
  get bytesUsed(): number {
    return this.#bytesReceived - (this.#kept?.length ?? this.to - this.from)
  }

  /** Nothing is held, within a turn or between two. */
  get isEmpty(): boolean {
    return this.from === this.to && this.#kept === null
  }

  /** Between two requests: the whole head of the next one lies here. */
  get holdsHead(): boolean {
    const { held } = this
    // Empty lines before a request are no head (RFC 9112 §2.2).
    const start = held.findIndex((byte) => byte !== CR && byte !== LF)
    return start !== -1 && held.includes('\r\n\r\n', start)
  }

  /** Takes note of an event: a set of EPOLL* bits. */
  announce(events: number): void {
    if ((events & (EPOLLIN | EPOLLRDHUP)) !== 0) this.isReadable = true
    if ((events & EPOLLRDHUP) !== 0) this.finAnnounced = true
  }

  /** Begins a turn in the loop's round of this number: what was kept lies at the front of the shared buffer. */
  open(round: number): void {
    if (round !== this.#round) {
      this.#round = round
      this.#receivesLeft = RECEIVES_PER_ROUND
      this.#headsLeft = HEADS_PER_ROUND
    }
    const kept = this.#kept
    this.from = 0
    this.to = kept === null ? 0 : kept.copy(this.bytes, 0)
    this.#kept = null
  }

  /** A head is about to be read. False: there have been enough in this round. */
  beginHead(): boolean {
    if (this.#headsLeft === 0) return false
    this.#headsLeft -= 1
    return true
  }

  /** Receives more after what is there. */
  receive(transport: Transport): Received {
    if (this.hasEnded) return 'ended'
    if (!this.isReadable || !this.hasRoom) return 'nothing'
    if (this.#receivesLeft === 0) return 'enough'
    this.#receivesLeft -= 1
    if (this.from === this.to) this.from = this.to = 0
    else if (this.isFilled) this.#moveToFront()
    const result = transport.recv(this.#shared.memory, this.to, this.#shared.size - this.to)
    return this.#judge(result, transport.mayHoldMore)
  }

  #judge(result: number, mayHoldMore: boolean): Received {
    if (result > 0) {
      this.to += result
      this.#bytesReceived += result
      // A short count means the socket is empty; unless its end is near, which must be reached to be seen.
      this.isReadable = this.isFilled || this.finAnnounced || mayHoldMore
      return 'some'
    }
    this.isReadable = false
    if (result === -EAGAIN) return 'nothing'
    this.hasEnded = result === 0
    return this.hasEnded ? 'ended' : 'gone'
  }

  /** The last receive had to stop for want of room: there may be more. */
  get isFilled(): boolean {
    return this.to === this.#shared.size
  }

  get hasRoom(): boolean {
    return this.to - this.from < this.#shared.size
  }

  /** Ends a turn: what is unused is kept until the next. */
  close(): void {
    this.#kept = this.from === this.to ? null : Buffer.from(this.bytes.subarray(this.from, this.to))
    this.from = this.to = 0
  }

  /** Forgets what is there. */
  drop(): void {
    this.from = this.to = 0
    this.#kept = null
  }

  #moveToFront(): void {
    this.bytes.copyWithin(0, this.from, this.to)
    this.to -= this.from
    this.from = 0
  }
}
