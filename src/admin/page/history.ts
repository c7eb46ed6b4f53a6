/**
 * The last two minutes of a number: as many values as there are seconds, and never
 * more. Pure.
 */

export const HISTORY_SECONDS = 120

export class History {
  readonly #values = new Float64Array(HISTORY_SECONDS)
  #next = 0
  #length = 0

  add(value: number): void {
    this.#values[this.#next] = value
    this.#next = (this.#next + 1) % HISTORY_SECONDS
    this.#length = Math.min(this.#length + 1, HISTORY_SECONDS)
  }

  get length(): number {
    return this.#length
  }

  /** 0 is the oldest. */
  at(index: number): number {
    return this.#values[(this.#next - this.#length + index + HISTORY_SECONDS) % HISTORY_SECONDS]!
  }

  get max(): number {
    let max = 0
    for (let i = 0; i < this.#length; i++) max = Math.max(max, this.at(i))
    return max
  }

  /** Of the newest so many. */
  sumOf(newest: number): number {
    let sum = 0
    for (let i = Math.max(0, this.#length - newest); i < this.#length; i++) sum += this.at(i)
    return sum
  }
}
