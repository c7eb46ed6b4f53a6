/**
 * What a connection does with its socket: plain TCP here; TLS is the second
 * implementation of the same verbs (tls-transport.ts).
 *
 * Results are those of the system calls: bytes, 0, or a negative errno; nothing
 * here throws for what a peer does.
 */
import { MSG_MORE, SHUT_WR, SIOCOUTQ } from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { sendfile } from '../kernel/file.ts'
import { ioctl } from '../kernel/ioctl.ts'
import type { Memory } from '../kernel/memory.ts'
import { recv, resetOnClose, send, shutdown } from '../kernel/socket.ts'

/** What TLS has found out about a connection, once its handshake is over. */
export interface Secure {
  /** `TLSv1.3` */
  readonly version: string
  /** OpenSSL's name: `TLS_AES_128_GCM_SHA256`. */
  readonly cipher: string
  /** The name that the client has asked for (SNI); null: for none. */
  readonly serverName: string | null
  /** What was agreed on (ALPN): `http/1.1`; null: the client offered nothing. */
  readonly protocol: string | null
  /** It has come back with a session ticket. */
  readonly isResumed: boolean
  /** What is sent the kernel encrypts (kernel TLS). */
  readonly isSentByKernel: boolean
  /** What the client has shown, and an authority has vouched for, in DER; null: none. */
  readonly clientCertificate: Buffer | null
}

/** What has become of a handshake of TLS: it was finished, in full or with a ticket, or not. */
export type HandshakeResult = 'full' | 'resumed' | 'failed'

/** Is told of it once. `why` it has failed; null: it was in the midst when our side ended the connection, or the kernel said that it is broken. */
export type OnHandshake = (result: HandshakeResult, why: string | null) => void

export interface Transport {
  readonly fd: Fd
  /** Another process holds a copy of the descriptor, for a while: closing ours is not the end of the socket. */
  readonly isShared: boolean
  /** What goes over the wire is encrypted. */
  readonly isSecure: boolean
  /** What that has found out; null: it is not encrypted. Made when first asked for. To be had after the end, too, where it was made by then or `keepSecure` was called. */
  readonly secure: Secure | null
  /** It holds, or may hold, bytes that the kernel has given already and says nothing of any more: the next `recv` is worth a try. */
  readonly mayHoldMore: boolean
  /** The last `recv` could not go on before the socket has room to write. */
  readonly wantsWrite: boolean
  /** The last `recv` was put off, or had nothing to give but would go on: it is to be tried in the next round. What is left lies in the socket. */
  readonly isHeldBack: boolean
  /** The last `recv` put a handshake off, or found a message of one, and answered: until then it was us who were waited for. */
  readonly keptWaiting: boolean
  /** That nothing more will be sent was said. */
  readonly hasFinished: boolean
  /** `secure` may be asked for when the connection is over. */
  keepSecure(): void
  /** The loop's round of this number has come to this connection. */
  beginTurn(round: number): void
  /** Bytes received, 0 when the peer has finished sending, -EAGAIN, or another -errno: the peer is gone. */
  recv(memory: Memory, at: number, length: number): number
  /** Bytes taken, -EAGAIN, or another -errno: the peer is gone. `more` says that other bytes follow at once. */
  send(memory: Memory, at: number, length: number, more: boolean): number
  /** As `send`, from a file; 0 when the file ends at `offset`. */
  sendfile(file: Fd, offset: number, length: number): number
  /** Bytes that the kernel has taken, and that the peer has not acknowledged. */
  bytesInFlight(): number
  /** What is sent from here on is followed at once by `finish`: it may wait for that, and leave together with the FIN. */
  endSoon(): void
  /**
   * Says to the peer, before the FIN, that all was sent, in transports that have a word for it (close_notify). False: the
   * socket has no room for it yet; to be called again when it is writable. `finish` and `close` do it, too, but do not wait.
   */
  sayGoodbye(): boolean
  /** Says that nothing more will be sent (FIN). */
  finish(): void
  /** Gives the descriptor back; once, and not after `reset`. */
  close(): void
  /** As `close`, and tells the peer that what it has received is not whole (RST). */
  reset(): void
}

export class PlainTransport implements Transport {
  readonly fd: Fd
  readonly isShared: boolean
  hasFinished = false
  #endsSoon = false

  constructor(fd: Fd, isShared = false) {
    this.fd = fd
    this.isShared = isShared
  }

  // What is the same of all of them is no field: of thousands of connections it would be memory.

  get isSecure(): boolean {
    return false
  }

  get secure(): null {
    return null
  }

  get mayHoldMore(): boolean {
    return false
  }

  get wantsWrite(): boolean {
    return false
  }

  get isHeldBack(): boolean {
    return false
  }

  get keptWaiting(): boolean {
    return false
  }

  keepSecure(): void {}

  beginTurn(): void {}

  recv(memory: Memory, at: number, length: number): number {
    return recv(this.fd, memory, at, length)
  }

  send(memory: Memory, at: number, length: number, more: boolean): number {
    return send(this.fd, memory, at, length, more || this.#endsSoon ? MSG_MORE : 0)
  }

  sendfile(file: Fd, offset: number, length: number): number {
    return sendfile(this.fd, file, offset, length)
  }

  bytesInFlight(): number {
    return ioctl(this.fd, SIOCOUTQ)
  }

  endSoon(): void {
    this.#endsSoon = true
  }

  sayGoodbye(): boolean {
    return true
  }

  finish(): void {
    this.hasFinished = true
    shutdown(this.fd, SHUT_WR)
  }

  close(): void {
    if (this.isShared) this.finish() // else the client would hear of the end when the last copy is closed
    close(this.fd)
  }

  reset(): void {
    resetOnClose(this.fd)
    close(this.fd)
  }
}
