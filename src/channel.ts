/**
 * What the processes of the tree say to each other: short JSON messages over a
 * SOCK_SEQPACKET socketpair, one message a packet.
 *
 *     supervisor ──── fork ────▶ preloader
 *     supervisor ◀── loaded, forked, died ── preloader
 *     supervisor ◀──── ready ──── worker
 *
 * The preloader and the workers it forks share one end. So the kernel tells both
 * sides of a death: when the supervisor is gone every worker sees its end hang
 * up, and when the last process of a generation is gone the supervisor does.
 */
import { MSG_DONTWAIT } from './kernel/constants.ts'
import { EAGAIN, ECONNRESET, EPIPE } from './kernel/errno.ts'
import { close, type Fd } from './kernel/fd.ts'
import { allocate, memoryOf } from './kernel/memory.ts'
import { recv, send } from './kernel/socket.ts'

/** To the preloader: fork a worker for this slot. */
export interface ForkOrder {
  readonly type: 'fork'
  readonly slot: number
}

/** To the supervisor. */
export type Report =
  /** The preloader has loaded the app and can fork. */
  | { readonly type: 'loaded' }
  /** The preloader's self-check found that forking cannot be trusted here. */
  | { readonly type: 'unforkable'; readonly why: string }
  | { readonly type: 'forked'; readonly slot: number; readonly pid: number }
  /** fork(2) itself failed. */
  | { readonly type: 'unborn'; readonly slot: number; readonly why: string }
  /** A child of the preloader has ended. One of exitCode and signal is null. */
  | { readonly type: 'died'; readonly pid: number; readonly exitCode: number | null; readonly signal: number | null }
  /** A worker accepts connections. */
  | { readonly type: 'ready'; readonly slot: number; readonly pid: number }

/** The longest message, in bytes: far more than any of the above; a longer one would be cut by recv(2). */
const MESSAGE_BYTES_MAX = 16 * 1024

export class Channel<Incoming, Outgoing> {
  readonly fd: Fd
  readonly #memory = allocate(MESSAGE_BYTES_MAX)

  constructor(fd: Fd) {
    this.fd = fd
  }

  /** False when nobody listens any more. Blocks while the other side's buffer is full: it always reads soon. */
  send(message: Outgoing): boolean {
    const bytes = Buffer.from(JSON.stringify(message))
    const result = send(this.fd, memoryOf(bytes), 0, bytes.length)
    return result !== -EPIPE && result !== -ECONNRESET
  }

  /** The next message; null when there is none now; 'closed' when the other side is gone. Never blocks. */
  receive(): Incoming | null | 'closed' {
    const length = recv(this.fd, this.#memory, 0, MESSAGE_BYTES_MAX, MSG_DONTWAIT)
    if (length === -EAGAIN) return null
    if (length <= 0) return 'closed'
    return JSON.parse(this.#memory.bytes.toString('utf8', 0, length)) as Incoming
  }

  close(): void {
    close(this.fd)
  }
}
