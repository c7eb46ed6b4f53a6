/**
 * What an app is: the contract between this server and the code it runs, as
 * WinterTC, Deno, Bun and Cloudflare know it.
 *
 *     export default {
 *       fetch(request, context) {
 *         return new Response(`hello, ${context.remoteAddress}`)
 *       },
 *     }
 *
 * Types only.
 */
import type { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TakenSocket } from '../handler.ts'

export type { TakenSocket } from '../handler.ts'

/** What the server knows of a request beyond the request itself. */
export interface AppContext {
  /** The client's address without its port: `127.0.0.1`, `::1`. '' on a Unix socket. */
  readonly remoteAddress: string
  /** The client's port; 0 on a Unix socket. */
  readonly remotePort: number
  /** How the connection is encrypted, and who the client is by its certificate; null without TLS. */
  readonly tls: Tls | null
  /**
   * Work that outlives the response. A worker told to end waits for it, within
   * its stop deadline. A rejection is logged and harms nobody.
   */
  waitUntil(promise: Promise<unknown>): void
  /**
   * Takes the connection over: HTTP is over on it, and what goes over it from
   * here on is the app's, the response (`HTTP/1.1 101 …`) included.
   *
   *     const { request, socket, head } = context.upgrade()
   *     webSockets.handleUpgrade(request, socket, head, (client) => { … }) // the package ws
   *
   * At once or after awaiting, once, and while no response has been given. What
   * `fetch` then returns is ignored, so it may be nothing; when it throws, the
   * connection is cut.
   *
   * Only of a request that asks for it: by `Upgrade` with `Connection: upgrade`
   * in HTTP/1.1 (RFC 9110 §7.8), or by CONNECT (`ConnectHandler`); and that has
   * no body, or one that has been read to its end. Of another it throws, and who
   * does not catch that answers 400.
   */
  upgrade(): Upgrade
}

/** What is known of a connection by its TLS: the same object for all of its requests. */
export interface Tls {
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly version: string
  /** OpenSSL's name: `TLS_AES_128_GCM_SHA256`. */
  readonly cipher: string
  /** The name that the client has asked for (SNI), which need not be the host of its requests; null: for none. */
  readonly serverName: string | null
  /** What was agreed on (ALPN): `http/1.1`; null: the client offered nothing. */
  readonly protocol: string | null
  /** It has come back with a session ticket. */
  readonly isResumed: boolean
  /**
   * What the client has shown, where `tls.clientCertificates` asks for it, and an
   * authority of `tls.clientCa` has vouched for; null: nothing. It is `node:crypto`'s:
   * `subject` (`CN=alice`), `issuer`, `serialNumber`, `fingerprint256`, `validTo`, `raw`
   * (DER), `toString()` (PEM). Made when first looked at.
   */
  readonly clientCertificate: X509Certificate | null
}

/** A connection that the app has taken over, as Node's 'upgrade' and 'connect' events tell of it. */
export interface Upgrade {
  /** The request as `node:http` has it, for libraries that expect that: its body is over. */
  readonly request: IncomingMessage
  /** All that the client sends from here on, what came with the request's head included. */
  readonly socket: TakenSocket
  /** Empty, for libraries that expect it: the bytes behind the request's head are the first of `socket`. */
  readonly head: Buffer
  /**
   * Aborts when the worker is told to end: by a stop, a reload, or because
   * another takes its place. The connection then has until `timeouts.stopMs` or
   * `timeouts.drainTimeoutMs` is over, and is cut: the time to say goodbye
   * (WebSocket: `client.close(1001)`), so that the client comes back to another
   * worker. Nobody else does: an app that does not look holds its worker as long.
   */
  readonly ending: AbortSignal
}

/**
 * A CONNECT (RFC 9110 §9.3.6). The Fetch standard has no Request of this method,
 * so it comes to a function of its own, which an app module exports by the name
 * of `connect`; without one, CONNECT is answered 501.
 *
 *     export function connect({ hostname, port }, context) {
 *       if (!isAllowed(hostname, port)) return new Response(null, { status: 403 })
 *       const { socket } = context.upgrade()
 *       const far = net.connect(port, hostname, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
 *       pipeline(socket, far, socket, () => {})
 *     }
 *
 * Any Response but a 2xx, which only a tunnel can have, is sent as it is, and
 * the connection closed.
 */
export type ConnectHandler = (request: ConnectRequest, context: AppContext) => Answer | Promise<Answer>

export interface ConnectRequest {
  readonly method: 'CONNECT'
  /** A name, an IPv4 address, or an IPv6 address without brackets; as it was sent. */
  readonly hostname: string
  /** From 1 to 65535. */
  readonly port: number
  readonly headers: Headers
  /** Aborts when the client leaves before it is answered. */
  readonly signal: AbortSignal
}

/** Nothing only where the connection has been taken over. */
export type Answer = Response | undefined

/**
 * Answers a request. A throw, a rejection, or an answer that is no Response is
 * logged with its stack, and the client gets a 500 page that tells nothing.
 *
 * The context is handed over twice, as second and as third argument: what expects
 * `(request, env, ctx)` finds `ctx.waitUntil`. In a Hono app it is both `c.env`
 * and `c.executionCtx`; a Hono handler that has called `c.env.upgrade()` still
 * returns a response, any.
 *
 * `request.signal` aborts when the client leaves before the response is sent.
 *
 * Of the Response, these fields are the server's and are not sent as given:
 * Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding and,
 * but for a 426, Upgrade. Content-Length is replaced by the true length where the body is
 * known; for a ReadableStream it is a promise, and the response is cut off if
 * the stream breaks it. A Date is kept. A status text is not sent.
 */
export type FetchHandler = (request: Request, context: AppContext) => Answer | Promise<Answer>

/** Which worker this is. */
export interface WorkerContext {
  /** Its numbered place, from 0: a worker that takes another's place has the same. */
  readonly slot: number
  /** 1 for the app as it was first loaded, one more with each reload. */
  readonly generation: number
  readonly pid: number
}

/**
 * What an app module may export beside its app, each under its own name:
 *
 *     export async function workerStart({ slot }) { database = await connect() }
 *     export async function workerStop() { await database.close() }
 *
 * Each is waited for.
 */
export interface AppHooks {
  /**
   * Once, when the app has been loaded and before any worker is forked from the
   * process that loaded it: for memory that all workers are to share. A
   * connection or a thread that is open when it has returned does not survive
   * the fork. Where workers are started by exec, nothing is forked, and it is
   * not called. A throw keeps the server from starting.
   */
  beforeFork?(): void | Promise<void>
  /**
   * In each worker, before it takes its first connection: the place to connect
   * to a database. A throw ends the worker.
   */
  workerStart?(context: WorkerContext): void | Promise<void>
  /**
   * In each worker that ends, once it holds no connection and no `waitUntil`
   * promise, within its stop or drain deadline. A worker that is cut off by that
   * deadline, or killed, does not come to it.
   */
  workerStop?(context: WorkerContext): void | Promise<void>
}

/**
 * What an app module exports as its default: a function, or any object with
 * `fetch`, which is called as its method. Hono, h3 and Elysia apps are such objects.
 */
export type App = FetchHandler | { fetch: FetchHandler }
