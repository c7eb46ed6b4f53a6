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

/**
 * What an app module exports as its default: a function, or any object with
 * `fetch`, which is called as its method. Hono, h3 and Elysia apps are such objects.
 */
export type App = FetchHandler | { fetch: FetchHandler }
