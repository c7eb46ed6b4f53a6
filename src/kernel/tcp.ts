/**
 * What the kernel tells of TCP (tcp(7), linux/tcp.h).
 *
 * | struct | fields (offset) | header |
 * | --- | --- | --- |
 * | tcp_info | unacked 24, sacked 28: on a listening socket, its accept queue's length and limit | linux/tcp.h |
 * | tcp_info | last_data_sent 44: on a connection, ms since data was sent, or since its handshake | linux/tcp.h |
 * | tcp_info | rtt 68: on a connection, the smoothed round trip in microseconds | linux/tcp.h |
 */
import {
  AF_INET,
  IPPROTO_TCP,
  SOCK_STREAM,
  TCP_DEFER_ACCEPT,
  TCP_INFO,
  TCP_SAVE_SYN,
  TCP_SAVED_SYN,
  TCP_ULP,
} from './constants.ts'
import { EINVAL, ENOTCONN, SyscallError } from './errno.ts'
import { close, type Fd } from './fd.ts'
import { allocate, memoryOf } from './memory.ts'
import { getsockname, getsockopt, getsockoptBytes, setsockopt, setsockoptBytes, socket } from './socket.ts'

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

/**
 * getsockopt(sockfd, IPPROTO_TCP, TCP_DEFER_ACCEPT): whether connections of this listener enter the accept queue with
 * their first bytes. False for a Unix socket, which cannot do that.
 *
 * https://man7.org/linux/man-pages/man7/tcp.7.html
 */
export function defersAccept(listener: Fd): boolean {
  return getsockname(listener).family !== 'Unix' && getsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT) > 0
}

/** As far as `tcpi_rtt`, and no further. */
const connectionInfo = allocate(72)

/**
 * getsockopt(sockfd, IPPROTO_TCP, TCP_INFO, …) on an accepted connection to which
 * nothing has been sent yet: how many milliseconds ago its handshake was finished,
 * for that is where the kernel begins to count the time since data was sent. Asked
 * right after accept4(2), it is how long the connection waited in the accept queue.
 * (`tcpi_last_ack_recv` begins there, too, but a request that arrives while its
 * connection waits sets it back.) The kernel counts in ticks of a few
 * milliseconds. Throws EOPNOTSUPP on a Unix socket.
 *
 * https://man7.org/linux/man-pages/man7/tcp.7.html
 */
export function msSinceHandshake(connection: Fd): number {
  getsockoptBytes(connection, IPPROTO_TCP, TCP_INFO, connectionInfo)
  return connectionInfo.bytes.readUInt32LE(44)
}

/**
 * The round trip of the handshake of the connection that `msSinceHandshake` was
 * asked of last, in microseconds: from our SYN/ACK to the client's ACK. One system
 * call tells both. 0 where the kernel could not measure it, because the SYN/ACK was
 * sent twice.
 */
export function lastHandshakeRttUs(): number {
  return connectionInfo.bytes.readUInt32LE(68)
}

/**
 * setsockopt(sockfd, IPPROTO_TCP, TCP_SAVE_SYN, on): of each connection of this
 * listener whose handshake begins from here on, the kernel keeps the SYN, until it
 * is read or the connection is closed. It costs some hundred bytes for each. Throws
 * EOPNOTSUPP on a Unix socket.
 *
 * https://man7.org/linux/man-pages/man7/tcp.7.html (linux/tcp.h; Linux 4.2)
 */
export function saveSyn(listener: Fd, on: boolean): void {
  setsockopt(listener, IPPROTO_TCP, TCP_SAVE_SYN, on ? 1 : 0)
}

/** Two headers of 60 bytes at most; IPv6 may have headers in between, as many as its sender likes. */
const SYN_BYTES_MAX = 512
const syn = allocate(SYN_BYTES_MAX)

/**
 * getsockopt(sockfd, IPPROTO_TCP, TCP_SAVED_SYN, …): the IP header and the TCP
 * header of the SYN that began this connection, in a copy. The kernel forgets it as
 * it is read. Null when there is none: it was not kept, or was read before, or is
 * of a length that no honest client sends (EINVAL: over 512 bytes). Throws
 * EOPNOTSUPP on a Unix socket.
 *
 * https://man7.org/linux/man-pages/man7/tcp.7.html (linux/tcp.h; Linux 4.2)
 */
export function savedSyn(connection: Fd): Buffer | null {
  try {
    const length = getsockoptBytes(connection, IPPROTO_TCP, TCP_SAVED_SYN, syn)
    return length === 0 ? null : Buffer.from(syn.bytes.subarray(0, length))
  } catch (error) {
    if (error instanceof SyscallError && error.errno === EINVAL) return null
    throw error
  }
}

const TLS = memoryOf(Buffer.from('tls'))

/**
 * setsockopt(sockfd, IPPROTO_TCP, TCP_ULP, "tls", 3) on a socket without a connection: whether the kernel can
 * encrypt and decrypt TLS. It looks for that first, and loads the module `tls` for who may load modules
 * (CAP_NET_ADMIN); what it has it then refuses for want of a connection (ENOTCONN).
 *
 * https://docs.kernel.org/networking/tls.html (linux/tcp.h; Linux 4.13)
 */
export function hasKernelTls(): boolean {
  let fd: Fd | null = null
  try {
    fd = socket(AF_INET, SOCK_STREAM)
    setsockoptBytes(fd, IPPROTO_TCP, TCP_ULP, TLS)
    return true
  } catch (error) {
    return error instanceof SyscallError && error.errno === ENOTCONN
  } finally {
    if (fd !== null) close(fd)
  }
}
