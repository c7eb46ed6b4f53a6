/**
 * What a descriptor of this process is, asked of the kernel.
 *
 * With functions and memory of its own: those of kernel/ may be in use, for the
 * narrator speaks after a call has been made and before its caller has read what
 * the kernel wrote.
 */
import { readlinkSync } from 'node:fs'
import { POLLOUT, SO_ACCEPTCONN, SO_TYPE, SOCK_STREAM, SOL_SOCKET } from '../kernel/constants.ts'
import { bindUnwatched } from '../kernel/libc.ts'
import { allocate } from '../kernel/memory.ts'
import { decodeSockaddr, formatSocketAddress, SOCKADDR_MAX } from '../kernel/sockaddr.ts'
import { addressText } from './call.ts'
import { CHANNEL, type Thing } from './descriptors.ts'

const libc = {
  getsockname: bindUnwatched('getsockname', 'int', ['int', 'uintptr_t', 'uintptr_t']),
  getpeername: bindUnwatched('getpeername', 'int', ['int', 'uintptr_t', 'uintptr_t']),
  getsockopt: bindUnwatched('getsockopt', 'int', ['int', 'int', 'int', 'uintptr_t', 'uintptr_t']),
  poll: bindUnwatched('poll', 'int', ['uintptr_t', 'size_t', 'int']),
}

const answer = allocate(SOCKADDR_MAX)
const length = allocate(4)
/** `struct pollfd { int fd; short events; short revents; }` */
const asked = allocate(8)

export function whatIs(fd: number): Thing {
  const link = linkOf(fd)
  return link.startsWith('socket:') ? whichSocket(fd) : { kind: 'other', what: link }
}

/** Whether it can be written to, before so many milliseconds have passed. */
export function isWritableWithin(fd: number, ms: number): boolean {
  asked.bytes.writeInt32LE(fd, 0)
  asked.bytes.writeInt32LE(POLLOUT, 4)
  return libc.poll(asked.address, 1, ms) > 0
}

function linkOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return 'closed'
  }
}

function whichSocket(fd: number): Thing {
  const own = addressBy(libc.getsockname, fd)
  if (own === null || option(fd, SO_TYPE) !== SOCK_STREAM) return CHANNEL
  if (option(fd, SO_ACCEPTCONN) === 1) return { kind: 'listener', address: addressText(own) }
  const peer = addressBy(libc.getpeername, fd)
  if (peer === null) return { kind: 'socket' }
  // A pair of sockets has no addresses. A client of a Unix socket has none, but its server has.
  return own === '' ? CHANNEL : { kind: 'connection', peer: addressText(peer), isShared: false }
}

/** '' for a Unix socket without a name; null where there is none. */
function addressBy(call: typeof libc.getsockname, fd: number): string | null {
  length.bytes.writeUInt32LE(SOCKADDR_MAX)
  if (call(fd, answer.address, length.address) !== 0) return null
  return formatSocketAddress(decodeSockaddr(answer.bytes, 0, length.bytes.readUInt32LE(0)))
}

function option(fd: number, name: number): number | null {
  length.bytes.writeUInt32LE(4)
  const result = libc.getsockopt(fd, SOL_SOCKET, name, answer.address, length.address)
  return result === 0 ? answer.bytes.readInt32LE(0) : null
}
