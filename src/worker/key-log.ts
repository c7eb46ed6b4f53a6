/**
 * The key log that `tls.keyLogFile` names: opened with the rights of whoever starts the
 * server, inherited by every worker, written a line at a time. It is for whoever looks
 * into connections of his own; only the configuration file can ask for it.
 *
 * One open file for all (O_APPEND), and one write(2) a line: lines of several workers do
 * not mix. What cannot be written is lost, and no connection with it.
 */
import { OperatorError, quote } from '../config/operator-error.ts'
import { O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } from '../kernel/constants.ts'
import { ELOOP, ENOENT, ENXIO, errnoName } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { fstat, open, type Stat, write } from '../kernel/file.ts'

/** Takes a line, without its end. */
export type KeyLog = (line: string) => void

/** Nobody but its owner may read what is made here. */
const MODE = 0o600
const OTHERS = 0o007
/** A fifo that nobody reads would hold the start up: it is refused, and O_NONBLOCK gets us that far. */
const FLAGS = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK

/** Throws an OperatorError when it cannot be had. */
export function openKeyLog(path: string): KeyLog {
  const fd = openOrThrow(path, FLAGS | O_CREAT)
  let isCut = false
  return (line) => {
    const bytes = Buffer.from(`${isCut ? '\n' : ''}${line}\n`, 'latin1')
    const written = write(fd, bytes)
    if (written > 0) isCut = written < bytes.length // the disk is full: what is written next begins a line all the same
  }
}

/** The same mistakes, for who will write nothing: no file is made. */
export function tryKeyLog(path: string): void {
  const fd = openOrThrow(path, FLAGS, [ENOENT])
  if (fd >= 0) close(fd)
}

function openOrThrow(path: string, flags: number, accepted: readonly number[] = []): Fd {
  const fd = open(path, flags, MODE) as Fd
  if (accepted.includes(-fd)) return fd
  const mistake = fd < 0 ? mistakeOf(-fd) : mistakeIn(fstat(fd))
  if (mistake === null) return fd
  if (fd >= 0) close(fd)
  throw new OperatorError(`tls.keyLogFile is ${quote(path)}, ${mistake}`)
}

function mistakeOf(errno: number): string {
  if (errno === ELOOP) return 'which is a symbolic link; give the path of the file itself'
  if (errno === ENXIO) return NO_FILE
  return `which cannot be opened (${errnoName(errno)}); choose another path, or leave it out`
}

const NO_FILE = 'which is no regular file; give the path of one'

function mistakeIn({ isFile, mode }: Stat): string | null {
  if (!isFile) return NO_FILE
  return (mode & OTHERS) === 0 ? null : 'which everybody on this machine may open; chmod 600 it'
}
