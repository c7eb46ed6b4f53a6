/**
 * The app as a handler: the app's `fetch` is called with a Request, and its
 * Response becomes a Reply.
 *
 *     IncomingRequest → lazy-request.ts → fetch(request, context) → response-reply.ts → Reply
 *
 * The only place where user code runs while serving. Whatever it does, the client
 * gets an answer and the log one entry; nothing of its errors reaches the client.
 */
import type { Log } from '../../log.ts'
import { describeRequest } from '../describe.ts'
import { BodyError, type Handler, type IncomingRequest, type Reply, UpgradeError } from '../handler.ts'
import { errorReply } from '../pages.ts'
import { connectRequestFor } from './connect-request.ts'
import { Context } from './context.ts'
import type { ConnectHandler, FetchHandler } from './contract.ts'
import { isLazyFetchInstalled } from './lazy-fetch.ts'
import { eagerRequest, LazyRequest } from './lazy-request.ts'
import { originOf } from './request-url.ts'
import { replyFrom, UnusableResponse } from './response-reply.ts'

/** `connect` is for CONNECT, which without it is refused and never seen by the app. */
export function createAppHandler(fetch: FetchHandler, log: Log, connect?: ConnectHandler): Handler {
  return (incoming) => {
    const { method, host } = incoming.head
    const tunnel = connect !== undefined && method === 'CONNECT' ? connect : null
    if (tunnel === null && !canBeRequested(method)) return errorReply(501)
    const origin = originOf(host === '' ? incoming.localAuthority : host, incoming.isSecure)
    if (origin === null) return errorReply(400, 'The host that the request names cannot be part of a URL.')
    const context = new Context(incoming, log)
    incoming.enterForeignCode()
    try {
      const answer: unknown =
        tunnel === null ? fetch(requestFor(incoming, origin), context) : tunnel(connectRequestFor(incoming), context)
      const reply = isThenable(answer) ? replyLater(answer, method) : replyFrom(answer, method)
      return reply instanceof Promise ? unlessFailed(reply, incoming, context, log) : reply
    } catch (error) {
      return failed(error, incoming, context, log)
    }
  }
}

/**
 * Whether a Request can have this method. The Fetch standard forbids three, and
 * turns others into upper case: 'get' is not GET (RFC 9110 §9.1), and an app
 * must not be told that it is.
 */
function canBeRequested(method: string): boolean {
  return method === 'GET' || UPPER_CASED.test(method) || !NOT_REQUESTABLE.test(method)
}

const UPPER_CASED = /^(?:DELETE|GET|HEAD|OPTIONS|POST|PUT)$/
const NOT_REQUESTABLE = /^(?:CONNECT|TRACE|TRACK|DELETE|GET|HEAD|OPTIONS|POST|PUT)$/i

function requestFor(incoming: IncomingRequest, origin: string): Request {
  if (!isLazyFetchInstalled()) return eagerRequest(incoming, origin)
  return new LazyRequest(incoming, origin) as unknown as Request
}

function replyLater(answer: PromiseLike<unknown>, method: string): Promise<Reply> {
  return Promise.resolve(answer).then((late) => replyFrom(late, method))
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function unlessFailed(reply: Promise<Reply>, incoming: IncomingRequest, context: Context, log: Log): Promise<Reply> {
  return reply.catch((error) => failed(error, incoming, context, log))
}

function failed(error: unknown, incoming: IncomingRequest, context: Context, log: Log): Reply {
  const taken = Context.takenBy(context)
  // Whatever the app gives in place of an answer when it has taken the connection over, nothing is right.
  if (taken !== null && error instanceof UnusableResponse) return NOT_SENT
  // Nobody is left to read this, or the connection has refused the body and said so itself.
  if (isOfTheClient(error, incoming)) return errorReply(400)
  if (error instanceof UpgradeError) return errorReply(400, error.message)
  if (error instanceof UnusableResponse) log.error(`${error.message} (${describeRequest(incoming.head)})`)
  else log.errorWithStack(`the app failed on ${describeRequest(incoming.head)}`, error)
  taken?.socket.destroy() // nobody would end it
  return errorReply(500)
}

const NOT_SENT: Reply = { status: 101, fields: [], body: null }

/** A body that broke off, or a client that left: also as the cause of what came of it, a failed fetch() for one. */
function isOfTheClient(error: unknown, { signal }: IncomingRequest): boolean {
  const causes = error instanceof Error ? [error, error.cause] : [error]
  return causes.some((cause) => cause instanceof BodyError || (signal.aborted && cause === signal.reason))
}
