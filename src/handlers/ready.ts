/**
 * The path that tells a load balancer whether to send connections here
 * (`readyPath`): answered before the target, which never sees it.
 *
 * 503 says that the server as a whole is ending. A worker that drains because
 * another takes its place is as good as any other, and says 200.
 */
import type { Handler, Reply } from './handler.ts'
import { errorReply } from './pages.ts'

const FIELDS = ['Content-Type', 'text/plain; charset=utf-8', 'Cache-Control', 'no-store']
const READY: Reply = { status: 200, fields: FIELDS, body: 'ready' }
const ENDING: Reply = { status: 503, fields: FIELDS, body: 'ending', isLast: true }

export function withReadyPath(handler: Handler, path: string, isEnding: () => boolean): Handler {
  if (path === 'off') return handler
  return (request) => {
    const { head } = request
    if (head.path !== path) return handler(request)
    if (head.method !== 'GET' && head.method !== 'HEAD') return errorReply(405, undefined, ['Allow', 'GET, HEAD'])
    return isEnding() ? ENDING : READY
  }
}
