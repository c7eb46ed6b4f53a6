/**
 * What is answered at the admin listener.
 *
 *     GET /metrics             the whole server in Prometheus' text format
 *     GET /connections.json    each connection with its TCP facts
 *     GET /                    what there is
 */
import type { TreeStatus } from '../control/tree-status.ts'
import type { Handler, IncomingRequest, Reply } from '../handlers/handler.ts'
import { errorReply } from '../handlers/pages.ts'
import { refusalOf, tokenCheck } from './access.ts'
import { connectionsText } from './connections.ts'
import { EXPOSITION_TYPE } from './exposition.ts'
import { metricsText } from './metrics.ts'

export interface AdminParts {
  readonly status: () => Promise<TreeStatus>
  /** What whoever asks must bring; null: nothing. */
  readonly token: string | null
}

type Page = () => Reply | Promise<Reply>

/** Nobody keeps what is different a moment later; and no page of another's may hold ours in a frame. */
const FIELDS = ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff', 'X-Frame-Options', 'DENY'] as const

export function createAdminHandler({ status, token }: AdminParts): Handler {
  const hasToken = token === null ? null : tokenCheck(token)
  const pages: Readonly<Record<string, Page>> = {
    '/': () => textReply('text/plain; charset=utf-8', WHAT_THERE_IS),
    '/connections.json': () => status().then(connectionsReply, notTold),
    '/metrics': () => status().then((now) => textReply(EXPOSITION_TYPE, metricsText(now)), notTold),
  }
  return (request) => refusalOf(request.head, hasToken) ?? answer(request, pages)
}

function answer({ head }: IncomingRequest, pages: Readonly<Record<string, Page>>) {
  const page = Object.hasOwn(pages, head.path) ? pages[head.path] : undefined
  if (page === undefined) return errorReply(404, 'There is /metrics and /connections.json.')
  if (head.method !== 'GET' && head.method !== 'HEAD') return errorReply(405, undefined, ['Allow', 'GET, HEAD'])
  return page()
}

function connectionsReply(now: TreeStatus): Reply {
  const text = connectionsText(now)
  return text === null ? errorReply(501, NOT_TOLD) : textReply('application/json', text)
}

const NOT_TOLD = 'This kernel does not tell of connections (inet_diag).'
const WHAT_THERE_IS = `\
/metrics            for Prometheus
/connections.json   each connection with its TCP facts
`

/** The supervisor said why. */
function notTold(error: unknown): Reply {
  return errorReply(503, error instanceof Error ? error.message : undefined)
}

function textReply(type: string, body: string): Reply {
  return { status: 200, fields: ['Content-Type', type, ...FIELDS], body }
}
