/**
 * "did you mean 'port'?": the known word nearest to a mistyped one.
 *
 * Pure. Distance is counted in single-letter slips, two swapped neighbours being
 * one slip (Damerau's optimal string alignment); case is ignored.
 */

/** The nearest candidate, or null when none is near enough to be what was meant. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > WORD_LENGTH_MAX) return null
  let best: string | null = null
  let bestSlips = Math.max(1, Math.floor(word.length / LETTERS_PER_SLIP)) + 1
  for (const candidate of candidates) {
    const slips = countSlips(word.toLowerCase(), candidate.toLowerCase())
    if (slips >= bestSlips) continue
    best = candidate
    bestSlips = slips
  }
  return best
}

/** "; did you mean 'port'?", or nothing. Meant to end a sentence. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = nearest(word, candidates)
  return found === null ? '' : `; did you mean '${found}'?`
}

/** The counting is quadratic; nobody mistypes a word this long. */
const WORD_LENGTH_MAX = 100
/** One slip for each so many letters is still taken for a typing mistake. */
const LETTERS_PER_SLIP = 3

function countSlips(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1]
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1))
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      if (swapped) row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1)
    }
    beforeLast = last
    last = row
  }
  return last[to.length]!
}
