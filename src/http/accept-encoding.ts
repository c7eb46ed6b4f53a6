/**
 * Accept-Encoding, RFC 9110 §12.5.3: in which content codings a client takes a representation.
 *
 *     Accept-Encoding: br, gzip;q=0.8, identity;q=0.5, *;q=0
 *
 * What is asked of it here: which of the codings that the server has the client would rather have than no coding at all,
 * and whether it takes the latter.
 */
import { weightOf } from './accept.ts'

/** Content codings, RFC 9110 §8.4.1, RFC 7932 (br), RFC 8878 (zstd). */
export type Coding = 'br' | 'zstd' | 'gzip'

export interface CodingWishes {
  /** At least as welcome as no coding; the most welcome first. */
  readonly codings: readonly Coding[]
  /** No coding will do, too: with `codings` empty, it is what is wanted. */
  readonly takesIdentity: boolean
}

/**
 * What a field says of the codings that the server has, which are in its own order: that decides between equals. A
 * client that says nothing takes anything (§12.5.3), and is best served without a coding: it may never have heard of any.
 */
export function codingWishesOf(field: string | null, has: readonly Coding[]): CodingWishes {
  if (field === null) return PLAIN
  const weights = readWeights(field)
  const identity = weights.get('identity') ?? weights.get('*')
  const codings = has
    .map((coding) => ({ coding, weight: weights.get(coding) ?? weights.get('*') ?? 0 }))
    .filter(({ weight }) => weight > 0 && weight >= (identity ?? 0))
    .toSorted((a, b) => b.weight - a.weight) // stable: equals stay in the server's order
    .map(({ coding }) => coding)
  return { codings, takesIdentity: identity !== 0 }
}

const PLAIN: CodingWishes = { codings: [], takesIdentity: true }

/**
 * By lower-case coding; '*' is what is not listed. Of one that is listed twice, the last counts. A weight that cannot be
 * read is 0 for a coding; of '*' and 'identity' nothing is known then: no coding at all is what every client takes.
 */
function readWeights(field: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const element of field.toLowerCase().split(',')) {
    const [coding = '', ...parameters] = element.split(';').map((part) => part.trim())
    const weight = weightOf(parameters)
    if (coding === '' || (weight === null && (coding === '*' || coding === 'identity'))) continue
    weights.set(coding === 'x-gzip' ? 'gzip' : coding, weight ?? 0) // one and the same, §8.4.1.3
  }
  return weights
}
