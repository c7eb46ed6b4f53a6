/**
 * ioctl: what a socket tells that no option of it does.
 */
import { must } from './errno.ts'
import type { Fd } from './fd.ts'
import { bind } from './libc.ts'
import { allocate } from './memory.ts'

const libc = { ioctl: bind('ioctl', 'int', ['int', 'size_t', 'uintptr_t']) }

const answer = allocate(4)

/**
 * ioctl(fd, op, &number), for operations that answer an int: SIOCOUTQ, how many
 * bytes of a socket the other side has not acknowledged yet, sent or unsent. (Of a
 * Unix socket: the memory they take.)
 *
 * https://man7.org/linux/man-pages/man2/ioctl.2.html
 * https://man7.org/linux/man-pages/man7/tcp.7.html
 */
export function ioctl(fd: Fd, operation: number): number {
  must(libc.ioctl(fd, operation, answer.address), 'ioctl', `operation ${operation} on fd ${fd}`)
  return answer.bytes.readInt32LE(0)
}
