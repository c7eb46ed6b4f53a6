/**
 * What `prefork reload`, `stop`, `quit`, `status` and `trace` and the supervisor say to each
 * other: short JSON messages over a SOCK_SEQPACKET Unix socket, one message a
 * packet, one request at a time.
 *
 *     command ──────────── reload, stop, quit, status ──▶ supervisor
 *     command ◀── begun, and later done or failed ─────── supervisor    reload
 *     command ◀── begun, and later it hangs up ────────── supervisor    stop, quit
 *     command ◀── piece ── more ──▶ piece ── more ──▶ … ─ supervisor    status
 *     command ◀── watching, with descriptors ──────────── supervisor    watch, until unwatch or it hangs up
 *
 * The document of a large tree is longer than a packet, and than what a socket
 * holds for a reader that is slow. So it goes in pieces, each when it is asked for.
 *
 * Nothing here blocks. Descriptors come from the supervisor alone, with `watching`; what a stranger sends along is
 * never taken: recv(2) drops it.
 */
import {
  MSG_DONTWAIT,
  SO_PEERCRED,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOL_SOCKET,
} from '../kernel/constants.ts'
import { EAGAIN, ECONNRESET } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { allocate, memoryOf } from '../kernel/memory.ts'
import { recvmsg, sendmsg } from '../kernel/message.ts'
import { domainOf, socketAddress } from '../kernel/sockaddr.ts'
import { connect, getsockoptBytes, recv, send, socket } from '../kernel/socket.ts'
import { type Demand, EVERYTHING, type Handed } from '../trace/rings.ts'
import type { TreeStatus } from './tree-status.ts'

export const REQUESTS = ['reload', 'stop', 'quit', 'status', 'watch', 'unwatch'] as const

/** To reload and the like nothing has to be added. */
export type PlainRequest = { readonly type: Exclude<(typeof REQUESTS)[number], 'watch'> }

/** Connections are followed for this client (trace/rings.ts), until it says `unwatch`, asks anew or hangs up. */
export interface WatchRequest {
  readonly type: 'watch'
  readonly demand: Demand
}

export type ControlRequest = PlainRequest | WatchRequest

/** What is said to a request, short of a status. */
export type ControlWord =
  /**
   * It takes a while: `message` says what is waited for. The end comes within so many milliseconds, or something is
   * wrong; null is however long it takes.
   */
  | { readonly type: 'begun'; readonly message: string; readonly withinMs: number | null }
  | { readonly type: 'done'; readonly message: string }
  /** `message` is the sentence of why. */
  | { readonly type: 'failed'; readonly message: string }

/** What the supervisor answers. Nobody waits longer than ANSWER_MS for its first word. */
export type ControlAnswer =
  | ControlWord
  | { readonly type: 'status'; readonly status: TreeStatus }
  /** The descriptors are closed once they are sent. */
  | ({ readonly type: 'watching' } & Handed)

/** The descriptors come along with it. */
export type WatchingWord = { readonly type: 'watching' } & Omit<Handed, 'fds'>

/** A part of a status document. */
export interface Piece {
  readonly type: 'piece'
  readonly text: string
  readonly isLast: boolean
}

export type ToServer = ControlRequest | { readonly type: 'more' }
export type ToClient = ControlWord | Piece
/** To `watch` and `unwatch`. */
export type ToWatcher = ControlWord | WatchingWord

export const ANSWER_MS = 10_000

/** The longest message, in bytes; what is longer is cut by recv(2), and then no JSON. */
export const MESSAGE_BYTES_MAX = 16 * 1024
/** The longest text in a message. JSON may need six bytes for a character (`\u0000`), and the rest of the message a few. */
export const TEXT_CHARS_MAX = 2_500

/** A socket connected to the server of that path. Throws a SyscallError: ENOENT, ECONNREFUSED, EACCES, EAGAIN, … */
export function connectControl(path: string): Fd {
  const address = socketAddress(path)
  const fd = socket(domainOf(address), SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC)
  try {
    connect(fd, address)
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}

/** False when it was not taken: the other side is gone, or does not read. */
export function sendPacket(fd: Fd, message: ToServer | ToClient | ToWatcher, fds: readonly Fd[] = []): boolean {
  const bytes = Buffer.from(JSON.stringify(message))
  if (fds.length > 0) return sendmsg(fd, memoryOf(bytes), bytes.length, fds, MSG_DONTWAIT) === bytes.length
  return send(fd, memoryOf(bytes), 0, bytes.length, MSG_DONTWAIT) === bytes.length
}

/** A message of unknown origin: all that is sure of it is that it has a type. */
export interface Packet {
  readonly type: string
}

const received = allocate(MESSAGE_BYTES_MAX)

/** The next message; null when there is none now; 'closed' when the other side is gone; 'garbage' for anything else. */
export function receivePacket(fd: Fd): Packet | null | 'closed' | 'garbage' {
  let length = recv(fd, received, 0, MESSAGE_BYTES_MAX, MSG_DONTWAIT)
  // Said once, when the other side closed without reading all of ours; what it sent before lies behind it.
  if (length === -ECONNRESET) length = recv(fd, received, 0, MESSAGE_BYTES_MAX, MSG_DONTWAIT)
  return packetOf(length)
}

/** The same, from the supervisor, with the descriptors that came along: the receiver's to close. */
export function receiveWithFds(fd: Fd): {
  readonly packet: ReturnType<typeof receivePacket>
  readonly fds: readonly Fd[]
} {
  const { length, fds } = recvmsg(fd, received, MSG_DONTWAIT)
  return { packet: packetOf(length), fds }
}

function packetOf(length: number): Packet | null | 'closed' | 'garbage' {
  if (length === -EAGAIN) return null
  if (length <= 0) return 'closed'
  try {
    const value = JSON.parse(received.bytes.toString('utf8', 0, length)) as Partial<Packet> | null
    return typeof value?.type === 'string' ? (value as Packet) : 'garbage'
  } catch {
    return 'garbage'
  }
}

export function isRequest(packet: Packet): packet is ControlRequest {
  if (packet.type === 'watch') return isDemand((packet as Partial<WatchRequest>).demand)
  return REQUESTS.some((type) => type === packet.type)
}

function isDemand(demand: Partial<Demand> | null | undefined): boolean {
  const isCount = (it: unknown) => Number.isInteger(it) && (it as number) >= 1 && (it as number) <= EVERYTHING
  return isCount(demand?.connectionsPerSecond) && isCount(demand?.stepsPerConnection)
}

/** Who is on the other side: for a client who listens there, for a server who connected. */
export interface Peer {
  /** 0 for a process in a namespace that we do not see. */
  readonly pid: number
  readonly uid: number
}

/** sys/socket.h: `struct ucred { pid_t pid; uid_t uid; gid_t gid; }` */
const ucred = allocate(12)

/** getsockopt(SO_PEERCRED): what the kernel wrote down at connect(2), and nobody can forge. */
export function peerOf(fd: Fd): Peer {
  getsockoptBytes(fd, SOL_SOCKET, SO_PEERCRED, ucred)
  return { pid: ucred.bytes.readInt32LE(0), uid: ucred.bytes.readUInt32LE(4) }
}
