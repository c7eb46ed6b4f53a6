/**
 * `errorPages`: the operator's own pages in place of the built-in ones.
 *
 * A page is a file beneath the same root, found by the same rules. It is sent
 * whole and with the status that it stands for: no conditions, no ranges, and an
 * error about an error page is the built-in page.
 *
 * Each is kept in memory, and looked at again once a second at most, and only
 * when it is needed: a flood of 404 costs no system call, and a page that was
 * changed is stale for a second at most. The memory is bounded by their number,
 * which is the operator's, and ERROR_PAGE_BYTES_MAX.
 */
import type { StaticOptions } from '../../config/options.ts'
import { normalizePath } from '../../http/target.ts'
import { errnoName } from '../../kernel/errno.ts'
import { close, type Fd } from '../../kernel/fd.ts'
import { fstat, Stat } from '../../kernel/file.ts'
import { allocate } from '../../kernel/memory.ts'
import type { Log } from '../../log.ts'
import type { Reply } from '../handler.ts'
import { FILE_FLAGS, type Root } from './open.ts'
import { readFully } from './read-fully.ts'
import { createTypes, type FileType } from './types.ts'

/** A larger page is not sent: it would be kept in the memory of every worker. */
export const ERROR_PAGE_BYTES_MAX = 1_048_576
/** How old the last look at a page may get. */
export const ERROR_PAGE_LOOKUP_MS = 1_000

/** Puts the operator's page into a reply of 400 or more, where there is one. */
export type ErrorPages = (reply: Reply) => Reply

/** Null without pages. `now` in milliseconds, never running back. */
export function createErrorPages(
  options: Pick<StaticOptions, 'errorPages' | 'types' | 'charset'>,
  root: Root,
  log: Pick<Log, 'warn'> | undefined,
  now: () => number = performance.now.bind(performance),
): ErrorPages | null {
  const pages = new Map<string, ErrorPage>()
  const typeOf = createTypes(options)
  for (const [status, path] of Object.entries(options.errorPages)) {
    pages.set(status, new ErrorPage(status, path, typeOf, root, log, now))
  }
  if (pages.size === 0) return null
  return (reply) => {
    const status = String(reply.status)
    const page = pages.get(status) ?? pages.get(`${status[0]}xx`)
    const bytes = page?.bytes() ?? null
    return bytes === null
      ? reply
      : { ...reply, fields: [...page!.fields, ...withoutContent(reply.fields)], body: bytes }
  }
}

/** What a reply says beside its content: Allow, Content-Range, Retry-After. */
function withoutContent(fields: readonly string[]): string[] {
  return fields.filter((_, at) => !OF_THE_CONTENT.has(fields[at & ~1]!.toLowerCase()))
}

const OF_THE_CONTENT = new Set(['content-type', 'x-content-type-options'])

class ErrorPage {
  readonly fields: readonly string[]
  readonly #says: string
  readonly #name: string
  readonly #root: Root
  readonly #log: Pick<Log, 'warn'> | undefined
  readonly #now: () => number
  /** As it was when it was read. */
  readonly #stat = new Stat()
  #bytes: Uint8Array | null = null
  #lookedAt = Number.NEGATIVE_INFINITY
  #isMissed = false

  constructor(
    status: string,
    path: string,
    typeOf: (name: string) => FileType,
    root: Root,
    log: Pick<Log, 'warn'> | undefined,
    now: () => number,
  ) {
    this.#name = (normalizePath(path) ?? '/').slice(1)
    const { type, coding } = typeOf(this.#name)
    const encoding = coding === null ? [] : ['Content-Encoding', coding]
    this.fields = ['Content-Type', type, ...encoding, 'X-Content-Type-Options', 'nosniff']
    this.#says = `the error page for ${status}, ${path},`
    this.#root = root
    this.#log = log
    this.#now = now
  }

  /** Null when it cannot be had. */
  bytes(): Uint8Array | null {
    if (this.#now() - this.#lookedAt >= ERROR_PAGE_LOOKUP_MS) this.#lookAgain()
    return this.#bytes
  }

  #lookAgain(): void {
    this.#lookedAt = this.#now()
    const fault = this.#read()
    if (fault !== null && !this.#isMissed) {
      this.#log?.warn(`${this.#says} ${fault}; the built-in page is sent in its place`)
    }
    this.#isMissed = fault !== null
    if (fault !== null) this.#bytes = null
  }

  /** What is wrong with it, or null. */
  #read(): string | null {
    const opened = this.#root.open(this.#name, FILE_FLAGS)
    if (opened < 0) return `cannot be read (${errnoName(-opened)})`
    const fd = opened as Fd
    try {
      const stat = fstat(fd)
      if (!stat.isFile) return 'is no file'
      if (stat.size > ERROR_PAGE_BYTES_MAX) return `is larger than ${ERROR_PAGE_BYTES_MAX} bytes`
      if (this.#bytes !== null && isSame(stat, this.#stat)) return null
      return this.#take(fd, stat)
    } finally {
      close(fd)
    }
  }

  #take(fd: Fd, stat: Stat): string | null {
    const memory = allocate(stat.size)
    const got = readFully(fd, memory, 0, stat.size, 0)
    if (got < 0) return `cannot be read (${errnoName(-got)})`
    if (got < stat.size) return 'is being rewritten'
    this.#bytes = memory.bytes
    Object.assign(this.#stat, stat)
    return null
  }
}

function isSame(a: Stat, b: Stat): boolean {
  return (
    a.size === b.size &&
    a.mtimeNanoseconds === b.mtimeNanoseconds &&
    a.mtimeSeconds === b.mtimeSeconds &&
    a.ino === b.ino &&
    a.dev === b.dev
  )
}
