/**
 * A transport that tells of each of its system calls once it is made: the one of a
 * connection that somebody watches (tracer.ts). Calls that found nothing to do
 * (EAGAIN on a receive) are no part of the story. A call that sends is told of with
 * the time at which it began: what it leads to may come before it has returned.
 */
import { EAGAIN } from '../kernel/errno.ts'
import type { Fd } from '../kernel/fd.ts'
import type { Memory } from '../kernel/memory.ts'
import type { Secure, Transport } from '../net/transport.ts'
import { monotonicMs } from '../scoreboard.ts'
import { RECORD } from '../trace/records.ts'
import type { ConnectionTrace } from './tracer.ts'

export class TracedTransport implements Transport {
  readonly fd: Fd
  readonly isShared: boolean
  readonly isSecure: boolean
  readonly #inner: Transport
  readonly #trace: ConnectionTrace
  /** 1 where TLS is spoken: OpenSSL decrypts what is received. */
  readonly #bit: 0 | 1

  constructor(inner: Transport, trace: ConnectionTrace) {
    this.fd = inner.fd
    this.isShared = inner.isShared
    this.isSecure = inner.isSecure
    this.#inner = inner
    this.#trace = trace
    this.#bit = inner.isSecure ? 1 : 0
  }

  recv(memory: Memory, at: number, length: number): number {
    const result = this.#inner.recv(memory, at, length)
    if (result !== -EAGAIN) this.#trace.write(monotonicMs(), RECORD.received, result, this.#bit)
    return result
  }

  send(memory: Memory, at: number, length: number, more: boolean): number {
    const atMs = monotonicMs()
    const result = this.#inner.send(memory, at, length, more)
    this.#trace.write(atMs, RECORD.sent, result, length, this.#sentBit)
    return result
  }

  sendfile(file: Fd, offset: number, length: number): number {
    const atMs = monotonicMs()
    const result = this.#inner.sendfile(file, offset, length)
    this.#trace.write(atMs, RECORD.sentFile, result, length, this.#sentBit)
    return result
  }

  /** 1 where OpenSSL encrypts what is sent. By then the handshake is over, and what is known of it is kept. */
  get #sentBit(): 0 | 1 {
    return this.#bit === 1 && this.#inner.secure?.isSentByKernel !== true ? 1 : 0
  }

  get secure(): Secure | null {
    return this.#inner.secure
  }

  get mayHoldMore(): boolean {
    return this.#inner.mayHoldMore
  }

  get wantsWrite(): boolean {
    return this.#inner.wantsWrite
  }

  get isHeldBack(): boolean {
    return this.#inner.isHeldBack
  }

  get keptWaiting(): boolean {
    return this.#inner.keptWaiting
  }

  get hasFinished(): boolean {
    return this.#inner.hasFinished
  }

  keepSecure(): void {
    this.#inner.keepSecure()
  }

  beginTurn(round: number): void {
    this.#inner.beginTurn(round)
  }

  bytesInFlight(): number {
    return this.#inner.bytesInFlight()
  }

  endSoon(): void {
    this.#inner.endSoon()
  }

  sayGoodbye(): boolean {
    return this.#inner.sayGoodbye()
  }

  finish(): void {
    const atMs = monotonicMs()
    this.#inner.finish()
    this.#trace.write(atMs, RECORD.shutdown, 0)
  }

  close(): void {
    const atMs = monotonicMs()
    this.#inner.close()
    this.#trace.write(atMs, RECORD.closed, 0)
  }

  reset(): void {
    const atMs = monotonicMs()
    this.#inner.reset()
    this.#trace.write(atMs, RECORD.reset, 0)
  }
}
