/**
 * The two queues in front of a listener: handshakes that have begun, and those
 * that are finished and wait for accept4(2). Asked of the kernel, each time anew.
 */
import { AF_INET, AF_INET6, TCP_SYN_RECV } from '../kernel/constants.ts'
import { SyscallError } from '../kernel/errno.ts'
import type { Fd } from '../kernel/fd.ts'
import { fstat } from '../kernel/file.ts'
import { acceptQueueOfUnix, countTcpSockets } from '../kernel/sock-diag.ts'
import { getsockname } from '../kernel/socket.ts'
import { type AcceptQueue, acceptQueue } from '../kernel/tcp.ts'

/** Of one listening socket. Null where the kernel does not tell: of a Unix socket, when it has no unix_diag. */
export function acceptQueueOf(listener: Fd): AcceptQueue | null {
  if (getsockname(listener).family !== 'Unix') return acceptQueue(listener)
  try {
    return acceptQueueOfUnix(fstat(listener).ino)
  } catch (error) {
    if (error instanceof SyscallError) return null
    throw error
  }
}

/**
 * How many handshakes have begun at a listener's address and are not finished: the SYN queue. With
 * `socket.deferAcceptSeconds` also those whose client has not sent its first bytes. Where several sockets have the
 * address, of them all. Null for a Unix socket, which has no handshake, and where the kernel has no inet_diag.
 */
export function synQueueOf(listener: Fd): number | null {
  const bound = getsockname(listener)
  if (bound.family === 'Unix') return null
  const address = isWildcard(bound.address) ? null : bound.address
  try {
    // An IPv6 socket may take IPv4 clients, too; they are IPv4's.
    const families = bound.family === 'IPv4' ? [AF_INET] : address === null ? [AF_INET, AF_INET6] : [AF_INET6]
    const states = 1 << TCP_SYN_RECV
    const { port } = bound
    return families.reduce((sum, family) => sum + countTcpSockets({ family, states, port, address }), 0)
  } catch (error) {
    if (error instanceof SyscallError) return null
    throw error
  }
}

/** An address that stands for all of the machine's. */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}
