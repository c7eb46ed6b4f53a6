/**
 * Files compressed beforehand, that lie beside their originals: `app.js.br`,
 * `app.js.zst`, `app.js.gz`.
 *
 * They are opened by the same rules as all others (open.ts). One whose content is
 * older than its original's was made of another content: it counts as not there.
 * That there is none is remembered as long as that there is one.
 */
import type { Coding } from '../../http/accept-encoding.ts'
import { close, type Fd } from '../../kernel/fd.ts'
import { fstat, Stat } from '../../kernel/file.ts'
import type { KnownFile } from './known-file.ts'
import type { KnownFiles } from './known-files.ts'
import { FILE_FLAGS, type Root } from './open.ts'
import { OpenFile } from './open-file.ts'
import { FileRepresentation } from './representation.ts'
import { isOlder, isSameVersion, isSettled } from './version.ts'

const SUFFIXES: Readonly<Record<Coding, string>> = { br: '.br', zstd: '.zst', gzip: '.gz' }

export class Siblings {
  readonly #root: Root
  readonly #known: KnownFiles
  readonly #stat = new Stat()

  constructor(root: Root, known: KnownFiles) {
    this.#root = root
    this.#known = known
  }

  /** The sibling of this coding, or null. Looks only when that was long ago, by a clock of `nowMs`. */
  find(file: KnownFile, coding: Coding, nowMs: number): FileRepresentation | null {
    const sibling = file.siblings.get(coding)
    if (sibling !== undefined && this.#known.isRecent(sibling.lookedAtMs, nowMs)) return sibling.representation
    const fd = this.#open(file.name + SUFFIXES[coding])
    if (fd !== null) close(fd)
    return this.#note(file, coding, fd === null ? null : this.#stat, nowMs)
  }

  /** The file of a sibling that was found, to be released by the caller. Null when it has changed since; then find it anew. */
  open(file: KnownFile, sibling: FileRepresentation): OpenFile | null {
    const fd = this.#open(sibling.name)
    if (fd !== null && isSameVersion(this.#stat, sibling.version)) return new OpenFile(fd, sibling.name)
    if (fd !== null) close(fd)
    file.siblings.delete(sibling.coding!)
    return null
  }

  #note(file: KnownFile, coding: Coding, stat: Stat | null, nowMs: number): FileRepresentation | null {
    const known = file.siblings.get(coding)?.representation ?? null
    const representation = this.#representationOf(file, coding, stat, known)
    // One that has only just changed is looked at again at the next request.
    const lookedAtMs = stat === null || isSettled(stat, Date.now()) ? nowMs : Number.NEGATIVE_INFINITY
    file.siblings.set(coding, { representation, lookedAtMs })
    if (representation !== known) this.#known.weigh(file)
    return representation
  }

  #representationOf(
    file: KnownFile,
    coding: Coding,
    stat: Stat | null,
    known: FileRepresentation | null,
  ): FileRepresentation | null {
    if (stat === null || isOlder(stat, file.identity.version)) return null
    const wallMs = Date.now()
    if (known !== null && isSameVersion(stat, known.version) && known.etag.startsWith('"')) return known
    return new FileRepresentation(file.name + SUFFIXES[coding], coding, stat, file.said, wallMs)
  }

  /** Open, and its facts in `#stat`; null when it is not there, no file, or cannot be had: then there is the original. */
  #open(name: string): Fd | null {
    const opened = this.#root.open(name, FILE_FLAGS)
    if (opened < 0) return null
    const fd = opened as Fd
    let isKept = false
    try {
      isKept = fstat(fd, this.#stat).isFile
      return isKept ? fd : null
    } finally {
      if (!isKept) close(fd)
    }
  }
}
