/**
 * What the kernel tells of other sockets than one's own (sock_diag(7)): a question
 * and its answers over a netlink socket. Nobody needs a privilege for it.
 *
 * | struct | size | fields (offset) | header |
 * | --- | --- | --- | --- |
 * | nlmsghdr | 16 | len 0, type 4, flags 6, seq 8, pid 12 | linux/netlink.h |
 * | nlmsgerr | 4 of 20 | error 0 (a negative errno) | linux/netlink.h |
 * | rtattr | 4 | len 0, type 2, then the data, to a multiple of 4 | linux/rtnetlink.h |
 * | inet_diag_req_v2 | 56 | family 0, protocol 1, states 4, id 8 | linux/inet_diag.h |
 * | inet_diag_msg | 72 | family 0, id 4 | linux/inet_diag.h |
 * | inet_diag_sockid | 48 | sport 0, dport 2 (big-endian), src 4, dst 20 | linux/inet_diag.h |
 * | unix_diag_req | 24 | family 0, states 4, ino 8, show 12, cookie 16 | linux/unix_diag.h |
 * | unix_diag_msg | 16 | family 0, ino 4 | linux/unix_diag.h |
 * | unix_diag_rqlen | 8 | rqueue 0, wqueue 4 | linux/unix_diag.h |
 */
import {
  AF_INET,
  AF_NETLINK,
  AF_UNIX,
  IPPROTO_TCP,
  MSG_DONTWAIT,
  NETLINK_SOCK_DIAG,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  SOCK_CLOEXEC,
  SOCK_DIAG_BY_FAMILY,
  SOCK_RAW,
  UDIAG_SHOW_RQLEN,
  UNIX_DIAG_RQLEN,
} from './constants.ts'
import { EPROTO, must, SyscallError } from './errno.ts'
import { close, type Fd } from './fd.ts'
import { allocate, memoryOf } from './memory.ts'
import { readIPv4, readIPv6 } from './sockaddr.ts'
import { recv, send, socket } from './socket.ts'
import type { AcceptQueue } from './tcp.ts'

const HEADER = 16
const ATTRIBUTE = 4
const INET_REQUEST = 56
const INET_ID_IN_REQUEST = 8
const INET_ID = 4
const UNIX_REQUEST = 24
const UNIX_ANSWER = 16
/** The kernel puts so many bytes of answers together at most (SKB_WITH_OVERHEAD(32768)); one is far smaller. */
const received = allocate(32 * 1024)

/**
 * How many TCP sockets there are of a family (AF_INET, AF_INET6), in one of
 * `states` (bits 1 << TCP_SYN_RECV and so on), at a local port, and at a local
 * address where one is given. Those of other processes count like our own.
 *
 * It costs the kernel a walk through its table of connections. Throws a
 * SyscallError: ENOENT or EPROTONOSUPPORT on a kernel without inet_diag.
 *
 * https://man7.org/linux/man-pages/man7/sock_diag.7.html
 */
export function countTcpSockets(family: number, states: number, port: number, address: string | null = null): number {
  const request = Buffer.alloc(INET_REQUEST)
  request.writeUInt8(family, 0)
  request.writeUInt8(IPPROTO_TCP, 1)
  request.writeUInt32LE(states, 4)
  request.writeUInt16BE(port, INET_ID_IN_REQUEST)
  const readAddress = family === AF_INET ? readIPv4 : readIPv6
  let count = 0
  ask(request, NLM_F_DUMP, (answer) => {
    if (address === null || readAddress(answer, INET_ID + 4) === address) count += 1
  })
  return count
}

/**
 * The accept queue of the listening Unix socket with that inode (`fstat`): what
 * TCP_INFO tells of a TCP socket. Throws a SyscallError: ENOENT when there is no
 * such socket here, or no unix_diag in this kernel.
 *
 * https://man7.org/linux/man-pages/man7/sock_diag.7.html
 */
export function acceptQueueOfUnix(inode: number): AcceptQueue {
  const request = Buffer.alloc(UNIX_REQUEST)
  request.writeUInt8(AF_UNIX, 0)
  request.writeUInt32LE(0xffffffff, 4) // in any state
  request.writeUInt32LE(inode, 8)
  request.writeUInt32LE(UDIAG_SHOW_RQLEN, 12)
  request.fill(0xff, 16) // INET_DIAG_NOCOOKIE: of whatever cookie
  let queue: AcceptQueue | null = null
  ask(request, 0, (answer) => {
    queue = queueIn(answer)
  })
  if (queue === null) throw new SyscallError('sock_diag', EPROTO, `of the Unix socket with inode ${inode}`)
  return queue
}

/** The attribute UNIX_DIAG_RQLEN: for a listening socket, who waits and who may. */
function queueIn(answer: Buffer): AcceptQueue | null {
  for (let at = UNIX_ANSWER; at + ATTRIBUTE <= answer.length; ) {
    const length = answer.readUInt16LE(at)
    if (length < ATTRIBUTE) return null
    if (answer.readUInt16LE(at + 2) === UNIX_DIAG_RQLEN)
      return { length: answer.readUInt32LE(at + ATTRIBUTE), limit: answer.readUInt32LE(at + ATTRIBUTE + 4) }
    at += aligned(length)
  }
  return null
}

/**
 * One question, and each of its answers without its header; they are valid during the call alone. The kernel answers
 * while it is asked: nothing here waits.
 */
function ask(question: Buffer, flags: number, onAnswer: (answer: Buffer) => void): void {
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
  try {
    const header = Buffer.alloc(HEADER)
    header.writeUInt32LE(HEADER + question.length, 0)
    header.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4)
    header.writeUInt16LE(NLM_F_REQUEST | flags, 6)
    const message = memoryOf(Buffer.concat([header, question]))
    must(send(fd, message, 0, message.bytes.length), 'send', 'to sock_diag')
    while (!takeAnswers(fd, flags === 0, onAnswer));
  } finally {
    close(fd)
  }
}

/** As many as come at once; true when there is none to follow. */
function takeAnswers(fd: Fd, isSingle: boolean, onAnswer: (answer: Buffer) => void): boolean {
  const length = must(recv(fd, received, 0, received.bytes.length, MSG_DONTWAIT), 'recv', 'from sock_diag')
  for (let at = 0; at + HEADER <= length; ) {
    const end = at + received.bytes.readUInt32LE(at)
    const type = received.bytes.readUInt16LE(at + 4)
    if (end < at + HEADER || end > length) throw new SyscallError('recv', EPROTO, 'from sock_diag: a message is cut')
    if (type === NLMSG_DONE) return true
    if (type === NLMSG_ERROR) must(received.bytes.readInt32LE(at + HEADER), 'sock_diag', 'was asked for a socket')
    onAnswer(received.bytes.subarray(at + HEADER, end))
    at += aligned(end - at)
  }
  return isSingle
}

/** NLMSG_ALIGN and RTA_ALIGN: to a multiple of 4. */
function aligned(length: number): number {
  return (length + 3) & ~3
}
