/**
 * Waiting for what comes in by events: whoever waits looks again whenever
 * something has come, and gives up after DEADLINE_MS.
 */
import { DEADLINE_MS } from './program.ts'

export class Waiting {
  readonly #looks = new Set<() => void>()

  /** Something has come. */
  look(): void {
    for (const look of [...this.#looks]) look()
  }

  /** What `found` finds, now or later; it throws when nothing can come any more. `what` is asked for when it is late. */
  until<T>(found: () => T | null, what: () => string): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(deadline)
        this.#looks.delete(look)
        act()
      }
      const look = () => {
        try {
          const value = found()
          if (value !== null) settle(() => resolve(value))
        } catch (error) {
          settle(() => reject(error))
        }
      }
      const late = () => settle(() => reject(new Error(`waited ${DEADLINE_MS} ms for ${what()}`)))
      const deadline = setTimeout(late, DEADLINE_MS)
      this.#looks.add(look)
      look()
    })
  }
}
