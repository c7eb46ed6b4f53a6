/**
 * Which rows of the scoreboard are given out. A row belongs to one worker from
 * before its birth until after its death; so old and new generations, side by
 * side, never share one.
 */
export class Rows {
  readonly #isTaken: boolean[]
  /** Beyond it no row has ever been taken. */
  everTaken = 0
  /** Called for rows that are given back: their workers are dead. */
  onGiven: (first: number, count: number) => void = () => {}

  constructor(count: number) {
    this.#isTaken = new Array<boolean>(count).fill(false)
  }

  /** The first of `count` rows that lie together, now taken; null when there are none. */
  take(count = 1): number | null {
    let free = 0
    for (let row = 0; row < this.#isTaken.length; row++) {
      free = this.#isTaken[row] ? 0 : free + 1
      if (free < count) continue
      const first = row - count + 1
      this.#isTaken.fill(true, first, row + 1)
      this.everTaken = Math.max(this.everTaken, row + 1)
      return first
    }
    return null
  }

  give(first: number, count = 1): void {
    this.#isTaken.fill(false, first, first + count)
    this.onGiven(first, count)
  }

  get taken(): number {
    return this.#isTaken.filter(Boolean).length
  }
}
