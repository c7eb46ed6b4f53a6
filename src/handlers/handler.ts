/**
 * The contract between a connection and whoever answers: a request in, a reply
 * out. Handlers know nothing of sockets; the worker knows nothing of files or
 * apps.
 */
import type { Duplex } from 'node:stream'
import type { RequestHead } from '../http/head.ts'

/**
 * A request body, pulled by its reader. Nothing is received from the client
 * beyond one receive buffer until the reader asks: that is the back-pressure.
 */
export interface BodySource {
  /** The next piece, owned by the reader, or null at the end. Rejects with BodyError if the body breaks off or is refused. */
  read(): Promise<Uint8Array | null>
  /** The reader wants no more. The connection drops the rest. */
  cancel(): void
}

/** The body did not arrive whole: the client left, stalled, or broke the framing. Never the app's mistake. */
export class BodyError extends Error {
  override readonly name = 'BodyError'
}

/** The content that was to be sent is not there any more as it was promised: a file has become shorter. Its message says all. */
export class ContentError extends Error {
  override readonly name = 'ContentError'
}

/** The connection cannot be taken over as the request stands: nobody asked for that, or its body is not over. Never the app's mistake. */
export class UpgradeError extends Error {
  override readonly name = 'UpgradeError'
}

/** What TLS has found out about a connection: see net/transport.ts, of which handlers know nothing. */
export interface Secure {
  readonly version: string
  readonly cipher: string
  readonly serverName: string | null
  readonly protocol: string | null
  readonly isResumed: boolean
  /** In DER. */
  readonly clientCertificate: Buffer | null
}

export interface IncomingRequest {
  readonly head: RequestHead
  /** Null when the request has no body. */
  readonly body: BodySource | null
  /** The client's address without its port: `127.0.0.1`, `::1`. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** The listener's own host and port, for requests without a Host field. */
  readonly localAuthority: string
  /** It came over TLS. */
  readonly isSecure: boolean
  /** What is known of that; null if and only if it is not secure. The same object for all requests of a connection, made when first read. */
  readonly secure: Secure | null
  /** Aborts when the client leaves before the response is sent. Made when first read. */
  readonly signal: AbortSignal
  /** To be called before code runs for it that is not ours: it may leave something to promises, or ask for `secure` when the connection is over. */
  enterForeignCode(): void
  /** Keeps the worker from ending, within its stop deadline, until `promise` has settled. */
  waitUntil(promise: Promise<unknown>): void
  /**
   * Takes the connection over: HTTP is over on it, and what is replied is not
   * sent. Throws an UpgradeError, the signal's reason when the client has left,
   * and an Error when it is too late: the request is answered, or was taken.
   */
  upgrade(): TakenConnection
}

/** A connection that is its taker's, until the taker ends it. */
export interface TakenConnection {
  readonly socket: TakenSocket
  /** Aborts when the worker is told to end. Made when first read. */
  readonly ending: AbortSignal
}

/**
 * What goes over a connection that was taken over, as `net.Socket` has it: the
 * bytes that came behind the request's head are the first to be read. `end()`
 * sends a FIN when all that was written is sent; `destroy()` before that sends a
 * RST. A client that has finished sending can still be written to
 * (`allowHalfOpen`); whoever does not care sets that to false.
 *
 * A client that breaks the connection is told by 'error' (ECONNRESET), and one
 * that reads nothing for `timeouts.writeMs` while something waits to be sent is
 * cut (ETIMEDOUT); 'close' follows. An 'error' that nobody listens for harms
 * nobody: no client can end a worker that way.
 */
export interface TakenSocket extends Duplex {
  /** Undefined on a Unix socket, as the two that follow. */
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly remoteFamily: 'IPv4' | 'IPv6' | undefined
  /** True over TLS, and not there without: what libraries for `node:http` tell the scheme by. */
  readonly encrypted?: true
  readonly bytesRead: number
  /** Bytes that the kernel has taken. */
  readonly bytesWritten: number
  readonly connecting: false
  readonly pending: false
  readonly timeout: number
  /** Emits 'timeout' when nothing has gone either way for so long; 0, as at the beginning, is never. Nothing is closed. */
  setTimeout(ms: number, onTimeout?: () => void): this
  /** TCP_NODELAY. */
  setNoDelay(on?: boolean): this
  /** SO_KEEPALIVE, and TCP_KEEPIDLE unless it is 0. */
  setKeepAlive(on?: boolean, initialDelayMs?: number): this
  /** As `end()`, and then `destroy()`. */
  destroySoon(): void
  resetAndDestroy(): this
  /** A connection keeps its worker alive whatever is said; so does the worker itself. */
  ref(): this
  unref(): this
}

/** Part of a file to send. Whoever takes the reply owns it and calls `close` once, sent or not. */
export interface FileBody {
  readonly kind: 'file'
  readonly fd: number
  /** For messages. */
  readonly name: string
  readonly offset: number
  readonly length: number
  close(): void
}

/** Pieces sent one after the other: text of one byte per character, and parts of files. Owned and closed as a FileBody is. */
export interface PartsBody {
  readonly kind: 'parts'
  readonly parts: readonly (string | FileBody)[]
  /** Of all of them, in bytes. */
  readonly length: number
  close(): void
}

/** Bytes that come over time. Their length is unknown, unless the reply states it. */
export interface StreamBody {
  readonly kind: 'stream'
  readonly stream: ReadableStream<Uint8Array>
}

/** A string is sent as UTF-8. */
export type ReplyBody = null | string | Uint8Array | FileBody | PartsBody | StreamBody

export interface Reply {
  readonly status: number
  /** Flat: name, value, name, value… without Date, Connection, Content-Length and Transfer-Encoding: those are the connection's. */
  readonly fields: readonly string[]
  readonly body: ReplyBody
  /**
   * The Content-Length to state when `body` cannot be counted: there is none
   * (HEAD, 304), or it is a stream that promises this many bytes; one that breaks
   * the promise is cut. The connection never sends a body in answer to HEAD,
   * whatever `body` is.
   */
  readonly statedLength?: number
  /** The connection ends with this answer: it says `Connection: close`. */
  readonly isLast?: true
}

/** Answers at once where it can: a promise costs a turn of the loop. A throw or rejection is answered 500. */
export type Handler = (request: IncomingRequest) => Reply | Promise<Reply>
