/**
 * How long a connection waits: when the wait it is in must be over.
 *
 * There are two kinds. A wait with a bound (for a whole head, for the client's
 * FIN) ends when it ends, whatever trickles in meanwhile. A wait for progress
 * (to send, to receive a body) starts anew with every byte, and only with one:
 * an event that moved nothing does not count.
 *
 * Reads no clock and sets no timer: the connection does.
 */
import type { Timeouts } from '../config/options.ts'
import type { Outbox } from '../net/outbox.ts'

/** No deadline. How long a handler thinks is the app's own affair. */
export const NEVER = Number.POSITIVE_INFINITY

/** What a connection waits for when it has no bound: its name in `timeouts`, or null for the handler. */
export type Awaited = 'idleMs' | 'bodyMs' | 'writeMs' | null

export class Patience {
  readonly #timeouts: Timeouts
  #boundAt: number | null = null
  /** How much had been sent when the present wait for a writable socket began. */
  #sentAtBlock = -1
  #blockedUntil = NEVER

  constructor(timeouts: Timeouts) {
    this.#timeouts = timeouts
  }

  get isBound(): boolean {
    return this.#boundAt !== null
  }

  bind(which: 'headMs' | 'lingerMs', now: number): void {
    this.#boundAt = now + this.#timeouts[which]
  }

  unbind(): void {
    this.#boundAt = null
  }

  /** When the present wait must be over. */
  deadline(outbox: Pick<Outbox, 'isBlocked' | 'bytesSent'>, awaited: Awaited, now: number): number {
    return outbox.isBlocked ? this.whileBlocked(outbox.bytesSent, now) : this.until(awaited, now)
  }

  /** The deadline while the outbox is blocked, after `bytesSent` in the connection's life. */
  whileBlocked(bytesSent: number, now: number): number {
    if (bytesSent !== this.#sentAtBlock) {
      this.#sentAtBlock = bytesSent
      this.#blockedUntil = now + this.#timeouts.writeMs
    }
    return this.#blockedUntil
  }

  /** The deadline while it is not. */
  until(awaited: Awaited, now: number): number {
    this.#sentAtBlock = -1
    if (this.#boundAt !== null) return this.#boundAt
    return awaited === null ? NEVER : now + this.#timeouts[awaited]
  }
}
