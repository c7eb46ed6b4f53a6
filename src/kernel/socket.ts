/**
 * Sockets: one function per call, in the order a server makes them.
 *
 *     socket → bind → listen → accept4 → recv → send → shutdown → close
 *     socket → connect                                      (a client)
 *     socket → bind → recvfrom → sendto                     (datagrams)
 *
 * Ordinary outcomes are values (`null`, 0, a negative errno where the doc says
 * so); everything else throws a SyscallError.
 */
import { MSG_NOSIGNAL, SO_LINGER, SOL_SOCKET } from './constants.ts'
import { EAGAIN, ECONNABORTED, ECONNRESET, EINPROGRESS, ENOTCONN, must, SyscallError } from './errno.ts'
import type { Fd } from './fd.ts'
import { bind as bindFunction } from './libc.ts'
import { allocate, type Memory } from './memory.ts'
import { decodeSockaddr, encodeSockaddr, formatSocketAddress, SOCKADDR_MAX, type SocketAddress } from './sockaddr.ts'

const libc = {
  socket: bindFunction('socket', 'int', ['int', 'int', 'int']),
  socketpair: bindFunction('socketpair', 'int', ['int', 'int', 'int', 'uintptr_t']),
  bind: bindFunction('bind', 'int', ['int', 'uintptr_t', 'uint']),
  listen: bindFunction('listen', 'int', ['int', 'int']),
  accept4: bindFunction('accept4', 'int', ['int', 'uintptr_t', 'uintptr_t', 'int']),
  connect: bindFunction('connect', 'int', ['int', 'uintptr_t', 'uint'], 'once'),
  recv: bindFunction('recv', 'intptr_t', ['int', 'uintptr_t', 'size_t', 'int']),
  send: bindFunction('send', 'intptr_t', ['int', 'uintptr_t', 'size_t', 'int']),
  recvfrom: bindFunction('recvfrom', 'intptr_t', ['int', 'uintptr_t', 'size_t', 'int', 'uintptr_t', 'uintptr_t']),
  sendto: bindFunction('sendto', 'intptr_t', ['int', 'uintptr_t', 'size_t', 'int', 'uintptr_t', 'uint']),
  shutdown: bindFunction('shutdown', 'int', ['int', 'int']),
  getsockopt: bindFunction('getsockopt', 'int', ['int', 'int', 'int', 'uintptr_t', 'uintptr_t']),
  setsockopt: bindFunction('setsockopt', 'int', ['int', 'int', 'int', 'uintptr_t', 'uint']),
  getsockname: bindFunction('getsockname', 'int', ['int', 'uintptr_t', 'uintptr_t']),
  getpeername: bindFunction('getpeername', 'int', ['int', 'uintptr_t', 'uintptr_t']),
}

/** Scratch for calls that write an address or an int: used and read before the function returns. */
const scratch = allocate(SOCKADDR_MAX + 8)
const addressLength = scratch.address + SOCKADDR_MAX

/**
 * socket(domain, type, protocol): an endpoint, of no address yet. `type` may
 * carry SOCK_NONBLOCK and SOCK_CLOEXEC.
 *
 * https://man7.org/linux/man-pages/man2/socket.2.html
 */
export function socket(domain: number, type: number, protocol = 0): Fd {
  return must(libc.socket(domain, type, protocol), 'socket', `of domain ${domain}, type ${type}`) as Fd
}

/**
 * socketpair(domain, type, 0, sv): two sockets joined to each other.
 *
 * https://man7.org/linux/man-pages/man2/socketpair.2.html
 */
export function socketpair(domain: number, type: number): [Fd, Fd] {
  must(libc.socketpair(domain, type, 0, scratch.address), 'socketpair', `of domain ${domain}`)
  return [scratch.bytes.readInt32LE(0) as Fd, scratch.bytes.readInt32LE(4) as Fd]
}

/**
 * bind(sockfd, addr, addrlen): gives the socket its address. Throws EADDRINUSE,
 * EACCES (a port under 1024) and EADDRNOTAVAIL among others.
 *
 * https://man7.org/linux/man-pages/man2/bind.2.html
 */
export function bind(fd: Fd, address: SocketAddress): void {
  const sockaddr = encodeSockaddr(address)
  const result = libc.bind(fd, sockaddr.address, sockaddr.bytes.length)
  must(result, 'bind', `to ${formatSocketAddress(address)}`)
}

/**
 * listen(sockfd, backlog): from here the kernel completes handshakes by itself
 * and queues up to `min(backlog, net.core.somaxconn)` finished ones.
 *
 * https://man7.org/linux/man-pages/man2/listen.2.html
 */
