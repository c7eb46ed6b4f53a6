/**
 * poll: whether something has happened already, asked of one descriptor, once.
 * To wait for many there is epoll.ts.
 */
import { must } from './errno.ts'
import type { Fd } from './fd.ts'
import { bind } from './libc.ts'
import { allocate } from './memory.ts'

const libc = { poll: bind('poll', 'int', ['uintptr_t', 'size_t', 'int']) }

/** `struct pollfd { int fd; short events; short revents; }` */
const asked = allocate(8)

/**
 * poll(&{ fd, events }, 1, timeout): which of `events` have happened, POLLERR and
 * POLLHUP besides; 0 for none within `timeoutMs`. On a listener POLLIN says that a
 * connection waits to be accepted.
 *
 * https://man7.org/linux/man-pages/man2/poll.2.html
 */
export function poll(fd: Fd, events: number, timeoutMs: number): number {
  asked.bytes.writeInt32LE(fd, 0)
  asked.bytes.writeInt16LE(events, 4)
  asked.bytes.writeInt16LE(0, 6)
  must(libc.poll(asked.address, 1, timeoutMs), 'poll', `on fd ${fd}`)
  return asked.bytes.readInt16LE(6)
}
