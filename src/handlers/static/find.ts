/**
 * From the path of a request to an open file, or to what stands in its place.
 *
 *     path                   names.ts: decoded, one for all ways to write it
 *     → paths to try         itself, or what tryFiles and cleanUrls say (candidates.ts)
 *     openat2                open.ts: beneath the root or not at all
 *     fstat                  a regular file, a folder, or neither
 *
 * The first that is there is taken. Only what is not there, 404, leads to the
 * next: a file that may not be read is 403, whatever else could stand in for it.
 *
 * Does not look at conditions, ranges or content: that is represent.ts. What is
 * found here is open; whoever asked for it closes it.
 */
import type { HiddenRule, StaticOptions } from '../../config/options.ts'
import { EMFILE, ENFILE, errnoName } from '../../kernel/errno.ts'
import { close, type Fd } from '../../kernel/fd.ts'
import { fstat, Stat } from '../../kernel/file.ts'
import type { Log } from '../../log.ts'
import {
  addressOfFolder,
  type Candidate,
  CLEAN_URLS,
  isFixed,
  type PathCandidate,
  pathToTry,
  readCandidates,
} from './candidates.ts'
import { cleanPathOf, meantPath, refusalBesideSlashes, says } from './names.ts'
import { FILE_FLAGS, FOLDER_FLAGS, LOOK_FLAGS, type Root, statusOfOpenError } from './open.ts'

/** A regular file, open for reading. Its finder's next look fills `stat` anew. */
export interface OpenedFile {
  readonly kind: 'file'
  /** Beneath the root, without a slash in front. */
  readonly name: string
  readonly fd: Fd
  readonly stat: Stat
  /**
   * The path's own file, the first that was looked for: as long as it is there,
   * the path leads to it. False: others were looked for before it and may come to
   * be, so the path must be looked up anew.
   */
  readonly isOwn: boolean
}

/** A folder to be listed, open for reading. */
export interface OpenedFolder {
  readonly kind: 'folder'
  /** Beneath the root, '' or with a slash at its end. */
  readonly name: string
  /** The path by which it is asked for, decoded; it ends with a slash. */
  readonly path: string
  readonly fd: Fd
}

/** What was asked for has another path: a folder's own ends with a slash, a clean one without `.html`. */
export interface Elsewhere {
  readonly kind: 'elsewhere'
  /** Decoded. */
  readonly path: string
}

/** A number is the status of a refusal. */
export type Found = OpenedFile | OpenedFolder | Elsewhere | number

const WARN_EVERY_MS = 1_000

export class Finder {
  readonly #root: Root
  readonly #index: readonly string[]
  /** Null: the path itself and nothing else. */
  readonly #candidates: readonly Candidate[] | null
  /** Those of tryFiles that are the same for every path; null without tryFiles. */
  readonly #fixed: readonly Candidate[] | null
  readonly #isClean: boolean
  readonly #isListing: boolean
  readonly #hidden: HiddenRule
  readonly #log: Pick<Log, 'warn'> | undefined
  /** Filled again for each file: nothing is awaited between filling and reading it. */
  readonly #stat = new Stat()
  #warnedAt = Number.NEGATIVE_INFINITY
  /** Of the last refusal: which name, and what was wrong with it. */
  #refusedName = ''
  #refusedFor: number | string = ''

  constructor(root: Root, options: StaticOptions, log: Pick<Log, 'warn'> | undefined) {
    const tryFiles = listOf(options.tryFiles)
    this.#root = root
    this.#index = listOf(options.index)
    this.#isClean = options.cleanUrls
    if (tryFiles.length > 0) this.#candidates = readCandidates(tryFiles)
    else this.#candidates = options.cleanUrls ? readCandidates(CLEAN_URLS) : null
    this.#fixed = tryFiles.length > 0 ? this.#candidates!.filter(isFixed) : null
    this.#isListing = options.listing
    this.#hidden = options.hidden
    this.#log = log
  }