export function listen(fd: Fd, backlog: number): void {
  must(libc.listen(fd, backlog), 'listen', `on fd ${fd}`)
}

/** Where accept4 and recvfrom may write the peer's address: kept by the caller, filled by the kernel. */
export class PeerAddress {
  readonly memory: Memory = allocate(SOCKADDR_MAX + 4)

  /** The pointer to `addrlen`, set to what the buffer holds: the kernel overwrites it with what it wrote. */
  lengthAddress(): number {
    this.memory.bytes.writeUInt32LE(SOCKADDR_MAX, SOCKADDR_MAX)
    return this.memory.address + SOCKADDR_MAX
  }

  read(): SocketAddress {
    return decodeSockaddr(this.memory.bytes, 0, this.memory.bytes.readUInt32LE(SOCKADDR_MAX))
  }
}

/**
 * accept4(sockfd, addr, addrlen, flags): takes the oldest finished handshake off
 * the listener's queue.
 *
 * Returns null when the queue is empty (EAGAIN, on a non-blocking listener): the
 * normal end of a round, not an error. So does a client that hung up while
 * queued (ECONNABORTED): level-triggered epoll will ask again. Throws EMFILE or
 * ENFILE when this process or the system is out of descriptors.
 *
 * https://man7.org/linux/man-pages/man2/accept4.2.html
 */
export function accept4(listener: Fd, flags: number, peer?: PeerAddress): Fd | null {
  const result =
    peer === undefined
      ? libc.accept4(listener, 0, 0, flags)
      : libc.accept4(listener, peer.memory.address, peer.lengthAddress(), flags)
  if (result >= 0) return result as Fd
  if (result === -EAGAIN || result === -ECONNABORTED) return null
  throw new SyscallError('accept4', -result, `on fd ${listener}`)
}

/**
 * connect(sockfd, addr, addrlen): sends the SYN and, on a blocking socket, waits
 * for the handshake. Answers false when a non-blocking one has just begun
 * (EINPROGRESS): writable, it is done; see SO_ERROR. Throws ECONNREFUSED,
 * ETIMEDOUT and others; EAGAIN on a Unix socket whose backlog is full.
 *
 * https://man7.org/linux/man-pages/man2/connect.2.html
 */
export function connect(fd: Fd, address: SocketAddress): boolean {
  const sockaddr = encodeSockaddr(address)
  const result = libc.connect(fd, sockaddr.address, sockaddr.bytes.length)
  if (result === -EINPROGRESS) return false
  must(result, 'connect', `to ${formatSocketAddress(address)}`)
  return true
}

/**
 * recv(sockfd, buf, len, flags): bytes received into `memory[at…at+length)`, 0
 * when the peer has finished sending, or a negative errno. -EAGAIN (nothing
 * there yet) and -ECONNRESET (the peer is gone) are ordinary; so this call
 * never throws.
 *
 * https://man7.org/linux/man-pages/man2/recv.2.html
 */
export function recv(fd: Fd, memory: Memory, at: number, length: number, flags = 0): number {
  return libc.recv(fd, memory.address + at, length, flags)
}

/**
 * send(sockfd, buf, len, flags | MSG_NOSIGNAL): how many bytes of
 * `memory[at…at+length)` the kernel took, often fewer than offered, or a
 * negative errno. -EAGAIN (the send buffer is full), -EPIPE and -ECONNRESET (the
 * peer is gone) are ordinary; so this call never throws, and never raises SIGPIPE.
 *
 * https://man7.org/linux/man-pages/man2/send.2.html
 */
export function send(fd: Fd, memory: Memory, at: number, length: number, flags = 0): number {
  return libc.send(fd, memory.address + at, length, flags | MSG_NOSIGNAL)
}

/**
 * recvfrom(sockfd, buf, len, flags, addr, addrlen): one datagram, and who sent
 * it in `peer`. A longer datagram than `memory` is cut. Returns the bytes, or
 * null when there is none (EAGAIN).
 *
 * https://man7.org/linux/man-pages/man2/recvfrom.2.html
 */
export function recvfrom(fd: Fd, memory: Memory, flags: number, peer: PeerAddress): number | null {
  const result = libc.recvfrom(
    fd,
    memory.address,
    memory.bytes.length,
    flags,
    peer.memory.address,
    peer.lengthAddress(),
  )
  return result === -EAGAIN ? null : must(result, 'recvfrom', `on fd ${fd}`)
}

/**
 * sendto(sockfd, buf, len, flags, addr, addrlen): one datagram to `address`.
 * Returns its bytes, or null when the send buffer is full (EAGAIN).
 *
 * https://man7.org/linux/man-pages/man2/sendto.2.html
 */
