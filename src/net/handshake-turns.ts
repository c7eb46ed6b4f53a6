/**
 * Whose handshake goes on in a round of the loop, and whose has to wait for the next.
 */

/** By its own name the global one would be looked up anew each time. */
const { performance: clock } = globalThis

/** Of handshakes so many steps are taken in a round of the loop: one costs as much as ten requests, and some cost a hundred. */
export const HANDSHAKES_PER_ROUND = 8
/** Those that get nowhere are taken besides, until they have cost so much of a round. */
export const NOWHERE_MS_PER_ROUND = 2

/** What all connections of a server have in common: a flood of handshakes does not keep those waiting who have theirs behind them. */
export class HandshakeTurns {
  readonly #now: () => number
  #round = -1
  #left = 0
  #nowhereMsLeft = 0
  #begunAt = 0

  /** `now` in milliseconds. */
  constructor(now: () => number = () => clock.now()) {
    this.#now = now
  }

  mayGoOn(round: number): boolean {
    if (round !== this.#round) {
      this.#round = round
      this.#left = HANDSHAKES_PER_ROUND
      this.#nowhereMsLeft = NOWHERE_MS_PER_ROUND
    }
    if (this.#left === 0) return false
    this.#left -= 1
    this.#begunAt = this.#now()
    return true
  }

  /**
   * The step has come to no other message: most likely a part of one has come, and nothing dear was done. It is not counted,
   * or clients who say hello byte by byte would take the turn of those who have said it, and keep them waiting until
   * their deadline.
   */
  wentNowhere(): void {
    if (this.#nowhereMsLeft <= 0) return
    this.#nowhereMsLeft -= this.#now() - this.#begunAt
    this.#left += 1
  }
}
