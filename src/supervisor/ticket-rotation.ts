/**
 * Gives session tickets a new key now and then, as often as the configuration that
 * serves says (`tls.ticketRotationMs`). A server that succeeds another goes on with its
 * keys.
 */
import type { TlsConfig } from '../config/options.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { TicketKeys } from '../ticket-keys.ts'

/** How often it is looked whether one is due: as often as may be asked for. */
const LOOK_MS = 60_000

export class TicketRotation {
  readonly #keys: TicketKeys
  readonly #tls: () => Pick<TlsConfig, 'ticketRotationMs'> | null
  readonly #timer: NodeJS.Timeout
  /** Workers and preloaders inherit it; they cannot write by it. */
  readonly fdForChildren: Fd
  #rotatedAt = performance.now()

  constructor(inherited: Fd | null, tls: () => Pick<TlsConfig, 'ticketRotationMs'> | null) {
    this.#keys = inherited === null ? TicketKeys.create() : TicketKeys.inherit(inherited)
    this.#tls = tls
    this.fdForChildren = this.#keys.openForReading()
    this.#timer = setInterval(() => this.look(performance.now()), LOOK_MS).unref()
  }

  /** For a successor. */
  get fd(): Fd {
    return this.#keys.fd
  }

  look(now: number): void {
    const everyMs = this.#tls()?.ticketRotationMs ?? 0
    if (everyMs === 0 || now - this.#rotatedAt < everyMs) return
    this.#rotatedAt = now
    this.#keys.rotate()
  }

  close(): void {
    clearInterval(this.#timer)
    close(this.fdForChildren)
    this.#keys.close()
  }
}
