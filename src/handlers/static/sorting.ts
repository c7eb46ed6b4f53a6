/**
 * The order of a listing: `?sort=name|size|time&order=asc|desc`.
 */
import type { Entry } from './read-folder.ts'

export type SortKey = 'name' | 'size' | 'time'
export type SortOrder = 'asc' | 'desc'

export interface Sorting {
  readonly key: SortKey
  readonly order: SortOrder
}

/** What a query asks for. What it says otherwise is not understood, and no error. */
export function sortingOf(query: string): Sorting {
  const asked = new URLSearchParams(query)
  const [sort, order] = [asked.get('sort'), asked.get('order')]
  const key = sort === 'size' || sort === 'time' ? sort : 'name'
  return { key, order: order === 'asc' || order === 'desc' ? order : FIRST_ORDER[key] }
}

/** The query that asks for it; '' for the order that needs no asking. */
export function queryOf({ key, order }: Sorting): string {
  return key === 'name' && order === 'asc' ? '' : `?sort=${key}&order=${order}`
}

/** Where a link in a column's heading leads: to the other order of the column that is sorted, to the first of another. */
export function sortingBy(key: SortKey, now: Sorting): Sorting {
  if (key !== now.key) return { key, order: FIRST_ORDER[key] }
  return { key, order: now.order === 'asc' ? 'desc' : 'asc' }
}

/** What one looks for first: the largest, the newest. */
const FIRST_ORDER: Readonly<Record<SortKey, SortOrder>> = { name: 'asc', size: 'desc', time: 'desc' }

/** Folders first; what is alike by size or time, by name. */
export function comparatorOf({ key, order }: Sorting): (a: Entry, b: Entry) => number {
  const sign = order === 'asc' ? 1 : -1
  return (a, b) => {
    if (a.isFolder !== b.isFolder) return a.isFolder ? -1 : 1
    return sign * differenceOf(key, a, b) || compareNames(a, b) * (key === 'name' ? sign : 1)
  }
}

function differenceOf(key: SortKey, a: Entry, b: Entry): number {
  if (key === 'size') return a.size - b.size
  return key === 'time' ? a.mtimeMs - b.mtimeMs : 0
}

/** Letters as people order them, digits by their number: a2 before a10. */
const collator = new Intl.Collator('en', { numeric: true })

/** Names that are alike to the collator, as `a1` and `a01`, are told apart by their code units: every order is one order. */
function compareNames(a: Entry, b: Entry): number {
  return collator.compare(a.name, b.name) || (a.name < b.name ? -1 : 1)
}
