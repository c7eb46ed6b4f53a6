/**
 * Whether another request may follow an answer on its connection: persistence,
 * RFC 9112 §9.3. Asked just before the answer's head is written, which tells the
 * client; what is not said then cannot be made up for.
 */
import type { Reply } from '../handlers/handler.ts'
import type { Inbox } from '../net/inbox.ts'
import type { Exchange } from './exchange.ts'
import { isStream } from './reply.ts'

export function mayPersist({ head, body }: Exchange, reply: Reply, inbox: Inbox, isEnding: boolean): boolean {
  if (!head.keepAlive || reply.isLast === true) return false
  // A client may send what is meant for the tunnel before it hears that there is none: it must not be read as a request.
  if (head.method === 'CONNECT') return false
  // What is left of the request body must be short enough to be read past. A stream may be reading it while it answers.
  if (body !== null && !body.canBeDropped && !isStream(reply.body)) return false
  // Nothing behind a `close` is answered (§9.6), so a worker that is ending says it with the last request that has
  // come already. There is a last one: the inbox is not filled while it holds a whole head.
  return !isEnding || ((body === null || body.isComplete) && inbox.holdsHead)
}
