/**
 * What is to be seen: what was told, and how whoever looks wants to see it. This
 * file holds no code.
 */
import type { Look } from './look.ts'
import type { Sort } from './workers.ts'

export interface View {
  readonly look: Look
  readonly sort: Sort
  readonly isPaused: boolean
  /** What there is to say beside the server's own words: that it does not answer, that it was reloaded. Null: nothing. */
  readonly notice: string | null
}

/** Of a terminal, in characters. */
export interface Size {
  readonly columns: number
  readonly rows: number
}
