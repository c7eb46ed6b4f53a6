/**
 * The keys of session tickets, as the supervisor holds them. A server that succeeds
 * another goes on with its keys.
 *
 *     upkeep.ts         asks now and then, while this server serves (`tls.ticketRotationMs`)
 *     ticket-keys.ts    knows when there last was a new one, whichever server made it
 */
import { close, type Fd } from '../kernel/fd.ts'
import { machineMs, TicketKeys } from '../ticket-keys.ts'

export class TicketRotation {
  readonly #keys: TicketKeys
  readonly #now: () => number
  /** Workers and preloaders inherit it; they cannot write by it. */
  readonly fdForChildren: Fd

  constructor(inherited: Fd | null, now = machineMs) {
    this.#keys = inherited === null ? TicketKeys.create(now()) : TicketKeys.inherit(inherited)
    this.#now = now
    this.fdForChildren = this.#keys.openForReading()
  }

  /** For a successor. */
  get fd(): Fd {
    return this.#keys.fd
  }

  /** A new key, if the last one came so long ago. */
  rotateAfter(ms: number): void {
    this.#keys.rotateAfter(ms, this.#now())
  }

  close(): void {
    close(this.fdForChildren)
    this.#keys.close()
  }
}