export function sendto(fd: Fd, memory: Memory, length: number, flags: number, address: SocketAddress): number | null {
  const to = encodeSockaddr(address)
  const result = libc.sendto(fd, memory.address, length, flags | MSG_NOSIGNAL, to.address, to.bytes.length)
  return result === -EAGAIN ? null : must(result, 'sendto', `to ${formatSocketAddress(address)}`)
}

/**
 * shutdown(sockfd, how): ends one direction; SHUT_WR sends the FIN and leaves
 * the other open. A peer already gone (ENOTCONN) is no error.
 *
 * https://man7.org/linux/man-pages/man2/shutdown.2.html
 */
export function shutdown(fd: Fd, how: number): void {
  const result = libc.shutdown(fd, how)
  if (result < 0 && result !== -ENOTCONN && result !== -ECONNRESET) must(result, 'shutdown', `on fd ${fd}`)
}

/**
 * getsockopt(sockfd, level, optname, …) for options that are an int.
 *
 * https://man7.org/linux/man-pages/man2/getsockopt.2.html
 */
export function getsockopt(fd: Fd, level: number, option: number): number {
  scratch.bytes.writeUInt32LE(4, SOCKADDR_MAX)
  const result = libc.getsockopt(fd, level, option, scratch.address, addressLength)
  must(result, 'getsockopt', `option ${level}/${option} on fd ${fd}`)
  return scratch.bytes.readInt32LE(0)
}

/** getsockopt for options that are a struct (TCP_INFO): fills `memory`, returns the bytes the kernel wrote. */
export function getsockoptBytes(fd: Fd, level: number, option: number, memory: Memory): number {
  scratch.bytes.writeUInt32LE(memory.bytes.length, SOCKADDR_MAX)
  const result = libc.getsockopt(fd, level, option, memory.address, addressLength)
  must(result, 'getsockopt', `option ${level}/${option} on fd ${fd}`)
  return scratch.bytes.readUInt32LE(SOCKADDR_MAX)
}

/**
 * setsockopt(sockfd, level, optname, …) for options that are an int.
 *
 * https://man7.org/linux/man-pages/man2/setsockopt.2.html
 */
export function setsockopt(fd: Fd, level: number, option: number, value: number): void {
  scratch.bytes.writeInt32LE(value, 0)
  const result = libc.setsockopt(fd, level, option, scratch.address, 4)
  must(result, 'setsockopt', `option ${level}/${option} on fd ${fd}`)
}

/** setsockopt for options that are a struct (SO_LINGER). */
export function setsockoptBytes(fd: Fd, level: number, option: number, memory: Memory): void {
  const result = libc.setsockopt(fd, level, option, memory.address, memory.bytes.length)
  must(result, 'setsockopt', `option ${level}/${option} on fd ${fd}`)
}

/** `struct linger { int l_onoff, l_linger; }`: on, for no time at all. */
const lingerOfZero = allocate(8)
lingerOfZero.bytes.writeInt32LE(1, 0)

/**
 * setsockopt(sockfd, SOL_SOCKET, SO_LINGER, { 1, 0 }, …): close(2) sends RST
 * instead of FIN, drops what has not been sent, and leaves no TIME_WAIT behind.
 *
 * https://man7.org/linux/man-pages/man7/socket.7.html
 */
export function resetOnClose(fd: Fd): void {
  setsockoptBytes(fd, SOL_SOCKET, SO_LINGER, lingerOfZero)
}

/**
 * getsockname(sockfd, …): the socket's own address; the port the kernel chose
 * when bind asked for 0.
 *
 * https://man7.org/linux/man-pages/man2/getsockname.2.html
 */
export function getsockname(fd: Fd): SocketAddress {
  scratch.bytes.writeUInt32LE(SOCKADDR_MAX, SOCKADDR_MAX)
  must(libc.getsockname(fd, scratch.address, addressLength), 'getsockname', `on fd ${fd}`)
  return decodeSockaddr(scratch.bytes, 0, scratch.bytes.readUInt32LE(SOCKADDR_MAX))
}

/**
 * getpeername(sockfd, …): the other side's address, or null when there is none
 * (not connected, or already gone).
 *
 * https://man7.org/linux/man-pages/man2/getpeername.2.html
 */
export function getpeername(fd: Fd): SocketAddress | null {
  scratch.bytes.writeUInt32LE(SOCKADDR_MAX, SOCKADDR_MAX)
  const result = libc.getpeername(fd, scratch.address, addressLength)
  if (result === -ENOTCONN) return null
  must(result, 'getpeername', `on fd ${fd}`)
  return decodeSockaddr(scratch.bytes, 0, scratch.bytes.readUInt32LE(SOCKADDR_MAX))
}
