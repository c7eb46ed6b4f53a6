/**
 * What the kernel tells of TCP (tcp(7), linux/tcp.h).
 *
 * | struct | fields (offset) | header |
 * | --- | --- | --- |
 * | tcp_info | unacked 24, sacked 28: on a listening socket, its accept queue's length and limit | linux/tcp.h |
 */
import { IPPROTO_TCP, TCP_INFO } from './constants.ts'
import type { Fd } from './fd.ts'
import { allocate } from './memory.ts'
import { getsockoptBytes } from './socket.ts'

/** The connections of a listener whose handshake is finished and that nobody has accepted yet. */
export interface AcceptQueue {
  /** How many wait. */
  readonly length: number
  /** How many may: `min(backlog of listen(2), net.core.somaxconn)`. */
  readonly limit: number
}

/** The kernel fills no more than is offered; the rest of the struct is about connections. */
const info = allocate(32)

/**
 * getsockopt(sockfd, IPPROTO_TCP, TCP_INFO, …) on a listening socket: two fields,
 * which count segments on a connection, tell of the accept queue there. Throws
 * EOPNOTSUPP on a Unix socket.
 *
 * https://man7.org/linux/man-pages/man7/tcp.7.html
 */
export function acceptQueue(listener: Fd): AcceptQueue {
  getsockoptBytes(listener, IPPROTO_TCP, TCP_INFO, info)
  return { length: info.bytes.readUInt32LE(24), limit: info.bytes.readUInt32LE(28) }
}
