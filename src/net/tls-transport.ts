/**
 * TLS over a connection's socket: the second implementation of the transport's
 * verbs, by the OpenSSL of this process (openssl/ssl.ts).
 *
 *     recv   SSL_read    the first ones do the handshake; nothing is received until that is over
 *     send   SSL_write   a record of 16 KiB at most for each write(2); or send(2) and
 *                        sendfile(2), where the kernel encrypts (kernel-tls.ts)
 *     close  SSL_shutdown, which says close_notify, then close(2)
 *
 * OpenSSL may hold bytes that it has received and not given out yet, of which the
 * kernel says nothing: `mayHoldMore` tells that the next recv is worth a try.
 */
import { IPPROTO_TCP, SHUT_WR, SIOCOUTQ, TCP_CORK } from '../kernel/constants.ts'
import { EAGAIN, ECONNRESET, EPROTO, SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { pread } from '../kernel/file.ts'
import { ioctl } from '../kernel/ioctl.ts'
import { allocate, type Memory, memoryOf } from '../kernel/memory.ts'
import { resetOnClose, send, setsockopt, shutdown } from '../kernel/socket.ts'
import { READ_BUFFER_BYTES } from '../openssl/context.ts'
import { type OpensslError, SSL_R_HTTP_REQUEST } from '../openssl/errors.ts'
import {
  BIO_number_read,
  concludeKtls,
  hasFinishedHandshake,
  isWithinRecord,
  SSL_free,
  SSL_get_cipher_name,
  SSL_get_rbio,
  SSL_get_servername,
  SSL_get_version,
  SSL_get0_alpn_selected,
  SSL_get1_peer_certificate,
  SSL_has_pending,
  SSL_new,
  SSL_new_ktls,
  SSL_read,
  SSL_session_reused,
  SSL_shutdown,
  SSL_write,
  type Ssl,
  type SslContext,
  type WhyNot,
  whyNot,
} from '../openssl/ssl.ts'
import { KernelTls } from './kernel-tls.ts'
import type { HandshakeResult, OnHandshake, Secure, Transport } from './transport.ts'

/** A copy: the connection may be over when somebody looks. */
function secureOf(ssl: Ssl, isResumed = SSL_session_reused(ssl), isSentByKernel = false): Secure {
  return {
    version: SSL_get_version(ssl),
    cipher: SSL_get_cipher_name(ssl),
    serverName: SSL_get_servername(ssl),
    protocol: SSL_get0_alpn_selected(ssl),
    isResumed,
    isSentByKernel,
    clientCertificate: SSL_get1_peer_certificate(ssl),
  }
}

function reasonOf(why: OpensslError | 'over' | 'gone'): string {
  if (typeof why === 'string') return 'the client left in the midst of it'
  return why.reason === SSL_R_HTTP_REQUEST ? 'plain HTTP on a port of TLS' : why.message
}

/** RFC 8446 §5.1: the longest a record may be. */
const RECORD_BYTES = 16 * 1024

const PLAIN_BODY = 'This port speaks HTTPS: the same address with https:// before it is the right one.\n'
const plainAnswer = memoryOf(
  Buffer.from(
    'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n' +
      `Content-Length: ${PLAIN_BODY.length}\r\nConnection: close\r\n\r\n${PLAIN_BODY}`,
  ),
)

/** Of a file, on its way into records. */
const filePiece = allocate(RECORD_BYTES)

/** Of handshakes so many steps are taken in a round of the loop: one costs as much as ten requests, and some cost a hundred. */
export const HANDSHAKES_PER_ROUND = 8

/** What all connections of a server have in common: a flood of handshakes does not keep those waiting who have theirs behind them. */
export class Handshakes {
  #round = -1
  #left = 0

  mayGoOn(round: number): boolean {
    if (round !== this.#round) {
      this.#round = round
      this.#left = HANDSHAKES_PER_ROUND
    }
    this.#left -= 1
    return this.#left >= 0
  }
}

export class TlsTransport implements Transport {
  readonly fd: Fd
  readonly isShared: boolean
  readonly isSecure = true
  mayHoldMore = true
  wantsWrite = false
  isHeldBack = false
  /** What has broken the connection. */
  failure: OpensslError | null = null
  /** Who connects and leaves without a word has begun no handshake: nobody is told of it. */
  onHandshake: OnHandshake | null = null
  readonly #ssl: Ssl
  /** What it reads from. */
  readonly #rbio: number
  readonly #handshakes: Handshakes
  readonly #triesKernel: boolean
  /** Of a handshake that is held back nothing may have been read yet. */
  #hasBegun = false
  #isEstablished = false
  #isResumed = false
  /** Bytes that had been read from the socket when OpenSSL last held none of them back. */
  #bytesReadWhenEmpty = 0
  /** The next receive reads nothing from the socket, or no more than the rest of a record that has begun: not all there is. */
  #readsExactly = false
  /** Where the kernel encrypts what is sent. */
  #kernel: KernelTls | null = null
  #isFinished = false
  #round = 0
  #secure: Secure | null = null
  #isAskedLater = false
  #isFreed = false

  constructor(context: SslContext, handshakes: Handshakes, fd: Fd, triesKernel: boolean, isShared = false) {
    this.#handshakes = handshakes
    this.fd = fd
    this.isShared = isShared
    this.#triesKernel = triesKernel
    this.#ssl = triesKernel ? SSL_new_ktls(context, fd) : SSL_new(context, fd)
    this.#rbio = SSL_get_rbio(this.#ssl)
  }

  /** Asked for before the handshake is over, it is not all known. */
  get secure(): Secure {
    if (this.#secure !== null) return this.#secure
    if (this.#isFreed) throw new Error('the connection is over, and what it was like was not to be kept')
    if (!this.#isEstablished) return secureOf(this.#ssl)
    this.#secure = secureOf(this.#ssl, this.#isResumed, this.#kernel !== null)
    return this.#secure
  }

  /** What it is is found out at the end, and not before: 2 us that most connections do not cost. */
  keepSecure(): void {
    this.#isAskedLater = true
  }

  beginTurn(round: number): void {
    this.#round = round
  }

  recv(memory: Memory, at: number, length: number): number {
    if (!this.#isEstablished && this.#isOneTooMany()) return -EAGAIN
    const result = SSL_read(this.#ssl, memory.address + at, length)
    if (result > 0) {
      if (!this.#isEstablished) this.#establish()
      this.wantsWrite = false
      this.mayHoldMore = !this.#isDrained()
      return result
    }
    this.mayHoldMore = false
    const why = whyNot(this.#ssl, result)
    this.wantsWrite = why === 'write'
    this.#readsExactly = isWithinRecord(this.#ssl)
    return this.#judge(why)
  }

  /** Until all is taken, or the socket has no room: a record that is half sent is OpenSSL's to finish, and not counted. */
  send(memory: Memory, at: number, length: number, more = false): number {
    if (this.#kernel !== null) return this.#kernel.send(memory, at, length, more)
    let sent = 0
    while (sent < length) {
      const result = SSL_write(this.#ssl, memory.address + at + sent, length - sent)
      if (result <= 0) return sent > 0 ? sent : this.#judge(whyNot(this.#ssl, result))
      sent += result
    }
    return sent
  }

  sendfile(file: Fd, offset: number, length: number): number {
    if (this.#kernel !== null) return this.#kernel.sendfile(file, offset, length)
    let sent = 0
    while (sent < length) {
      const read = pread(file, filePiece, 0, Math.min(RECORD_BYTES, length - sent), offset + sent)
      if (read <= 0) return sent > 0 ? sent : read
      const result = this.send(filePiece, 0, read)
      if (result <= 0) return sent > 0 ? sent : result
      sent += result
      if (result < read) return sent
    }
    return sent
  }

  bytesInFlight(): number {
    return ioctl(this.fd, SIOCOUTQ)
  }

  /** What waits in the kernel leaves with the FIN: the answer's last bytes, and close_notify (tcp(7), TCP_CORK). */
  endSoon(): void {
    if (this.#kernel !== null) return
    try {
      setsockopt(this.fd, IPPROTO_TCP, TCP_CORK, 1)
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error // a Unix socket has no such thing
    }
  }

  finish(): void {
    this.#sayGoodbye()
    shutdown(this.fd, SHUT_WR)
  }

  close(): void {
    this.#sayGoodbye()
    this.#free()
    if (this.isShared) shutdown(this.fd, SHUT_WR)
    close(this.fd)
  }

  reset(): void {
    this.#free()
    resetOnClose(this.fd)
    close(this.fd)
  }

  /**
   * Neither OpenSSL has anything left nor the socket: this call has read from it, and got less than it had room for. What
   * comes from here on the kernel tells of. (What came since an earlier read(2) it may have told of already.) It spares each
   * request a read that finds nothing.
   */
  #isDrained(): boolean {
    const isKnown = !this.#readsExactly
    this.#readsExactly = SSL_has_pending(this.#ssl)
    if (this.#readsExactly) return false
    const total = BIO_number_read(this.#rbio)
    const isShort = total - this.#bytesReadWhenEmpty < READ_BUFFER_BYTES
    this.#bytesReadWhenEmpty = total
    return isShort && isKnown
  }

  /** close_notify, once, to whom it can be said. */
  #sayGoodbye(): void {
    if (this.#isEstablished && this.failure === null && !this.#isFinished) SSL_shutdown(this.#ssl)
    this.#isFinished = true
  }

  #isOneTooMany(): boolean {
    this.isHeldBack = !this.#handshakes.mayGoOn(this.#round)
    this.#hasBegun ||= this.isHeldBack
    return this.isHeldBack
  }

  #establish(): void {
    this.#isEstablished = true
    if (this.#triesKernel) this.#concludeKernel()
    this.#isResumed = SSL_session_reused(this.#ssl)
    this.#tell(this.#isResumed ? 'resumed' : 'full', null)
  }

  #concludeKernel(): void {
    if (concludeKtls(this.#ssl)) this.#kernel = new KernelTls(this.fd)
    this.#bytesReadWhenEmpty = Number.NEGATIVE_INFINITY // until here no more was read than was needed: it may be short of all
  }

  /** No byte has come through the handshake, and none will. */
  #conclude(why: string | null): void {
    if (hasFinishedHandshake(this.#ssl)) this.#establish()
    else if (this.#hasBegun || BIO_number_read(this.#rbio) > 0) this.#tell('failed', why)
  }

  #tell(result: HandshakeResult, why: string | null): void {
    this.onHandshake?.(result, why)
    this.onHandshake = null
  }

  #free(): void {
    if (!this.#isEstablished) this.#conclude(null)
    if (this.#isAskedLater) this.#secure ??= this.secure
    SSL_free(this.#ssl)
    this.#isFreed = true
  }

  /** Who speaks HTTP to a port of TLS is told so in the language that he speaks. OpenSSL has read his request already. */
  #answerPlainly(): void {
    send(this.fd, plainAnswer, 0, plainAnswer.bytes.length)
    shutdown(this.fd, SHUT_WR)
  }

  /** Of a call that has answered 0 or less. */
  #judge(why: WhyNot): number {
    if (why === 'read' || why === 'write') {
      if (!this.#isEstablished && hasFinishedHandshake(this.#ssl)) this.#establish()
      return -EAGAIN
    }
    if (!this.#isEstablished) this.#conclude(reasonOf(why))
    if (why === 'over') return 0
    if (why === 'gone') return -ECONNRESET
    this.failure = why
    if (why.reason === SSL_R_HTTP_REQUEST) this.#answerPlainly()
    return -EPROTO
  }
}
