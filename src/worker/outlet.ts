/**
 * Where the lines of the access log go, and how they are written so that nobody
 * is waited for, and lines of several workers do not mix.
 *
 * | it is | a write is taken whole | when its reader is slow |
 * | --- | --- | --- |
 * | a file | whatever its length: O_APPEND, under the lock of the inode | – |
 * | a pipe, a fifo | up to PIPE_BUF, pipe(7) | O_NONBLOCK: EAGAIN |
 * | a socket, such as the journal's | up to PIPE_BUF: it is one piece of the stream | MSG_DONTWAIT: EAGAIN |
 * | a terminal | – | O_NONBLOCK: EAGAIN |
 *
 * O_NONBLOCK belongs to what was opened, not to the descriptor: set on stdout, it
 * would be set for the shell behind us, too, and an app's console.log may take it
 * away. So a pipe or terminal is opened anew by its name in /proc. Whoever became
 * another user may not; then it is set all the same, before each write. Only a
 * terminal is left as it is: its shell could no longer read from it.
 */
import {
  F_GETFL,
  F_SETFL,
  MSG_DONTWAIT,
  O_APPEND,
  O_CREAT,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDWR,
  O_WRONLY,
  PIPE_BUF,
  S_IFCHR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '../kernel/constants.ts'
import { ENXIO } from '../kernel/errno.ts'
import { close, type Fd, fcntl } from '../kernel/fd.ts'
import { fstat, open, write } from '../kernel/file.ts'
import { memoryOf } from '../kernel/memory.ts'
import { send } from '../kernel/socket.ts'

const STDOUT = 1 as Fd

export class Outlet {
  readonly fd: Fd
  readonly #kind: number
  readonly #isOurs: boolean

  /** `isOurs`: it is closed with the outlet, and nobody else writes by it. */
  constructor(fd: Fd, isOurs: boolean) {
    this.fd = fd
    this.#kind = fstat(fd).mode & S_IFMT
    this.#isOurs = isOurs
  }

  get isFile(): boolean {
    return this.#kind === S_IFREG
  }

  /** An epoll tells when it can be written to again. */
  get canBeAwaited(): boolean {
    return this.#kind === S_IFIFO || this.#kind === S_IFSOCK
  }

  /** Longest write that is taken whole or not at all. */
  get wholeBytesMax(): number {
    return this.isFile ? Number.POSITIVE_INFINITY : PIPE_BUF
  }

  /** How many of the bytes were taken, or a negative errno. */
  write(bytes: Uint8Array): number {
    if (this.#kind === S_IFSOCK) return send(this.fd, memoryOf(bytes), 0, bytes.length, MSG_DONTWAIT)
    if (!this.#isOurs && this.#kind === S_IFIFO) fcntl(this.fd, F_SETFL, fcntl(this.fd, F_GETFL) | O_NONBLOCK)
    return write(this.fd, bytes)
  }

  close(): void {
    if (this.#isOurs) close(this.fd)
  }
}

/** What `where` names, as in Config.accessLog: '-' is stdout, anything else a path. Or a negative errno. */
export function openOutlet(where: string): Outlet | number {
  if (where === '-') return ofStdout()
  const fd = openPath(where)
  return fd < 0 ? fd : new Outlet(fd as Fd, true)
}

function openPath(path: string): number {
  const fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY, 0o644)
  // A fifo that nobody reads yet. Open for reading, too, it takes lines until somebody does: fifo(7).
  return fd === -ENXIO ? open(path, O_RDWR | O_NONBLOCK | O_NOCTTY) : fd
}

function ofStdout(): Outlet {
  const kind = fstat(STDOUT).mode & S_IFMT
  const fd = kind === S_IFIFO || kind === S_IFCHR ? open(`/proc/self/fd/${STDOUT}`, STDOUT_FLAGS) : -1
  return fd < 0 ? new Outlet(STDOUT, false) : new Outlet(fd as Fd, true)
}

const STDOUT_FLAGS = O_WRONLY | O_NONBLOCK | O_NOCTTY
