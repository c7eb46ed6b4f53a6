/**
 * The contract between a connection and whoever answers: a request in, a reply
 * out. Handlers know nothing of sockets; the worker knows nothing of files or
 * apps.
 */
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

export interface IncomingRequest {
  readonly head: RequestHead
  /** Null when the request has no body. */
  readonly body: BodySource | null
  /** The client's address without its port: `127.0.0.1`, `::1`. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** The listener's own host and port, for requests without a Host field. */
  readonly localAuthority: string
  /** Aborts when the client leaves before the response is sent. Made when first read. */
  readonly signal: AbortSignal
  /** Keeps the worker from ending, within its stop deadline, until `promise` has settled. */
  waitUntil(promise: Promise<unknown>): void
}

/** Part of a file to send. Whoever takes the reply owns it and calls `close` once, sent or not. */
export interface FileBody {
  readonly kind: 'file'
  readonly fd: number
  readonly offset: number
  readonly length: number
  close(): void
}

/** Bytes that come over time. Their length is unknown, unless the reply states it. */
export interface StreamBody {
  readonly kind: 'stream'
  readonly stream: ReadableStream<Uint8Array>
}

/** A string is sent as UTF-8. */
export type ReplyBody = null | string | Uint8Array | FileBody | StreamBody

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
