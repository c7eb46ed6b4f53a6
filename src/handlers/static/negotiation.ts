/**
 * Which representation of a file a client is sent, by its Accept-Encoding (RFC 9110
 * §12.5.3):
 *
 *     compressed beforehand      a sibling, in the coding the client likes best
 *     compressed here            the same, where there is no sibling
 *     as it is                   unless the client refuses that: then 406
 *
 * What lies ready goes first, whichever coding the client would like a little
 * better: it costs nothing, and has a length, ranges and a strong tag.
 *
 * For files that do not become smaller there is no choice, and the field is
 * disregarded, as §12.4.1 allows.
 */
import type { StaticOptions } from '../../config/options.ts'
import { type Coding, type CodingWishes, codingWishesOf } from '../../http/accept-encoding.ts'
import type { RequestHead } from '../../http/head.ts'
import { ownCopy } from '../own-copy.ts'
import { codecOf } from './codecs.ts'
import type { KnownFile } from './known-file.ts'
import type { CompressedRepresentation, FileRepresentation } from './representation.ts'
import type { Siblings } from './siblings.ts'

/** What siblings may be, the smallest first. */
const ALL: readonly Coding[] = ['br', 'zstd', 'gzip']
/** Browsers send one of a few values. So many are remembered, then all forgotten; longer ones are read each time. */
const VALUES_MAX = 64
const VALUE_CHARS_MAX = 128

export class Negotiation {
  readonly #siblings: Siblings | null
  readonly #codings: readonly Coding[]
  readonly #compress: readonly Coding[]
  readonly #compressMinBytes: number
  readonly #wishes = new Map<string, CodingWishes>()

  constructor(options: StaticOptions, siblings: Siblings) {
    this.#siblings = options.precompressed ? siblings : null
    const asked = listed(options.compress)
    this.#compress = asked.filter((coding) => codecOf(coding) !== null)
    this.#codings = [...asked, ...ALL.filter((coding) => !asked.includes(coding))]
    this.#compressMinBytes = options.compressMinBytes
  }

  /** Null when nothing there is will do for the client. */
  choose(head: RequestHead, file: KnownFile, nowMs: number): FileRepresentation | CompressedRepresentation | null {
    if (!file.said.varies) return file.identity
    const { codings, takesIdentity } = this.#wishesOf(head)
    return (
      this.#chooseSibling(file, codings, nowMs) ??
      this.#chooseCompressed(head, file, codings, takesIdentity) ??
      (takesIdentity ? file.identity : null)
    )
  }

  /** Whether the client would have the file as it is, too. */
  takesIdentity(head: RequestHead): boolean {
    return this.#wishesOf(head).takesIdentity
  }

  #chooseSibling(file: KnownFile, codings: readonly Coding[], nowMs: number): FileRepresentation | null {
    if (this.#siblings === null) return null
    for (const coding of codings) {
      const sibling = this.#siblings.find(file, coding, nowMs)
      if (sibling !== null) return sibling
    }
    return null
  }

  /** Not for ranges: their places are those of bytes that nobody knows before all are compressed. */
  #chooseCompressed(
    head: RequestHead,
    file: KnownFile,
    codings: readonly Coding[],
    takesIdentity: boolean,
  ): CompressedRepresentation | null {
    const { size } = file.identity
    if (size === 0) return null
    // But rather that than nothing at all.
    if (takesIdentity && (size < this.#compressMinBytes || asksForRanges(head))) return null
    for (const coding of codings) {
      if (!this.#compress.includes(coding)) continue
      const compressed = file.compressed(coding)
      if (!compressed.isPointless) return compressed
    }
    return null
  }

  #wishesOf(head: RequestHead): CodingWishes {
    const field = head.field('accept-encoding')
    const known = this.#wishes.get(field ?? '')
    if (known !== undefined) return known
    const wishes = codingWishesOf(field, this.#codings)
    if (field !== null && field.length > VALUE_CHARS_MAX) return wishes
    if (this.#wishes.size === VALUES_MAX) this.#wishes.clear()
    this.#wishes.set(ownCopy(field ?? ''), wishes)
    return wishes
  }
}

/** Range is for GET alone, RFC 9110 §14.2. */
function asksForRanges(head: RequestHead): boolean {
  return head.method === 'GET' && head.field('range') !== null
}

/** Whether representations of compressible files depend on the client, so that answers say Vary. */
export function negotiates(options: Pick<StaticOptions, 'precompressed' | 'compress'>): boolean {
  return options.precompressed || listed(options.compress).length > 0
}

/** Checked before: table.ts. */
function listed(codings: string | readonly string[]): readonly Coding[] {
  return (typeof codings === 'string' ? [codings] : codings) as readonly Coding[]
}
