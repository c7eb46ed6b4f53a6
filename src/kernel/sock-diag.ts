/**
 * What the kernel tells of other sockets than one's own (sock_diag(7)): a question
 * and its answers over a netlink socket. Nobody needs a privilege for it.
 *
 * | struct | size | fields (offset) | header |
 * | --- | --- | --- | --- |
 * | nlmsghdr | 16 | len 0, type 4, flags 6, seq 8, pid 12 | linux/netlink.h |
 * | nlmsgerr | 4 of 20 | error 0 (a negative errno) | linux/netlink.h |
 * | rtattr | 4 | len 0, type 2, then the data, to a multiple of 4 | linux/rtnetlink.h |
 * | inet_diag_req_v2 | 56 | family 0, protocol 1, ext 2, states 4, id 8 | linux/inet_diag.h |
 * | inet_diag_msg | 72 | family 0, state 1, id 4, rqueue 56, wqueue 60, inode 68 | linux/inet_diag.h |
 * | inet_diag_sockid | 48 | sport 0, dport 2 (big-endian), src 4, dst 20 | linux/inet_diag.h |
 * | unix_diag_req | 24 | family 0, states 4, ino 8, show 12, cookie 16 | linux/unix_diag.h |
 * | unix_diag_msg | 16 | family 0, ino 4 | linux/unix_diag.h |
 * | unix_diag_rqlen | 8 | rqueue 0, wqueue 4 | linux/unix_diag.h |
 */
import {
  AF_INET,
  AF_NETLINK,
  AF_UNIX,
  INET_DIAG_INFO,
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
import { readIPv4, readIPv6, type SocketAddress } from './sockaddr.ts'
import { recv, send, socket } from './socket.ts'
import type { AcceptQueue } from './tcp.ts'
import { decodeTcpInfo, type TcpInfo } from './tcp-info.ts'

const HEADER = 16
const ATTRIBUTE = 4
const INET_REQUEST = 56
const INET_ID_IN_REQUEST = 8
const INET_ID = 4
const INET_ANSWER = 72
const UNIX_REQUEST = 24
const UNIX_ANSWER = 16
/** The kernel puts so many bytes of answers together at most (SKB_WITH_OVERHEAD(32768)); one is far smaller. */
const received = allocate(32 * 1024)

/** Which TCP sockets are asked for: of this process and of all others in its network namespace. */
export interface TcpQuery {
  /** AF_INET or AF_INET6. */
  readonly family: number
  /** Bits: `1 << TCP_SYN_RECV` and so on. */
  readonly states: number
  /** The local port. */
  readonly port: number
  /** The local address; null is any. */
  readonly address: string | null
}

/** One of them, as sock_diag tells of it. */
export interface TcpSocket {
  readonly state: number
  readonly local: SocketAddress
  readonly remote: SocketAddress
  /** By which a process' descriptor of it is found (`fstat`, /proc/PID/fd). 0 while nobody has accepted it. */
  readonly inode: number
  /** Bytes that have arrived and were not read. */
  readonly unread: number
  /** Bytes that were written and are not acknowledged. */
  readonly unacknowledged: number
  /** Null in a handshake. */
  readonly info: TcpInfo | null
}

/**
 * How many there are. It costs the kernel a walk through its table of connections.
 * Throws a SyscallError: ENOENT or EPROTONOSUPPORT on a kernel without inet_diag.
 *
 * https://man7.org/linux/man-pages/man7/sock_diag.7.html
 */
export function countTcpSockets(query: TcpQuery): number {
  const isAsked = asks(query)
  let count = 0
  ask(inetRequest(query, 0), NLM_F_DUMP, (answer) => {
    if (isAsked(answer)) count += 1
  })
  return count
}

/**
 * All of them, `most` at most, in no order. Costs and throws as `countTcpSockets`
 * does.
 */
export function tcpSockets(query: TcpQuery, most = Number.POSITIVE_INFINITY): TcpSocket[] {
  const isAsked = asks(query)
  const sockets: TcpSocket[] = []
  ask(inetRequest(query, 1 << (INET_DIAG_INFO - 1)), NLM_F_DUMP, (answer) => {
    if (sockets.length < most && isAsked(answer)) sockets.push(socketIn(answer))
  })
  return sockets
}

function inetRequest({ family, states, port }: TcpQuery, extensions: number): Buffer {
  const request = Buffer.alloc(INET_REQUEST)
  request.writeUInt8(family, 0)
  request.writeUInt8(IPPROTO_TCP, 1)
  request.writeUInt8(extensions, 2)
  request.writeUInt32LE(states, 4)
  request.writeUInt16BE(port, INET_ID_IN_REQUEST)
  return request
}

/** The kernel looks at the port; the address is ours to look at. */
function asks({ family, address }: TcpQuery): (answer: Buffer) => boolean {
  const readAddress = family === AF_INET ? readIPv4 : readIPv6
  return (answer) => address === null || readAddress(answer, INET_ID + 4) === address
}

function socketIn(answer: Buffer): TcpSocket {
  const info = attributeIn(answer, INET_ANSWER, INET_DIAG_INFO)
  return {
    state: answer.readUInt8(1),
    local: addressIn(answer, INET_ID, INET_ID + 4),
    remote: addressIn(answer, INET_ID + 2, INET_ID + 20),
    inode: answer.readUInt32LE(68),
    unread: answer.readUInt32LE(56),
    unacknowledged: answer.readUInt32LE(60),
    info: info === null ? null : decodeTcpInfo(info),
  }
}

function addressIn(answer: Buffer, portAt: number, addressAt: number): SocketAddress {
  const port = answer.readUInt16BE(portAt)
  if (answer.readUInt8(0) === AF_INET) return { family: 'IPv4', address: readIPv4(answer, addressAt), port }
  return { family: 'IPv6', address: readIPv6(answer, addressAt), port }
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
  const queue = attributeIn(answer, UNIX_ANSWER, UNIX_DIAG_RQLEN)
  return queue === null ? null : { length: queue.readUInt32LE(0), limit: queue.readUInt32LE(4) }
}

/** The data of the first attribute of that type, of those from `at` on. */
function attributeIn(answer: Buffer, from: number, type: number): Buffer | null {
  for (let at = from; at + ATTRIBUTE <= answer.length; ) {
    const length = answer.readUInt16LE(at)
    if (length < ATTRIBUTE) return null
    if (answer.readUInt16LE(at + 2) === type) return answer.subarray(at + ATTRIBUTE, at + length)
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
