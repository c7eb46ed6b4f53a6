/**
 * Messages that carry descriptors: how one process hands an open socket to
 * another, over a Unix socket (unix(7), SCM_RIGHTS).
 *
 * | struct | size | fields (offset) | header |
 * | --- | --- | --- | --- |
 * | iovec | 16 | base 0, len 8 | bits/types/struct_iovec.h |
 * | msghdr | 56 | name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48 | bits/socket.h |
 * | cmsghdr | 16 | len 0, level 8, type 12, then the data | bits/socket.h |
 *
 * musl has 32-bit lengths with padding where glibc has 64-bit ones: on the
 * little-endian machines we run on, the same bytes.
 */
import { MSG_CMSG_CLOEXEC, MSG_CTRUNC, MSG_NOSIGNAL, SCM_RIGHTS, SOL_SOCKET } from './constants.ts'
import type { Fd } from './fd.ts'
import { bind } from './libc.ts'
import { allocate, type Memory } from './memory.ts'

const libc = {
  sendmsg: bind('sendmsg', 'intptr_t', ['int', 'uintptr_t', 'int']),
  recvmsg: bind('recvmsg', 'intptr_t', ['int', 'uintptr_t', 'int']),
}

/** linux/scm.h, SCM_MAX_FD: the kernel takes no more in one message. */
export const SCM_MAX_FD = 253

const CMSG_HEADER = 16
const CONTROL_BYTES = CMSG_HEADER + 4 * SCM_MAX_FD + 4 // a multiple of 8, as CMSG_SPACE has it

/** One of each serves every call: the kernel has read or written them by the time it returns. */
const iovec = allocate(16)
const control = allocate(CONTROL_BYTES)
const header = allocate(56)

function prepare(memory: Memory, length: number, controlLength: number): void {
  writeAddress(iovec, 0, memory.address)
  writeAddress(iovec, 8, length)
  header.bytes.fill(0)
  writeAddress(header, 16, iovec.address)
  writeAddress(header, 24, 1)
  if (controlLength === 0) return
  writeAddress(header, 32, control.address)
  writeAddress(header, 40, controlLength)
}

/**
 * sendmsg(sockfd, msg, flags | MSG_NOSIGNAL): `memory[0…length)` as one message,
 * with copies of `fds` for whoever receives it. The sender's own stay open. Bytes
 * sent, or a negative errno (-EAGAIN, -EPIPE and -ECONNRESET are ordinary). At
 * least one byte must go with descriptors, and at most SCM_MAX_FD of them.
 *
 * https://man7.org/linux/man-pages/man2/sendmsg.2.html
 */
export function sendmsg(fd: Fd, memory: Memory, length: number, fds: readonly Fd[], flags = 0): number {
  if (fds.length > SCM_MAX_FD) throw new RangeError(`${fds.length} descriptors in one message; ${SCM_MAX_FD} at most`)
  const controlLength = fds.length === 0 ? 0 : CMSG_HEADER + 4 * fds.length
  prepare(memory, length, controlLength)
  if (controlLength > 0) {
    writeAddress(control, 0, controlLength)
    control.bytes.writeInt32LE(SOL_SOCKET, 8)
    control.bytes.writeInt32LE(SCM_RIGHTS, 12)
    fds.forEach((passed, i) => {
      control.bytes.writeInt32LE(passed, CMSG_HEADER + 4 * i)
    })
  }
  return libc.sendmsg(fd, header.address, flags | MSG_NOSIGNAL)
}

/** What `recvmsg` adds to the bytes. */
export interface ReceivedMessage {
  /** As recv(2) answers: bytes, 0 at the end, or a negative errno. */
  readonly length: number
  /** The descriptors that came along, close-on-exec, and the receiver's to close. */
  readonly fds: readonly Fd[]
  /** Some that were sent are not among them: this process had no room for more (MSG_CTRUNC, at RLIMIT_NOFILE). */
  readonly isTruncated: boolean
}

/**
 * recvmsg(sockfd, msg, flags | MSG_CMSG_CLOEXEC): one message into `memory`, and
 * the descriptors it carries. -EAGAIN (nothing there yet) and -ECONNRESET are
 * ordinary; so this call never throws.
 *
 * https://man7.org/linux/man-pages/man2/recvmsg.2.html
 */
export function recvmsg(fd: Fd, memory: Memory, flags = 0): ReceivedMessage {
  prepare(memory, memory.bytes.length, CONTROL_BYTES)
  const length = libc.recvmsg(fd, header.address, flags | MSG_CMSG_CLOEXEC)
  if (length < 0) return { length, fds: NONE, isTruncated: false }
  return { length, fds: receivedFds(), isTruncated: (header.bytes.readInt32LE(48) & MSG_CTRUNC) !== 0 }
}

const NONE: readonly Fd[] = []

function receivedFds(): readonly Fd[] {
  const controlLength = header.bytes.readUInt32LE(40)
  if (controlLength < CMSG_HEADER) return NONE
  if (control.bytes.readInt32LE(8) !== SOL_SOCKET || control.bytes.readInt32LE(12) !== SCM_RIGHTS) return NONE
  const count = Math.floor((control.bytes.readUInt32LE(0) - CMSG_HEADER) / 4)
  return Array.from({ length: count }, (_, i) => control.bytes.readInt32LE(CMSG_HEADER + 4 * i) as Fd)
}

/** A pointer or size_t, little-endian. Addresses in user space fit a double exactly. */
function writeAddress(memory: Memory, at: number, value: number): void {
  memory.bytes.writeUInt32LE(value % 0x1_0000_0000, at)
  memory.bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4)
}
