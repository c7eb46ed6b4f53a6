/**
 * What follows from the authority that a request names, remembered: a server has a
 * few names. A client that makes up others must not fill the memory, nor may the
 * heads of requests stay in it, of which a name is a slice.
 */
import { ownCopy } from './own-copy.ts'

const REMEMBERED_MAX = 256

export class ByAuthority<T> {
  readonly #make: (authority: string) => T
  readonly #known = new Map<string, Known<T>>()
  /** Nearly always the next request names it as well, and comparing two texts costs less than finding one in a Map. */
  #last: Known<T> | null = null

  constructor(make: (authority: string) => T) {
    this.#make = make
  }

  find(authority: string): T {
    if (this.#last === null || this.#last.authority !== authority)
      this.#last = this.#known.get(authority) ?? this.#note(authority)
    return this.#last.value
  }

  #note(slice: string): Known<T> {
    const authority = ownCopy(slice)
    const known = { authority, value: this.#make(authority) }
    if (this.#known.size >= REMEMBERED_MAX) this.#known.clear()
    this.#known.set(authority, known)
    return known
  }
}

interface Known<T> {
  readonly authority: string
  readonly value: T
}
