/**
 * How a process is explained, as it is told to a child: one word of its command
 * line, which nobody inherits by accident, as they would a variable of the
 * environment.
 */

/** One process, and how its calls are told. */
export interface Mode {
  /** Who it is: `supervisor`, `preloader`, `worker 0`. */
  readonly name: string
  /** Every call, and not only those that tell the story. */
  readonly isAll: boolean
  readonly look: Look
}

export interface Look {
  /** How wide the terminal is, in characters; null where nobody looks at one. */
  readonly columns: number | null
  readonly hasColours: boolean
}

export function wordOf(mode: Mode): string {
  return JSON.stringify(mode)
}

export function modeOf(word: string): Mode {
  return JSON.parse(word) as Mode
}

/** What a reader of stdout sees: https://no-color.org has the variable. */
export function lookOf(stdout: { readonly isTTY?: boolean; readonly columns?: number }, env: NodeJS.ProcessEnv): Look {
  if (stdout.isTTY !== true) return { columns: null, hasColours: false }
  return { columns: stdout.columns ?? COLUMNS_USUAL, hasColours: (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb' }
}

const COLUMNS_USUAL = 80
