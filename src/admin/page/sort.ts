/**
 * The order of a table's rows. What is not known comes last, whichever way. Pure.
 */

export type SortValue = number | string | null
export type Direction = 'ascending' | 'descending'

export function sorted<T>(rows: readonly T[], keyOf: (row: T) => SortValue, direction: Direction): T[] {
  const sign = direction === 'ascending' ? 1 : -1
  return rows
    .map((row) => ({ row, value: keyOf(row) }))
    .sort((a, b) => {
      if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null)
      return sign * compared(a.value, b.value)
    })
    .map(({ row }) => row)
}

function compared(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return NATURAL.compare(String(a), String(b))
}

/** Made once: addresses compare by their numbers. */
const NATURAL = new Intl.Collator('en', { numeric: true })
