/**
 * The kernel's error numbers by name (asm-generic/errno-base.h, errno.h; the
 * same on x64 and arm64), and the error that carries them.
 */
import { constants } from 'node:os'

/** Positive numbers; a failed call answers the negative of one. */
export const {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EBADF,
  ECHILD,
  ECONNABORTED,
  ECONNREFUSED,
  ECONNRESET,
  EEXIST,
  EINPROGRESS,
  EINTR,
  EINVAL,
  EIO,
  EISDIR,
  ELOOP,
  EMFILE,
  ENAMETOOLONG,
  ENFILE,
  ENOBUFS,
  ENODEV,
  ENOENT,
  ENOMEM,
  ENOSYS,
  ENOTCONN,
  ENOTDIR,
  ENXIO,
  EPERM,
  EPIPE,
  EPROTO,
  EPROTOTYPE,
  ERANGE,
  ESRCH,
  ETIMEDOUT,
  EXDEV,
} = constants.errno

/** Second names of EAGAIN and EOPNOTSUPP, in errno.h for the sake of older systems. */
const aliases = ['EWOULDBLOCK', 'ENOTSUP']

const nameOf = new Map(
  Object.entries(constants.errno)
    .filter(([name]) => !aliases.includes(name))
    .map(([name, number]) => [number, name]),
)

/** `ENOENT` for 2; `errno 4095` for a number without a name. */
export function errnoName(errno: number): string {
  return nameOf.get(errno) ?? `errno ${errno}`
}

/** A system call failed in a way its caller did not plan for. */
export class SyscallError extends Error {
  /** The call, as its manual page names it: `accept4`. */
  readonly syscall: string
  /** The positive errno. */
  readonly errno: number
  /** Its name: `EMFILE`. */
  readonly code: string

  constructor(syscall: string, errno: number, where: string) {
    super(`${syscall}: ${errnoName(errno)} ${where}`)
    this.name = 'SyscallError'
    this.syscall = syscall
    this.errno = errno
    this.code = errnoName(errno)
  }
}

/** The result of a call that should not fail: throws a SyscallError when it did. */
export function must(result: number, syscall: string, where: string): number {
  if (result < 0) throw new SyscallError(syscall, -result, where)
  return result
}
