/**
 * A warning that a client could have the log filled with: said at most once a
 * minute, with how often there was reason to since it was last said.
 */
import type { SocketAddress } from '../kernel/sockaddr.ts'
import type { Log } from '../log.ts'

const SAID_EVERY_MS = 60_000

export class Seldom {
  readonly #log: Pick<Log, 'warn'>
  readonly #clock: () => number
  #count = 0
  #saidAt = Number.NEGATIVE_INFINITY

  constructor(log: Pick<Log, 'warn'>, clock = () => performance.now()) {
    this.#log = log
    this.#clock = clock
  }

  /** So many times more. `sentence` is given all that were not told of. */
  warn(times: number, sentence: (count: number) => string): void {
    this.#count += times
    const now = this.#clock()
    if (now - this.#saidAt < SAID_EVERY_MS) return
    this.#saidAt = now
    this.#log.warn(sentence(this.#count))
    this.#count = 0
  }
}

/** A connection over `limits.connectionsPerAddress` has been reset. */
export function sayTurnedAway(seldom: Seldom, peer: SocketAddress): void {
  const from = peer.family === 'Unix' ? peer.path : peer.address
  seldom.warn(1, (count) => `turned away ${count} connections over limits.connectionsPerAddress, the last from ${from}`)
}
