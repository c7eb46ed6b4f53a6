/**
 * How long a connection waits: when the wait it is in must be over.
 *
 * There are three kinds. A wait with a bound (for a whole head, for what is left of a
 * body that nobody wants, for the client's FIN) ends when it ends, whatever trickles in meanwhile. A wait for bytes to be
 * moved (to send, to receive a body) lasts as long as they move fast enough
 * (pace.ts); an event that moved nothing does not count, nor does it between two
 * requests (a record of TLS that comes byte by byte): that wait begins once. Any other
 * begins anew with each turn.
 *
 * Reads no clock and sets no timer: the connection does.
 */
import type { Limits, Timeouts } from '../config/options.ts'
import { Pace } from './pace.ts'
import { DISCARDING, HEAD, LINGERING, type Phase } from './phase.ts'

/** No deadline. How long a handler thinks is the app's own affair. */
export const NEVER = Number.POSITIVE_INFINITY

/**
 * What a connection waits for when it has no bound: more of a `body`; the next
 * request, or what begins anew with each turn, by its name in `timeouts`; or null for
 * the handler.
 */
export type Awaited = 'body' | 'idleMs' | 'bodyMs' | 'writeMs' | null

/** A wait that ends when it ends. */
export type Bound = 'headMs' | 'lingerMs'

/** What of the configuration bounds a wait. */
export interface Bounds {
  readonly timeouts: Timeouts
  readonly limits: Pick<Limits, 'bodyRateMin' | 'sendRateMin'>
}

/** The sending side, as patience sees it; and whether the client was kept waiting by us. */
export interface Sending {
  readonly isBlocked: boolean
  readonly keptWaiting: boolean
  /** How much has reached the client, in the connection's life. */
  readonly bytesArrived: number
}

/** A body on its way in. */
export interface Receiving {
  /** Somebody reads it, and waits. */
  readonly isAwaited: boolean
  readonly bytesTaken: number
  /** The client's, of this body; null before it was first waited for. */
  pace: Pace | null
}

/** What a connection without a bound waits for. Whether a client that is `isHalfClosed` still listens shows only when it is sent something. */
export function awaitedIn(phase: Phase, body: Receiving | null, isHalfClosed: boolean): Awaited {
  if (phase === HEAD) return 'idleMs'
  if (body?.isAwaited === true) return 'body'
  if (phase === DISCARDING) return 'bodyMs' // for a handler that makes up its mind to read on; what is unwanted has a bound
  return isHalfClosed ? 'writeMs' : null
}

export class Patience {
  readonly #bounds: Bounds
  #boundAt: number | null = null
  #bound: Bound = 'headMs'
  /** Of the wait between two requests: when it is over; null: it is not in it. */
  #idleUntil: number | null = null
  /** The client's, as it takes responses: since it was first waited for. */
  #pace: Pace | null = null

  /** Of a connection that has come now, and of which a head is awaited; null: of one that is past that. */
  constructor(bounds: Bounds, comesAt: number | null = null) {
    this.#bounds = bounds
    if (comesAt !== null) this.bind('headMs', comesAt)
  }

  get isBound(): boolean {
    return this.#boundAt !== null
  }

  bind(which: Bound, now: number): void {
    this.#bound = which
    this.#boundAt = now + this.#bounds.timeouts[which]
  }

  unbind(): void {
    this.#boundAt = this.#idleUntil = null
  }

  /** Since when a connection with this deadline has waited for its client and owed it nothing: for a request, the end of one that is answered, or a FIN. */
  since(phase: Phase, deadlineAt: number): number {
    if (phase !== HEAD && phase !== LINGERING && !(phase === DISCARDING && this.isBound)) return NEVER
    return deadlineAt - this.#bounds.timeouts[this.isBound ? this.#bound : 'idleMs']
  }

  /** When the present wait must be over. `body` is that of the request being answered, or what is left of it. */
  deadline(sending: Sending, body: Receiving | null, awaited: Awaited, now: number): number {
    if (sending.isBlocked) {
      body?.pace?.rest(now)
      return this.#untilTaken(sending.bytesArrived, now)
    }
    this.#pace?.rest(now)
    if (awaited === 'body') return this.#untilGiven(body!, now)
    body?.pace?.rest(now)
    // Between two requests nothing is owed: the next response begins with a whole loan.
    if (awaited === 'idleMs') this.#pace = null
    // Over, and it was us who were late: it begins anew. No client can stretch it so, for a handshake is answered twice or three times.
    if (this.#boundAt !== null && sending.keptWaiting && now >= this.#boundAt) this.bind(this.#bound, now)
    if (this.#boundAt !== null) return this.#boundAt
    if (awaited === null) return NEVER
    const until = now + this.#bounds.timeouts[awaited]
    if (awaited !== 'idleMs') return until
    this.#idleUntil ??= until
    return this.#idleUntil
  }

  #untilTaken(bytesArrived: number, now: number): number {
    const { timeouts, limits } = this.#bounds
    this.#pace ??= new Pace(timeouts.writeMs, limits.sendRateMin, bytesArrived)
    return this.#pace.wait(bytesArrived, now)
  }

  #untilGiven(body: Receiving, now: number): number {
    const { timeouts, limits } = this.#bounds
    body.pace ??= new Pace(timeouts.bodyMs, limits.bodyRateMin, body.bytesTaken)
    return body.pace.wait(body.bytesTaken, now)
  }
}
