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
import { allocate, type Memory } from '../kernel/memory.ts'
import type { Transport } from './transport.ts'

export const RECEIVE_BUFFER_BYTES = 64 * 1024

/** The buffer that the connections of one worker take turns with. */
export class ReceiveBuffer {
  readonly size: number
  readonly memory: Memory

  /** `leastBytes`: what must fit in one piece, such as the longest head. */
  constructor(leastBytes: number) {
    this.size = Math.max(RECEIVE_BUFFER_BYTES, leastBytes)
    this.memory = allocate(this.size)
  }
}

export class Inbox {
  readonly #shared: ReceiveBuffer
  #kept: Buffer | null = null
  /** During a turn: the unused bytes are `bytes[from…to)`. */
  from = 0
  to = 0

  constructor(shared: ReceiveBuffer) {
    this.#shared = shared
  }

  get bytes(): Buffer {
    return this.#shared.memory.bytes
  }

  get isEmpty(): boolean {
    return this.from === this.to
  }

  /** Begins a turn: what was kept lies at the front of the shared buffer. */
  open(): void {
    const kept = this.#kept
    this.from = 0
    this.to = kept === null ? 0 : kept.copy(this.bytes, 0)
    this.#kept = null
  }

  /**
   * Receives more after what is there. The transport's result; -ENOBUFS is not
   * among them: the caller asks only while `hasRoom`.
   */
  receive(transport: Transport): number {
    if (this.from === this.to) this.from = this.to = 0
    else if (this.isFilled) this.#moveToFront()
    const result = transport.recv(this.#shared.memory, this.to, this.#shared.size - this.to)
    if (result > 0) this.to += result
    return result
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
