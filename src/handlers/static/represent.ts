/**
 * What is said of a file that was found: the answer to GET and HEAD.
 *
 *     Accept-Encoding        which representation (negotiation.ts), RFC 9110 §12.5.3;
 *                            406 where none will do, §15.5.7
 *     conditions             304 or 412, RFC 9110 §13
 *     HEAD                   what GET would say; the file is read where only that tells
 *     GET                    from memory; or content.ts: the whole or parts of it;
 *                            or compression.ts
 *
 * Asked without an open file, it answers from memory or not at all.
 */
import type { StaticOptions } from '../../config/options.ts'
import { evaluateConditions } from '../../http/conditional.ts'
import type { RequestHead } from '../../http/head.ts'
import { fstat } from '../../kernel/file.ts'
import type { Reply } from '../handler.ts'
import { errorReply } from '../pages.ts'
import { Compression } from './compression.ts'
import { content, readToKeep, type Source } from './content.ts'
import type { KnownFile } from './known-file.ts'
import type { KnownFiles } from './known-files.ts'
import { Negotiation } from './negotiation.ts'
import type { Root } from './open.ts'
import type { OpenFile } from './open-file.ts'
import { CompressedRepresentation, type FileRepresentation, VARY } from './representation.ts'
import { Siblings } from './siblings.ts'
import { isSameVersion, isSettled } from './version.ts'

/** Larger files are not kept as they are: sendfile(2) costs less than the copy through the process. */
const KEPT_BYTES_MAX = 65_536
/** A sibling may be exchanged between being chosen and being opened; not again and again. */
const SIBLING_ATTEMPTS = 3

/** To a client that takes nothing but what would have to be compressed, with enough of that under way. RFC 9110 §15.6.4. */
const BUSY = errorReply(503, undefined, ['Retry-After', '1', ...VARY])

export class Representer {
  readonly #known: KnownFiles
  readonly #siblings: Siblings
  readonly #negotiation: Negotiation
  readonly #compression: Compression
  readonly #atOnceBytesMax: number
  readonly #keptBytesMax: number

  constructor(options: StaticOptions, root: Root, known: KnownFiles) {
    this.#known = known
    this.#siblings = new Siblings(root, known)
    this.#negotiation = new Negotiation(options, this.#siblings)
    this.#compression = new Compression(options.compressionsMax)
    this.#atOnceBytesMax = options.cacheFileBytesMax
    this.#keptBytesMax = Math.min(options.cacheFileBytesMax, KEPT_BYTES_MAX)
  }

  /** From memory; null when the file must be opened for it. */
  fromMemory(head: RequestHead, file: KnownFile, nowMs: number): Reply | Promise<Reply> | null {
    return this.#answer(head, file, null, nowMs)
  }

  /** The open file stays the caller's to release. */
  fromFile(head: RequestHead, file: KnownFile, opened: OpenFile, nowMs: number): Reply | Promise<Reply> {
    return this.#answer(head, file, opened, nowMs)!
  }

  #answer(head: RequestHead, file: KnownFile, opened: OpenFile | null, nowMs: number): Reply | Promise<Reply> | null {
    for (let attempt = 0; attempt < SIBLING_ATTEMPTS; attempt++) {
      const chosen = this.#negotiation.choose(head, file, nowMs)
      if (chosen === null) return errorReply(406, undefined, VARY)
      const verdict = evaluateConditions(head.method, head, chosen)
      if (verdict === 'failed') return errorReply(412)
      if (verdict === 'not-modified') return chosen.notModified
      if (chosen instanceof CompressedRepresentation) return this.#compressed(head, file, chosen, opened)
      if (head.method === 'HEAD') return chosen.toHead()
      if (chosen === file.identity) return this.#content(head, file, file.identity, opened)
      const reply = this.#sibling(head, file, chosen)
      if (reply !== null) return reply
    }
    return errorReply(503)
  }

  #content(head: RequestHead, file: KnownFile, chosen: FileRepresentation, opened: OpenFile | null): Reply | null {
    const kept = chosen.bytes ?? (opened === null ? null : this.#keep(file, chosen, opened))
    if (kept !== null && chosen.whole !== null && head.field('range') === null) return chosen.whole
    const source: Source | null = kept ?? opened
    return source === null ? null : content(head, chosen, source)
  }

  /** What is asked for a second time is read into memory that it keeps, if it is small. Else null. */
  #keep(file: KnownFile, chosen: FileRepresentation, opened: OpenFile): Uint8Array | null {
    const { size, version } = chosen
    if (!file.isUsed || size > this.#keptBytesMax || !isSettled(version, Date.now())) return null
    const bytes = readToKeep(opened.fd, size)
    if (bytes === null || !isSameVersion(fstat(opened.fd), version)) return null // it is being written
    chosen.keep(bytes)
    this.#known.weigh(file)
    return bytes
  }

  /** Null when it is not there any more as it was chosen. */
  #sibling(head: RequestHead, file: KnownFile, chosen: FileRepresentation): Reply | null {
    if (chosen.bytes !== null) return this.#content(head, file, chosen, null)
    const opened = this.#siblings.open(file, chosen)
    if (opened === null) return null
    try {
      return this.#content(head, file, chosen, opened)
    } finally {
      opened.release()
    }
  }

  #compressed(
    head: RequestHead,
    file: KnownFile,
    chosen: CompressedRepresentation,
    opened: OpenFile | null,
  ): Reply | Promise<Reply> | null {
    const made = chosen.whole ?? chosen.pending
    if (made !== null || opened === null) return made
    const { size } = file.identity
    const isSmall = size <= this.#atOnceBytesMax
    if (!(isSmall ? this.#compression.hasRoomAtOnce : this.#compression.hasRoomForStream)) {
      if (!this.#negotiation.takesIdentity(head)) return BUSY
      return head.method === 'HEAD' ? file.identity.toHead() : this.#content(head, file, file.identity, opened)
    }
    // For HEAD as well: whether it becomes smaller, and to which length, only shows when it is done. It is kept for the GET.
    if (isSmall) return this.#compressAtOnce(file, chosen, opened)
    if (head.method === 'HEAD') return chosen.toHead()
    const stream = this.#compression.stream(opened, size, chosen.coding)
    return { status: 200, fields: chosen.fields, body: { kind: 'stream', stream } }
  }

  #compressAtOnce(file: KnownFile, chosen: CompressedRepresentation, opened: OpenFile): Promise<Reply> {
    const { identity } = file
    const mayKeep = file.isSettled
    opened.hold()
    chosen.pending = this.#compression
      .atOnce(opened, identity.size, chosen.coding)
      .then((made) => {
        if (made === null) return errorReply(503) // as in content.ts
        const { plain, compressed } = made
        chosen.isPointless = compressed.length >= plain.length
        if (chosen.isPointless) return { status: 200, fields: identity.fields, body: plain }
        if (!mayKeep || !isSameVersion(fstat(opened.fd), identity.version)) {
          return { status: 200, fields: chosen.fields, body: compressed }
        }
        const reply = chosen.keep(compressed)
        this.#known.weigh(file)
        return reply
      })
      .finally(() => {
        chosen.pending = null
        opened.release()
      })
    return chosen.pending
  }
}
