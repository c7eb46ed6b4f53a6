/**
 * A worker's places for connections, and who has them: a set, in no order.
 *
 * Not JavaScript's own: where thousands come and go in a second, that builds its
 * table anew all the time. Each old table points to the next, and one that V8 has
 * moved among the old keeps alive all whom the later ones held, dead for long,
 * until the next full collection: every connection would be copied twice, and
 * live for seconds.
 */

/** Whoever has a place knows which. */
export interface Placed {
  /** -1: none. Written by Places alone. */
  place: number
}

export class Places<T extends Placed> implements Iterable<T> {
  readonly #taken: T[] = []

  get size(): number {
    return this.#taken.length
  }

  add(one: T): void {
    one.place = this.#taken.length
    this.#taken.push(one)
  }

  /** The last takes the place of whoever goes. One that has none changes nothing. */
  delete(one: T): void {
    if (one.place === -1) return
    const last = this.#taken.pop()!
    if (last !== one) {
      last.place = one.place
      this.#taken[one.place] = last
    }
    one.place = -1
  }

  /** Those who are here now, whoever comes or goes meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return this.#taken.slice()[Symbol.iterator]()
  }
}
