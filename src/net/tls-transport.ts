/**
 * TLS over a connection's socket: the second implementation of the transport's
 * verbs, by the OpenSSL of this process (openssl/ssl.ts).
 *
 *     recv   SSL_read    nothing is received until SSL_do_handshake has done its own
 *     send   SSL_write   a record of 16 KiB at most for each write(2); or send(2) and
 *                        sendfile(2), where the kernel encrypts (kernel-tls.ts)
 *     close  SSL_shutdown, which says close_notify, then close(2)
 *
 * OpenSSL may hold bytes that it has received and not given out yet, of which the
 * kernel says nothing: `mayHoldMore` tells that the next recv is worth a try.
 */
import { IPPROTO_TCP, SHUT_WR, SIOCOUTQ, TCP_CORK } from '../kernel/constants.ts'
import { EAGAIN, ECONNRESET, EPIPE, EPROTO, SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { pread } from '../kernel/file.ts'
import { ioctl } from '../kernel/ioctl.ts'
import { allocate, type Memory, memoryOf } from '../kernel/memory.ts'
import { recv, resetOnClose, send, setsockopt, shutdown } from '../kernel/socket.ts'
import {
  clearErrors,
  ERR_LIB_SSL,
  OpensslError,
  SSL_R_HTTP_REQUEST,
  SSL_R_HTTPS_PROXY_REQUEST,
  SSL_R_WRONG_VERSION_NUMBER,
} from '../openssl/errors.ts'
import { beginSteps, STEPS_MAX, stepsSoFar, watchMessages } from '../openssl/messages.ts'
import {
  bytesSpoken,
  concludeKtls,
  isKeyUpdateDue,
  SSL_do_handshake,
  SSL_free,
  SSL_get_cipher_name,
  SSL_get_servername,
  SSL_get_state,
  SSL_get_version,
  SSL_get0_alpn_selected,
  SSL_get1_peer_certificate,
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
import type { HandshakeTurns } from './handshake-turns.ts'
import { KernelTls } from './kernel-tls.ts'
import { TlsReading } from './tls-reading.ts'
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
  return isPlainHttp(why) ? 'plain HTTP on a port of TLS' : why.message
}

/** As far as OpenSSL knows its methods. */
function isPlainHttp({ library, reason }: OpensslError): boolean {
  return library === ERR_LIB_SSL && (reason === SSL_R_HTTP_REQUEST || reason === SSL_R_HTTPS_PROXY_REQUEST)
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

/** What is said to who speaks no TLS. */
export const PLAIN_ANSWER = { status: 400, length: plainAnswer.bytes.length, bodyLength: PLAIN_BODY.length } as const

/** Is told of it: bytes of PLAIN_ANSWER that the kernel has taken, or a negative errno. */
export type OnPlainAnswer = (sent: number) => void

/** Of who speaks no TLS, once he has been told so: much less than a moment's work, and more than any form. */
const DROPPED_BYTES_MAX = 16 * 1024 * 1024

/** Of a file, on its way into records. */
const filePiece = allocate(RECORD_BYTES)

export class TlsTransport implements Transport {
  readonly fd: Fd
  readonly isShared: boolean
  readonly isSecure = true
  mayHoldMore = true
  wantsWrite = false
  isHeldBack = false
  keptWaiting = false
  hasFinished = false
  /** What has broken the connection. */
  failure: OpensslError | null = null
  /** Who connects and leaves without a word has begun no handshake: nobody is told of it. */
  onHandshake: OnHandshake | null = null
  onPlainAnswer: OnPlainAnswer | null = null
  readonly #ssl: Ssl
  readonly #reading: TlsReading
  readonly #turns: HandshakeTurns
  readonly #triesKernel: boolean
  /** Of a handshake that is held back nothing may have been read yet. */
  #hasBegun = false
  #isEstablished = false
  #isResumed = false
  /** What messages about keys and the like have taken since a receive last gave bytes. */
  #steps = 0
  /** A record that is half sent holds so many bytes: it is to be offered again as it was. */
  #bytesOffered = 0
  /** Who speaks no TLS has been told so: what still comes from him is dropped. */
  #isTurnedAway = false
  #bytesDropped = 0
  /** Where the kernel encrypts what is sent. */
  #kernel: KernelTls | null = null
  #round = 0
  #secure: Secure | null = null
  #isAskedLater = false
  #hasSaidGoodbye = false
  #isFreed = false

  constructor(context: SslContext, turns: HandshakeTurns, fd: Fd, triesKernel: boolean, isShared = false) {
    this.#turns = turns
    this.fd = fd
    this.isShared = isShared
    this.#triesKernel = triesKernel
    this.#ssl = triesKernel ? SSL_new_ktls(context, fd) : SSL_new(context, fd)
    this.#reading = new TlsReading(this.#ssl)
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
    this.keptWaiting = false
    if (!this.#isEstablished) {
      if (this.#isTurnedAway) return this.#drop(memory, at, length)
      const judged = this.#handshake()
      if (!this.#isEstablished) return judged
    }
    beginSteps(this.#steps)
    const result = SSL_read(this.#ssl, memory.address + at, length)
    this.#steps = stepsSoFar()
    if (this.#mustChangeKeys()) return this.#fail('the kernel takes no new keys')
    if (result <= 0) return this.#nothing(result)
    this.#steps = 0
    this.wantsWrite = false
    this.mayHoldMore = !this.#reading.isDrained()
    return result
  }

  /** A step of it. Once it is over, `#isEstablished`. */
  #handshake(): number {
    this.keptWaiting = this.isHeldBack = !this.#turns.mayGoOn(this.#round)
    this.#hasBegun ||= this.isHeldBack
    if (this.isHeldBack) return -EAGAIN
    clearErrors() // why one fails is told
    const [state, read, spoken] = [SSL_get_state(this.#ssl), this.#reading.bytesRead, bytesSpoken(this.#ssl)]
    const result = SSL_do_handshake(this.#ssl)
    if (SSL_get_state(this.#ssl) === state) this.#turns.wentNowhere()
    this.keptWaiting = bytesSpoken(this.#ssl) > spoken && this.#reading.bytesRead > read
    if (result <= 0) return this.#nothing(result)
    this.#establish()
    return -EAGAIN
  }

  /** Neither SSL_read nor the handshake has gone on. */
  #nothing(result: number): number {
    this.mayHoldMore = false
    const why = whyNot(this.#ssl, result)
    this.wantsWrite = why === 'write'
    this.#reading.noteNothing()
    if (this.#steps > STEPS_MAX) return this.#fail('messages without end, and no request')
    return this.#judge(why)
  }

  /** Until all is taken, or the socket has no room: a record that is half sent is OpenSSL's to finish, and not counted. */
  send(memory: Memory, at: number, length: number, more = false): number {
    if (this.#kernel !== null) return this.#kernel.send(memory, at, length, more)
    let sent = 0
    while (sent < length) {
      const result = SSL_write(this.#ssl, memory.address + at + sent, length - sent)
      if (result <= 0) return this.#unsent(whyNot(this.#ssl, result), length - sent) || sent || -EAGAIN
      this.#bytesOffered = 0
      sent += result
    }
    return sent
  }

  /** 0: it is only to wait. */
  #unsent(why: WhyNot, length: number): number {
    if (why === 'over') return -EPIPE // it has said so long before, and does not take what we send
    if (why !== 'read' && why !== 'write') return this.#judge(why)
    this.#bytesOffered = length
    return 0
  }

  sendfile(file: Fd, offset: number, length: number): number {
    if (this.#kernel !== null) return this.#kernel.sendfile(file, offset, length)
    let sent = 0
    while (sent < length) {
      const read = pread(file, filePiece, 0, Math.min(RECORD_BYTES, length - sent), offset + sent)
      if (read <= 0) return sent > 0 ? sent : read
      if (read < this.#bytesOffered) return 0 // the file was cut short in the midst of a record: as if it ended here
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

  /** close_notify, once, to whom it can be said. */
  sayGoodbye(): boolean {
    if (!this.#isEstablished || this.failure !== null || this.#hasSaidGoodbye) return true
    const result = SSL_shutdown(this.#ssl)
    this.#hasSaidGoodbye = result >= 0 || whyNot(this.#ssl, result) !== 'write'
    return this.#hasSaidGoodbye
  }

  finish(): void {
    this.sayGoodbye()
    this.hasFinished = true
    shutdown(this.fd, SHUT_WR)
  }

  close(): void {
    this.sayGoodbye()
    this.#free()
    if (this.isShared) shutdown(this.fd, SHUT_WR)
    close(this.fd)
  }

  reset(): void {
    this.#free()
    resetOnClose(this.fd)
    close(this.fd)
  }

  /** The client asks for other keys, which only OpenSSL could send by. RFC 8446 §4.6.3 has them changed before anything else is sent. */
  #mustChangeKeys(): boolean {
    return this.#kernel !== null && isKeyUpdateDue(this.#ssl)
  }

  #fail(message: string): number {
    this.failure = new OpensslError(0, message)
    return -EPROTO
  }

  /** So that a reset does not destroy what he was told. Until the deadline of his handshake, or too much has come. */
  #drop(memory: Memory, at: number, length: number): number {
    const result = recv(this.fd, memory, at, length)
    this.#bytesDropped += Math.max(0, result)
    this.isHeldBack = result > 0 && this.#bytesDropped <= DROPPED_BYTES_MAX
    if (this.isHeldBack) return -EAGAIN
    return result > 0 ? -EPROTO : result
  }

  #establish(): void {
    this.#isEstablished = true
    watchMessages(this.#ssl)
    if (this.#triesKernel) this.#concludeKernel()
    this.#isResumed = SSL_session_reused(this.#ssl)
    this.#tell(this.#isResumed ? 'resumed' : 'full', null)
  }

  #concludeKernel(): void {
    if (concludeKtls(this.#ssl)) this.#kernel = new KernelTls(this.fd)
    this.#reading.beginAhead()
  }

  /** The handshake is not over, and will not be. */
  #conclude(why: string | null): void {
    if (this.#hasBegun || this.#reading.bytesRead > 0) this.#tell('failed', why)
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

  /**
   * Who speaks HTTP to a port of TLS is told so in the language that he speaks; and whoever begins with anything but TLS, for
   * OpenSSL knows four methods by name.
   */
  #answersPlainly(why: OpensslError): boolean {
    const isOther =
      why.library === ERR_LIB_SSL && why.reason === SSL_R_WRONG_VERSION_NUMBER && bytesSpoken(this.#ssl) === 0
    if (!isOther && !isPlainHttp(why)) return false
    const sent = send(this.fd, plainAnswer, 0, plainAnswer.bytes.length)
    shutdown(this.fd, SHUT_WR)
    this.hasFinished = this.#isTurnedAway = this.isHeldBack = true
    this.onPlainAnswer?.(sent)
    return true
  }

  /** Of a call that has answered 0 or less. */
  #judge(why: WhyNot): number {
    if (why === 'read' || why === 'write') return -EAGAIN
    if (!this.#isEstablished) this.#conclude(reasonOf(why))
    if (why === 'over') return 0
    if (why === 'gone') return -ECONNRESET
    this.failure = why
    return this.#answersPlainly(why) ? -EAGAIN : -EPROTO
  }
}
