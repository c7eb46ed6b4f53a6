/**
 * What a histogram tells of its quantiles: in which bucket one lies, and so below
 * which bound. More it does not know, and more is not claimed. Pure.
 */
import type { HistogramCounts } from './document.ts'

/** The upper bound in seconds of the bucket that holds it; Infinity above the last; null when nothing was measured. */
export function quantileBound({ bounds, counts }: HistogramCounts, quantile: number): number | null {
  const total = counts.reduce((sum, it) => sum + it, 0)
  if (total === 0) return null
  let seen = 0
  for (const [i, inBucket] of counts.entries()) {
    seen += inBucket
    if (seen >= quantile * total) return bounds[i] ?? Number.POSITIVE_INFINITY
  }
  return Number.POSITIVE_INFINITY
}

/** What was measured between two readings. Of another server, or of none, all of it. */
export function countedSince(before: HistogramCounts | null, now: HistogramCounts): HistogramCounts {
  if (before === null || before.counts.some((it, i) => it > now.counts[i]!)) return now
  return { ...now, counts: now.counts.map((it, i) => it - before.counts[i]!), sum: now.sum - before.sum }
}
