/**
 * Path patterns at work: does this path fit, and what did the stars stand for.
 *
 *     '/exact'   '/api/*'   '/*.php'   '/from-*-to-*'
 *
 * A star is anything, slashes and nothing included. A last '/*' may be absent from
 * the path as a whole: '/api/*' fits '/api', so that a rule for what is below a
 * path holds for the path itself. Where there are several stars, each takes as
 * little as it can, the last what is left: that finds a fit if there is one, in
 * one pass and without going back.
 */

export class Pattern {
  readonly #literals: readonly string[]
  readonly #first: string
  readonly #isExact: boolean
  /** '/api/*': the first literal is all there is to compare. */
  readonly #isPrefix: boolean
  readonly #withoutTail: string | null
  /** It ends with '/*'. */
  readonly #mayLackSlash: boolean

  constructor(text: string) {
    this.#literals = text.split('*')
    this.#first = this.#literals[0]!
    this.#isExact = this.#literals.length === 1
    this.#isPrefix = this.#literals.length === 2 && this.#literals[1] === ''
    this.#mayLackSlash = text.endsWith('/*')
    this.#withoutTail = this.#isPrefix && this.#mayLackSlash ? this.#first.slice(0, -1) : null
  }

  /** Asked for every request: makes nothing for patterns of at most one star, at their end. */
  fits(path: string): boolean {
    if (this.#isExact) return path === this.#first
    if (this.#isPrefix) return path.startsWith(this.#first) || path === this.#withoutTail
    return this.stars(path) !== null
  }

  /** What each star stands for, or null when the path does not fit. */
  stars(path: string): string[] | null {
    return this.#starsIn(path) ?? (this.#mayLackSlash && !path.endsWith('/') ? this.#starsIn(`${path}/`) : null)
  }

  /** Whether a path that fits does so without the last '/' of the pattern: '/api' for '/api/*'. */
  lacksSlash(path: string): boolean {
    return this.#starsIn(path) === null
  }

  #starsIn(path: string): string[] | null {
    const last = this.#literals.length - 1
    if (last === 0) return path === this.#first ? [] : null
    if (!path.startsWith(this.#first)) return null
    const stars: string[] = []
    let at = this.#first.length
    for (let i = 1; i < last; i++) {
      const next = path.indexOf(this.#literals[i]!, at)
      if (next === -1) return null
      stars.push(path.slice(at, next))
      at = next + this.#literals[i]!.length
    }
    const end = path.length - this.#literals[last]!.length
    if (end < at || !path.endsWith(this.#literals[last]!)) return null
    stars.push(path.slice(at, end))
    return stars
  }
}

/** Text with `$1`, `$2`, … in it. */
export class Template {
  /** Literals and numbers of stars by turns, a literal first. */
  readonly #parts: readonly string[]

  constructor(text: string) {
    this.#parts = text.split(/\$(\d)/)
  }

  /** `write` is how what a star stood for is written. */
  fill(stars: readonly string[], write: (star: string) => string = (star) => star): string {
    return this.#parts.map((part, i) => (i % 2 === 0 ? part : write(stars[Number(part) - 1] ?? ''))).join('')
  }
}