  /** What `rawPath`, as the client sent it, leads to; or one that a rewrite has made up: to that there is no cleaner one. */
  find(rawPath: string, isDisguised: boolean): Found {
    const path = meantPath(rawPath, this.#hidden)
    if (path === 400 && this.#fixed !== null) return this.#findInPlace(rawPath, this.#fixed)
    if (typeof path === 'number') return this.#refuse(path, rawPath, path === 404 ? 'is hidden' : 'names nothing')
    if (this.#candidates === null) return this.#findItself(path)
    const found = this.#findFirst(path, this.#candidates)
    return this.#isClean && !isDisguised && isFile(found) ? this.#cleaned(path, found, this.#candidates) : found
  }

  /** The same for a path whose own file is known from before (`isOwn`). */
  open(name: string, rawPath: string, isDisguised: boolean): Found {
    const found = this.#openFile(name, true)
    return isFile(found) ? found : this.find(rawPath, isDisguised)
  }

  /** Why the last answer of `find` or `open` was a status, for whoever wonders at level debug. */
  get reason(): string {
    const why = typeof this.#refusedFor === 'number' ? errnoName(this.#refusedFor) : this.#refusedFor
    return `${this.#refusedName === '' ? '.' : this.#refusedName}: ${why}`
  }

  /** What a name beneath the root leads to, without opening it. False when it leads nowhere, or no request could get there. */
  look(name: string, into: Stat): boolean {
    const opened = this.#root.open(name, LOOK_FLAGS)
    if (opened < 0) return false
    try {
      fstat(opened as Fd, into)
    } finally {
      close(opened as Fd)
    }
    return true
  }

  /** For a path that can name no file: what stands in for all paths. */
  #findInPlace(rawPath: string, candidates: readonly Candidate[]): Found {
    return refusalBesideSlashes(rawPath, this.#hidden) ?? this.#findFirst(rawPath, candidates)
  }

  #findItself(path: string): Found {
    if (path.endsWith('/')) return this.#openFolder(path.slice(1), path, true)
    const found = this.#openFile(path.slice(1), true)
    // `/folder` is answered 301 to `/folder/`, or relative links in its index would lead astray.
    return found === 'folder' ? { kind: 'elsewhere', path: `${path}/` } : found
  }

  #findFirst(path: string, candidates: readonly Candidate[]): Found {
    for (const [at, candidate] of candidates.entries()) {
      if (typeof candidate === 'number') return candidate
      const found = this.#try(candidate, path, at === 0 && candidate.kind === 'made')
      if (found !== 404) return found
    }
    return 404
  }

  #try(candidate: PathCandidate, path: string, isOwn: boolean): Found {
    const tried = pathToTry(candidate, path, this.#hidden)
    if (tried === null) return 404
    if (!tried.endsWith('/')) {
      const found = this.#openFile(tried.slice(1), isOwn)
      return found === 'folder' ? 404 : found
    }
    const found = this.#openFolder(tried.slice(1), path, isOwn)
    if (typeof found === 'number') return found
    const address = addressOfFolder(candidate, path, tried, found.kind === 'folder')
    if (address === path) return found
    closeFound(found)
    return address === null ? 404 : { kind: 'elsewhere', path: address }
  }

  /**
   * A file under its clean path. Asked for by its name, it is answered with a
   * redirect to the clean path, if that leads to the same file: not where another
   * file or folder stands in the way, and so never round in a circle.
   */
  #cleaned(path: string, found: OpenedFile, candidates: readonly Candidate[]): Found {
    const clean = cleanPathOf(found.name, this.#index)
    if (clean === null || clean === path || !says(path, found.name)) return found
    close(found.fd)
    const there = this.#findFirst(clean, candidates)
    closeFound(there)
    if (isFile(there) && there.name === found.name) return { kind: 'elsewhere', path: clean }
    return this.#findFirst(path, candidates)
  }

  /** The index of a folder, or the folder itself where it is to be listed. */
  #openFolder(name: string, path: string, isOwn: boolean): OpenedFile | OpenedFolder | number {
    for (const [at, index] of this.#index.entries()) {
      const found = this.#openFile(name + index, isOwn && at === 0)
      if (found !== 404 && found !== 'folder') return found
    }
    if (!this.#isListing) return 404
    const opened = this.#root.open(name || '.', FOLDER_FLAGS)
    return opened < 0 ? this.#notOpened(-opened, name) : { kind: 'folder', name, path, fd: opened as Fd }
  }

  #openFile(name: string, isOwn: boolean): OpenedFile | 'folder' | number {
    const opened = this.#root.open(name, FILE_FLAGS)
    if (opened < 0) return this.#notOpened(-opened, name)
    const fd = opened as Fd
    let isRegular = false
    try {
      const stat = fstat(fd, this.#stat)
      isRegular = stat.isFile
      if (isRegular) return { kind: 'file', name, fd, stat, isOwn }
      if (stat.isDirectory) return this.#refuse('folder', name, 'is a directory')
      return this.#refuse(404, name, 'is no regular file')
    } finally {
      if (!isRegular) close(fd)
    }
  }

  #notOpened(errno: number, name: string): number {
    if (errno === EMFILE || errno === ENFILE) this.#warnOfExhaustion(errno, name)
    return this.#refuse(statusOfOpenError(errno, name), name, errno)
  }

  #refuse<Answer>(answer: Answer, name: string, why: number | string): Answer {
    this.#refusedName = name
    this.#refusedFor = why
    return answer
  }

  #warnOfExhaustion(errno: number, name: string): void {
    const now = performance.now()
    if (now - this.#warnedAt < WARN_EVERY_MS) return
    this.#warnedAt = now
    this.#log?.warn(
      `no descriptor left to open ${name} with (${errnoName(errno)}); answering 503. Raise the limit: ulimit -n`,
    )
  }
}

/** An option that takes one text or a list of them. */
function listOf(texts: string | readonly string[]): readonly string[] {
  return typeof texts === 'string' ? [texts] : texts
}

function isFile(found: Found | 'folder'): found is OpenedFile {
  return typeof found === 'object' && found.kind === 'file'
}

/** Gives back what was opened only to see that it is there. */
function closeFound(found: Found): void {
  if (typeof found === 'object' && found.kind !== 'elsewhere') close(found.fd)
}
