/**
 * What is said of a file with every answer: its type, its validators, the fields
 * of its head. Made once per file and version, kept for the next request.
 *
 * Holds no descriptor and no content, and decides nothing by age: each request
 * opens the file and looks at it (fstat), and what was kept counts only while
 * length and time of change are the same. So nothing stale is ever told.
 */
import type { Validators } from '../../http/conditional.ts'
import { httpDate } from '../../http/date.ts'
import type { Stat } from '../../kernel/file.ts'
import { contentTypeOf } from './types.ts'

/** Files remembered; past that, the one remembered longest is forgotten. */
export const KNOWN_FILES_MAX = 1_024
/** Longer paths are not remembered: they cost memory, and hardly anybody asks for them twice. */
const KNOWN_PATH_CHARS_MAX = 256

export class KnownFile implements Validators {
  /** Beneath the root, without a slash in front. */
  readonly name: string
  size = -1
  etag = ''
  lastModifiedMs = 0
  /** The fields of a 200. Replaced, never changed: replies share the array. */
  fields: readonly string[] = []
  readonly #type: string
  #mtimeSeconds = -1
  #mtimeNanoseconds = -1

  constructor(name: string) {
    this.name = name
    this.#type = contentTypeOf(name)
  }

  /** Takes in what fstat says now. */
  update(stat: Stat): void {
    if (
      stat.size === this.size &&
      stat.mtimeNanoseconds === this.#mtimeNanoseconds &&
      stat.mtimeSeconds === this.#mtimeSeconds
    ) {
      return
    }
    this.size = stat.size
    this.#mtimeSeconds = stat.mtimeSeconds
    this.#mtimeNanoseconds = stat.mtimeNanoseconds
    // A Last-Modified later than Date MUST NOT be sent; the present stands in for it, RFC 9110 §8.8.2.1.
    this.lastModifiedMs = Math.min(stat.mtimeSeconds * 1_000, Date.now())
    this.etag = entityTag(stat)
    this.fields = [
      'Content-Type',
      this.#type,
      'X-Content-Type-Options',
      'nosniff',
      'Last-Modified',
      httpDate(this.lastModifiedMs),
      'ETag',
      this.etag,
      'Accept-Ranges',
      'bytes',
    ]
  }
}

/**
 * A strong entity-tag (RFC 9110 §8.8.3): time of last change to the nanosecond,
 * and length. Without the inode: copies of one site on several machines behind
 * one address must agree, and rsync, tar and container images keep times but
 * not inodes. What it cannot tell apart is two contents of the same length
 * written within one tick of the kernel's file clock (4 ms at most).
 */
function entityTag(stat: Stat): string {
  return `"${stat.mtimeSeconds.toString(16)}.${stat.mtimeNanoseconds.toString(16)}-${stat.size.toString(16)}"`
}

/** Files by the path clients ask with, so that a known path is neither decoded nor taken apart again. */
export class KnownFiles {
  readonly #byPath = new Map<string, KnownFile>()

  get count(): number {
    return this.#byPath.size
  }

  find(rawPath: string): KnownFile | undefined {
    return this.#byPath.get(rawPath)
  }

  /** Only for files that exist, or strangers could fill the memory with names. */
  keep(rawPath: string, file: KnownFile): void {
    if (rawPath.length > KNOWN_PATH_CHARS_MAX || this.#byPath.has(rawPath)) return
    if (this.#byPath.size >= KNOWN_FILES_MAX) this.#forgetOldest()
    this.#byPath.set(ownCopy(rawPath), file)
  }

  #forgetOldest(): void {
    for (const oldest of this.#byPath.keys()) {
      this.#byPath.delete(oldest)
      return
    }
  }
}

/** A slice of a request's head would keep the whole head in memory. */
function ownCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
