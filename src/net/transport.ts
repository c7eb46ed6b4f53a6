/**
 * What a connection does with its socket: plain TCP here; TLS would be the
 * second implementation of the same five verbs.
 *
 * Results are those of the system calls: bytes, 0, or a negative errno; nothing
 * here throws for what a peer does.
 */
import { MSG_MORE, SHUT_WR } from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { sendfile } from '../kernel/file.ts'
import type { Memory } from '../kernel/memory.ts'
import { recv, send, shutdown } from '../kernel/socket.ts'

export interface Transport {
  readonly fd: Fd
  /** Bytes received, 0 when the peer has finished sending, -EAGAIN, or another -errno: the peer is gone. */
  recv(memory: Memory, at: number, length: number): number
  /** Bytes taken, -EAGAIN, or another -errno: the peer is gone. `more` says that other bytes follow at once. */
  send(memory: Memory, at: number, length: number, more: boolean): number
  /** As `send`, from a file; 0 when the file ends at `offset`. */
  sendfile(file: Fd, offset: number, length: number): number
  /** Says that nothing more will be sent (FIN). */
  finish(): void
  /** Gives the descriptor back; once. */
  close(): void
}

export class PlainTransport implements Transport {
  readonly fd: Fd

  constructor(fd: Fd) {
    this.fd = fd
  }

  recv(memory: Memory, at: number, length: number): number {
    return recv(this.fd, memory, at, length)
  }

  send(memory: Memory, at: number, length: number, more: boolean): number {
    return send(this.fd, memory, at, length, more ? MSG_MORE : 0)
  }

  sendfile(file: Fd, offset: number, length: number): number {
    return sendfile(this.fd, file, offset, length)
  }

  finish(): void {
    shutdown(this.fd, SHUT_WR)
  }

  close(): void {
    close(this.fd)
  }
}
