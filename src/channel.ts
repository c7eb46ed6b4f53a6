/**
 * What the processes of the tree say to each other: short JSON messages over
 * SOCK_SEQPACKET socketpairs, one message a packet; descriptors travel along.
 *
 *     supervisor ── fork, with a line and listeners ──▶ preloader        its channel
 *     supervisor ◀── loaded, failed, forked, died ───── preloader
 *     supervisor ◀──── ready, failed, tired, shut ───── worker           its line
 *     supervisor ─────────── connection ──────────────▶ worker           (accept 'parent')
 *
 * Nobody but the two holds the ends of such a pair for long. So the kernel tells
 * both sides of a death: when the supervisor is gone every worker sees its line
 * hang up, and when a worker is gone the supervisor does.
 */
import { MSG_DONTWAIT } from './kernel/constants.ts'
import { EAGAIN, ECONNRESET, EPIPE } from './kernel/errno.ts'
import { close, type Fd } from './kernel/fd.ts'
import { allocate, memoryOf } from './kernel/memory.ts'
import { recvmsg, sendmsg } from './kernel/message.ts'

/** What is told of a listener whose descriptor comes beside it: see InheritedListener (boot.ts). */
interface ListenerFacts {
  readonly authority: string
  readonly isSecure: boolean
}

/** To the preloader. */
export type Order =
  /** Fork a worker. With it come the worker's line, and the descriptor of each of `listeners`. */
  | { readonly type: 'fork'; readonly slot: number; readonly row: number; readonly listeners: readonly ListenerFacts[] }
  /**
   * The model 'fork': accept from the listeners that come with this, and fork a child for each connection, with a row
   * from `firstRow` on.
   */
  | { readonly type: 'accept'; readonly firstRow: number; readonly listeners: readonly ListenerFacts[] }
  /** The model 'fork': pass the signal on to all children. */
  | { readonly type: 'tell'; readonly signal: number }
  /** The model 'fork': accept no more, and end when the last child has; within so many milliseconds, Infinity as null. */
  | { readonly type: 'end'; readonly signal: number; readonly withinMs: number | null }

/** To the supervisor, from a preloader. */
export type PreloaderReport =
  /** It has loaded the app and can fork. */
  | { readonly type: 'loaded' }
  /** It cannot load the app, or what it is served with, and ends. At a start, and where there is a stack, it has said more on stderr. */
  | { readonly type: 'failed'; readonly why: string }
  /** Its self-check found that forking cannot be trusted here. */
  | { readonly type: 'unforkable'; readonly why: string }
  | { readonly type: 'forked'; readonly slot: number; readonly pid: number }
  /** fork(2) itself failed. */
  | { readonly type: 'unborn'; readonly slot: number; readonly why: string }
  /** A child of the preloader has ended. One of exitCode and signal is null. */
  | { readonly type: 'died'; readonly pid: number; readonly exitCode: number | null; readonly signal: number | null }
  /** The model 'fork': it accepts connections. */
  | { readonly type: 'accepting' }
  /** The model 'fork': it has been told to end, and accepts no more. */
  | { readonly type: 'shut' }

/** To the supervisor, from a worker. */
export type WorkerReport =
  /** It accepts connections. */
  | { readonly type: 'ready'; readonly pid: number }
  /** It cannot serve, because the app does not load (by exec) or its workerStart fails: as of a preloader. */
  | { readonly type: 'failed'; readonly pid: number; readonly why: string }
  /** It has done its share (recycle.maxRequestsPerWorker): another should take its place. */
  | { readonly type: 'tired'; readonly why: string }
  /** It has taken so many of the connections that were passed to it. */
  | { readonly type: 'taken'; readonly count: number }
  /** It is ending, and accepts no more. */
  | { readonly type: 'shut' }

/** To a worker: a connection that the supervisor has accepted for it comes with this. */
export interface PassedConnection {
  readonly type: 'connection'
  /** As its listener was when it was accepted. */
  readonly isSecure: boolean
}

export type PreloaderChannel = Channel<Order, PreloaderReport>
export type WorkerLine = Channel<PassedConnection, WorkerReport>

/** The longest message, in bytes: far more than any of the above; a longer one would be cut by recv(2). */
const MESSAGE_BYTES_MAX = 16 * 1024

/** `tried` later: the other side's buffer is full. `gone`: nobody listens any more. */
export type Sent = 'sent' | 'full' | 'gone'

export class Channel<Incoming, Outgoing> {
  readonly fd: Fd
  readonly #memory = allocate(MESSAGE_BYTES_MAX)
  /** The descriptors that came with the last message received: whoever takes it closes them. */
  fds: readonly Fd[] = []

  constructor(fd: Fd) {
    this.fd = fd
  }

  /** False when nobody listens any more. Blocks while the other side's buffer is full: it always reads soon. */
  send(message: Outgoing, fds: readonly Fd[] = []): boolean {
    return this.#send(message, fds, 0) !== 'gone'
  }

  /** As `send`, for whoever must not wait. */
  trySend(message: Outgoing, fds: readonly Fd[] = []): Sent {
    return this.#send(message, fds, MSG_DONTWAIT)
  }

  /** The next message; null when there is none now; 'closed' when the other side is gone. Never blocks. */
  receive(): Incoming | null | 'closed' {
    const { length, fds } = recvmsg(this.fd, this.#memory, MSG_DONTWAIT)
    this.fds = fds
    if (length === -EAGAIN) return null
    if (length <= 0) return 'closed'
    return JSON.parse(this.#memory.bytes.toString('utf8', 0, length)) as Incoming
  }

  close(): void {
    close(this.fd)
  }

  #send(message: Outgoing, fds: readonly Fd[], flags: number): Sent {
    const bytes = Buffer.from(JSON.stringify(message))
    const result = sendmsg(this.fd, memoryOf(bytes), bytes.length, fds, flags)
    if (result === -EPIPE || result === -ECONNRESET) return 'gone'
    return result < 0 ? 'full' : 'sent'
  }
}
