/**
 * The routes of one host, and which of them a path leads to.
 *
 *     plain path   compared as it is, from the top
 *     any other    read in every way in which somebody may read it (paths.ts)
 *
 * Of those ways, the one by which files are named counts. Readers who see slashes
 * where it sees none ('%2f', '\') must be led to the same route, or the request is
 * refused. Readers who see other segments ('//', and what '..' undoes there) are
 * given, where they would be led elsewhere, the path written anew, which leaves
 * them no choice.
 */
import { normalizePath } from '../../http/target.ts'
import { encodePath, isPlain, meantPath, pathAsUrl, pathsWithOtherSlashes, withSingleSlashes } from './paths.ts'
import type { Pattern, Template } from './pattern.ts'

/** What is known of a route here. */
export interface Routed {
  readonly pattern: Pattern
  readonly rewrite: Template | null
  /** False: it only rewrites, and the routes below are asked. */
  readonly isLast: boolean
}

/** Several rewrites could make a path longer and longer; this is four times what `limits.targetBytes` allows by default. */
const PATH_CHARS_MAX = 32_768

export class HostRoutes<Route extends Routed> {
  readonly #routes: readonly Route[]
  /** Of the route found last, read before the next one is looked for: the path its routes made of the one that was meant; null: that. */
  #rewritten: string | null = null
  /** The path meant; null: the one that was sent. */
  #meant: string | null = null
  /** What the handler is to be asked for in place of the path that was sent; null: that. */
  given: string | null = null
  /** A rewrite has made a path that ends with a slash of one that lacks it: '/docs', for '/docs/*', has become '/'. */
  lacksSlash = false

  /** The last of `routes` fits every path. */
  constructor(routes: readonly Route[]) {
    this.#routes = routes
  }

  /** The path that the route found last is about: what was meant by `raw`, rewritten where routes say so. */
  pathOf(raw: string): string {
    return this.#rewritten ?? this.#meant ?? raw
  }

  /** Null: a path that names nothing, or not the same to everybody. */
  find(raw: string): Route | null {
    if (!isPlain(raw)) return this.#findOdd(raw)
    this.#meant = null
    const route = this.#walk(raw)
    this.given = this.#rewritten === null ? null : encodePath(this.#rewritten)
    return route
  }

  #findOdd(raw: string): Route | null {
    const meant = meantPath(raw)
    if (meant === null) return null
    const route = this.#walk(meant)
    if (route === null) return null
    const rewritten = this.#rewritten
    const { lacksSlash } = this
    const isAsSent = this.#isReadAlike(raw, route)
    if (isAsSent === null) return null
    this.#meant = meant
    this.#rewritten = rewritten
    this.lacksSlash = lacksSlash
    this.given = rewritten !== null || !isAsSent ? encodePath(rewritten ?? meant) : null
    return route
  }

  /** Null: no. False: only if it is written anew. */
  #isReadAlike(raw: string, route: Route): boolean | null {
    if (!pathsWithOtherSlashes(raw).every((path) => this.#leadsTo(route, path))) return null
    return this.#leadsTo(route, pathAsUrl(raw))
  }

  /** Also for a reader to whom several slashes are one. */
  #leadsTo(route: Route, path: string | null): boolean {
    return path !== null && this.#walk(path) === route && this.#walk(withSingleSlashes(path)) === route
  }

  /** From the top; a rewrite goes on below, so there is an end to it. */
  #walk(path: string): Route | null {
    this.#rewritten = null
    this.lacksSlash = false
    for (const route of this.#routes) {
      const present = this.#rewritten ?? path
      if (!route.pattern.fits(present)) continue
      if (route.rewrite !== null && !this.#rewrite(present, route.pattern, route.rewrite)) return null
      if (route.isLast) return route
    }
    return null
  }

  #rewrite(present: string, pattern: Pattern, template: Template): boolean {
    const path = meantAgain(template.fill(pattern.stars(present)!))
    if (path === null) return false
    this.lacksSlash = path.endsWith('/') && pattern.lacksSlash(present)
    this.#rewritten = path
    return true
  }
}

/** What stars stood for may meet in ways that make a '//' or a dot segment. */
function meantAgain(path: string): string | null {
  if (path.length > PATH_CHARS_MAX) return null
  return normalizePath(path)
}
