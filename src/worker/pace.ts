/**
 * The pace that a client has to keep while it is waited for: so many bytes a
 * second, or it is too slow.
 *
 * It is lent time. Waiting for it spends that time, and every byte earns some
 * back: at 240 bytes a second, a 240th of a second. It never has more than it
 * began with. So a silence is over when the loan is; who sends or takes bytes
 * fast enough is waited for as long as it likes; and who was fast for a while
 * does not live on it for ever after.
 *
 * Only waiting counts. While it is the handler that thinks, or its own bytes that
 * are being dealt with, the client spends nothing.
 *
 * Pure: it reads no clock.
 */
export class Pace {
  readonly #loanMs: number
  readonly #msPerByte: number
  #leftMs: number
  /** As of the last look. */
  #bytes: number
  /** Waited for since then; -1: it is not waited for. */
  #since = -1

  /** `bytesPerSecondMin` 0 asks for none in particular: any byte earns the whole loan back. `bytes` have come before. */
  constructor(loanMs: number, bytesPerSecondMin: number, bytes = 0) {
    this.#loanMs = this.#leftMs = loanMs
    this.#msPerByte = 1000 / bytesPerSecondMin
    this.#bytes = bytes
  }

  /** It is waited for (still, or from now on), `bytes` having come so far: until when. */
  wait(bytes: number, now: number): number {
    this.rest(now)
    const moved = bytes - this.#bytes
    if (moved > 0) this.#leftMs = Math.min(this.#loanMs, this.#leftMs + moved * this.#msPerByte)
    this.#bytes = bytes
    this.#since = now
    return now + this.#leftMs
  }

  /** It is not waited for, from now on. */
  rest(now: number): void {
    if (this.#since !== -1) this.#leftMs -= now - this.#since
    this.#since = -1
  }
}
