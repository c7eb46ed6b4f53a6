/** All kinds of clients at once, each several times, until they are told to stop. */
import { KINDS } from './kinds.mjs'

const EACH = 4
/** Of one kind that is failed by everything, nobody wants to read all. */
const TOLD_MAX = 20

export class Crew {
  /** Answers by kind. */
  answers = Object.fromEntries(Object.keys(KINDS).map((name) => [name, 0]))
  wrong = 0
  /** The first of what was wrong. */
  told = []
  #isStopping = false
  #loops

  constructor(port, site) {
    this.#loops = Object.keys(KINDS).flatMap((name) =>
      Array.from({ length: EACH }, (_, i) => this.#loop(name, port, site, i)),
    )
  }

  get answered() {
    return Object.values(this.answers).reduce((sum, it) => sum + it, 0)
  }

  /** Settles when each has ended what it was at. */
  async stop() {
    this.#isStopping = true
    await Promise.all(this.#loops)
  }

  async #loop(name, port, site, first) {
    for (let turn = first; !this.#isStopping; turn += 1) {
      try {
        this.answers[name] += await KINDS[name]({ port, site, turn })
      } catch (error) {
        this.wrong += 1
        if (this.told.length < TOLD_MAX) this.told.push(`${name}: ${error.message}`)
      }
    }
  }
}
