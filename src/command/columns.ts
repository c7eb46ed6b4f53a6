/**
 * Columns of a table of workers in a terminal: those that there is room for, each
 * cell as wide as its column.
 */

export interface Sized {
  /** Negative: to the left. */
  readonly width: number
  /** The order in which columns are left out where there is no room; 0 stays. */
  readonly rank: number
}

/** Those that fit together, with a blank between two. */
export function columnsIn<Column extends Sized>(columns: readonly Column[], width: number): readonly Column[] {
  let fitting = columns
  for (let rank = 1; rank < columns.length && widthOf(fitting) > width; rank++)
    fitting = fitting.filter((column) => column.rank !== rank)
  return fitting
}

function widthOf(columns: readonly Sized[]): number {
  return columns.reduce((sum, { width }) => sum + Math.abs(width), columns.length - 1)
}

/** To the right; to the left where the width is negative. */
export function align(text: string, width: number): string {
  return width < 0 ? text.padEnd(-width) : text.padStart(width)
}
