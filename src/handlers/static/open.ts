/**
 * Opening files beneath a root, and nowhere else.
 *
 * The kernel keeps the fence, not string comparison: openat2(2) with
 * RESOLVE_BENEATH refuses `..`, absolute symbolic links and links that lead out,
 * however the name was disguised and whatever is renamed meanwhile. Links that
 * stay beneath the root are followed, or those of the right owner alone
 * (owned-links.ts), or none.
 *
 * The root is held open, so a request looks up only what lies below it. A deploy
 * may swap the folder itself (`mv`, a new target for a symbolic link); therefore
 * the root's own path is looked up again once a second at most, and only when
 * requests come. A path that leads nowhere for a moment, between the two `mv` of
 * a deploy, changes nothing: the folder held so far serves on.
 */
import type { SymlinkRule } from '../../config/options.ts'
import {
  O_DIRECTORY,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../../kernel/constants.ts'
import {
  EACCES,
  EAGAIN,
  ELOOP,
  EMFILE,
  ENAMETOOLONG,
  ENFILE,
  ENODEV,
  ENOENT,
  ENOMEM,
  ENOTDIR,
  ENXIO,
  EPERM,
  EXDEV,
  must,
  SyscallError,
} from '../../kernel/errno.ts'
import { close, type Fd } from '../../kernel/fd.ts'
import { fstat, open, openat2 } from '../../kernel/file.ts'
import { openOwned } from './owned-links.ts'

/** How old the look-up of the root may get: a swapped folder is served after this long at most. */
export const ROOT_LOOKUP_MS = 1_000

/**
 * O_NONBLOCK: opening a fifo or a terminal must not wait for its other end.
 * O_NOCTTY: nor may a terminal become ours. Regular files ignore both.
 */
export const FILE_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY
/** To read what is in a folder; whatever is no folder is refused. */
export const FOLDER_FLAGS = O_RDONLY | O_DIRECTORY
/** To see what is there: nothing is opened, so any kind of file may be looked at, readable or not. */
export const LOOK_FLAGS = O_PATH

const RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS
const RESOLVE_WITHOUT_LINKS = RESOLVE | RESOLVE_NO_SYMLINKS

/**
 * A link with `..` in it is refused with EAGAIN when anything on the machine was
 * renamed or mounted during the look-up: the kernel could not be sure. It asks
 * callers to try again (openat2(2), ERRORS).
 */
const OPEN_ATTEMPTS_MAX = 16

export class Root {
  readonly #path: string
  readonly #open: (root: Fd, name: string, flags: number) => number
  readonly #now: () => number
  #fd: Fd
  #lookedUpAt: number
  #generation = 0

  /** Throws a SyscallError when `path` is no directory that can be reached. `now` in milliseconds, never running back. */
  constructor(path: string, symlinks: SymlinkRule, now: () => number = performance.now.bind(performance)) {
    this.#path = path
    this.#open = OPENERS[symlinks]
    this.#now = now
    this.#fd = must(lookUp(path), 'open', path) as Fd
    this.#lookedUpAt = now()
  }

  /** A descriptor the caller must close, or a negative errno. `name` is relative: no slash in front. */
  open(name: string, flags: number): number {
    this.generationAt(this.#now())
    return this.#open(this.#fd, name, flags)
  }

  /** Grows when the path is found to lead to another folder. `now` is the present, of the same clock. */
  generationAt(now: number): number {
    if (now - this.#lookedUpAt >= ROOT_LOOKUP_MS) this.#lookUpAgain(now)
    return this.#generation
  }

  /** Gives the root back. It must not be asked again. */
  close(): void {
    close(this.#fd)
  }

  #lookUpAgain(now: number): void {
    this.#lookedUpAt = now
    const found = lookUp(this.#path)
    if (found < 0) return
    if (!isSameFolder(found as Fd, this.#fd)) this.#generation += 1
    close(this.#fd)
    this.#fd = found as Fd
  }
}

const OPENERS: Readonly<Record<SymlinkRule, (root: Fd, name: string, flags: number) => number>> = {
  beneath: (root, name, flags) => openSurely(root, name, flags, RESOLVE),
  owner: openWithOwnLinks,
  never: (root, name, flags) => openSurely(root, name, flags, RESOLVE_WITHOUT_LINKS),
}

/** Most paths have no link in them: one call tells, and only those that do are walked. */
function openWithOwnLinks(root: Fd, name: string, flags: number): number {
  const opened = openSurely(root, name, flags, RESOLVE_WITHOUT_LINKS)
  return opened === -ELOOP ? openOwned(root, name, flags) : opened
}

function openSurely(root: Fd, name: string, flags: number, resolve: number): number {
  let result = openat2(root, name, flags, resolve)
  for (let tried = 1; result === -EAGAIN && tried < OPEN_ATTEMPTS_MAX; tried++) {
    result = openat2(root, name, flags, resolve)
  }
  return result
}

/** O_PATH: a place to start from, not a directory to read, so search permission is enough. */
function lookUp(path: string): number {
  return open(path, O_PATH | O_DIRECTORY)
}

function isSameFolder(a: Fd, b: Fd): boolean {
  const [one, other] = [fstat(a), fstat(b)]
  return one.ino === other.ino && one.dev === other.dev
}

/**
 * The status that answers a failed open (RFC 9110 §15.5.4, §15.5.5, §15.6.4). What was refused as an escape looks like
 * what is not there: nobody learns what lies outside. Any other failure is the
 * machine's own (EIO, …) and thrown.
 */
export function statusOfOpenError(errno: number, name: string): 403 | 404 | 503 {
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
    case EXDEV:
    case ELOOP:
    case ENAMETOOLONG:
    // a socket, or a device without a driver
    case ENXIO:
    case ENODEV:
      return 404
    case EACCES:
    case EPERM:
      return 403
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    // still racing after OPEN_ATTEMPTS_MAX, or a lease that another process holds
    case EAGAIN:
      return 503
    default:
      throw new SyscallError('openat2', errno, name)
  }
}
