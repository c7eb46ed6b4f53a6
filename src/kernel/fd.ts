/**
 * File descriptors have a type of their own, so that a length or a port is never
 * passed for one. A descriptor has one owner, and the owner closes it once.
 */

import { F_GETFD, F_SETFD, FD_CLOEXEC } from './constants.ts'
import { EINTR, must } from './errno.ts'
import { bind } from './libc.ts'

declare const fdBrand: unique symbol

/** A non-negative descriptor of this process. */
export type Fd = number & { readonly [fdBrand]: true }

const libc = {
  close: bind('close', 'int', ['int'], 'once'),
  fcntl: bind('fcntl', 'int', ['int', 'int', 'intptr_t']),
}

/**
 * close(fd): gives the descriptor back.
 *
 * Never repeated after EINTR: Linux has released the number by then, and it may
 * already be somebody else's.
 *
 * https://man7.org/linux/man-pages/man2/close.2.html
 */
export function close(fd: Fd): void {
  const result = libc.close(fd)
  if (result < 0 && result !== -EINTR) must(result, 'close', `on fd ${fd}`)
}

/**
 * fcntl(fd, op, arg): the result, for operations that take a number (F_GETFD,
 * F_SETFL, F_ADD_SEALS, …).
 *
 * https://man7.org/linux/man-pages/man2/fcntl.2.html
 */
export function fcntl(fd: Fd, operation: number, argument = 0): number {
  return must(libc.fcntl(fd, operation, argument), 'fcntl', `operation ${operation} on fd ${fd}`)
}

/** Whether a descriptor survives execve(2). Everything is opened close-on-exec; only what a child must inherit loses the flag. */
export function setCloseOnExec(fd: Fd, on: boolean): void {
  fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0)
}

/** Whether the number names an open descriptor. */
export function isOpen(fd: number): fd is Fd {
  return libc.fcntl(fd, F_GETFD, 0) >= 0
}
