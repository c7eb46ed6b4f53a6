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

/** What the server knows of a request beyond the request itself. */
export interface AppContext {
  /** The client's address without its port: `127.0.0.1`, `::1`. '' on a Unix socket. */
  readonly remoteAddress: string
  /** The client's port; 0 on a Unix socket. */
  readonly remotePort: number
  /**
   * Work that outlives the response. A worker told to end waits for it, within
   * its stop deadline. A rejection is logged and harms nobody.
   */
  waitUntil(promise: Promise<unknown>): void
}

/**
 * Answers a request. A throw, a rejection, or an answer that is no Response is
 * logged with its stack, and the client gets a 500 page that tells nothing.
 *
 * The context is handed over twice, as second and as third argument: what expects
 * `(request, env, ctx)` finds `ctx.waitUntil`. In a Hono app it is both `c.env`
 * and `c.executionCtx`.
 *
 * `request.signal` aborts when the client leaves before the response is sent.
 *
 * Of the Response, these fields are the server's and are not sent as given:
 * Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding and
 * Upgrade. Content-Length is replaced by the true length where the body is
 * known; for a ReadableStream it is a promise, and the response is cut off if
 * the stream breaks it. A Date is kept. A status text is not sent.
 */
export type FetchHandler = (request: Request, context: AppContext) => Response | Promise<Response>

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
