/**
 * From the path of a request to an open file, or to what stands in its place.
 *
 *     path → name            names.ts
 *     openat2                open.ts: beneath the root or not at all
 *     fstat                  a regular file, a folder, or neither
 *
 * Does not look at conditions, ranges or content: that is represent.ts. A file
 * found here is open; whoever asked for it closes it.
 */
import { EMFILE, ENFILE, errnoName } from '../../kernel/errno.ts'
import { close, type Fd } from '../../kernel/fd.ts'
import { fstat, Stat } from '../../kernel/file.ts'
import type { Log } from '../../log.ts'
import { meantPath, nameOf } from './names.ts'
import { Root, statusOfOpenError } from './open.ts'

/** A regular file, open for reading. Its finder's next look fills `stat` anew. */
export interface OpenedFile {
  readonly kind: 'file'
  /** Beneath the root, without a slash in front. */
  readonly name: string
  readonly fd: Fd
  readonly stat: Stat
}

/** A folder that was asked for without its slash. */
export interface FoundFolder {
  readonly kind: 'folder'
  /** The path meant: decoded, and without the slash. */
  readonly path: string
}

/** A number is the status of a refusal. */
export type Found = OpenedFile | FoundFolder | number

const WARN_EVERY_MS = 1_000

export class Finder {
  readonly #root: Root
  readonly #index: string
  readonly #log: Pick<Log, 'warn'> | undefined
  /** Filled again for each request: nothing is awaited between filling and reading it. */
  readonly #stat = new Stat()
  #warnedAt = Number.NEGATIVE_INFINITY

  /** Throws a SyscallError when the root cannot be opened. */
  constructor(root: string, index: string, log: Pick<Log, 'warn'> | undefined) {
    this.#root = new Root(root)
    this.#index = index
    this.#log = log
  }

  close(): void {
    this.#root.close()
  }

  /** What `rawPath`, as the client sent it, leads to. */
  find(rawPath: string): Found {
    const path = meantPath(rawPath)
    return typeof path === 'number' ? path : this.open(nameOf(path, this.#index), rawPath)
  }

  /** The same for a path whose name is known from before. */
  open(name: string, rawPath: string): Found {
    const opened = this.#root.open(name)
    if (opened < 0) return this.#notOpened(-opened, name)
    const fd = opened as Fd
    let isFile = false
    try {
      const stat = fstat(fd, this.#stat)
      isFile = stat.isFile
      if (isFile) return { kind: 'file', name, fd, stat }
      return stat.isDirectory ? folderAt(rawPath) : 404
    } finally {
      if (!isFile) close(fd)
    }
  }

  #notOpened(errno: number, name: string): number {
    if (errno === EMFILE || errno === ENFILE) this.#warnOfExhaustion(errno)
    return statusOfOpenError(errno, name)
  }

  #warnOfExhaustion(errno: number): void {
    const now = performance.now()
    if (now - this.#warnedAt < WARN_EVERY_MS) return
    this.#warnedAt = now
    this.#log?.warn(
      `no descriptor left to open files with (${errnoName(errno)}); answering 503. Raise the limit: ulimit -n`,
    )
  }
}

/** `/folder` is answered 301 to `/folder/`, or relative links in its index would lead astray. */
function folderAt(rawPath: string): FoundFolder | 404 {
  const path = meantPath(rawPath)
  // With its slash, the folder was already answered with its index: and that is a folder too.
  if (typeof path === 'number' || path.endsWith('/')) return 404
  return { kind: 'folder', path }
}
