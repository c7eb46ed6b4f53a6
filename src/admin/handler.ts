/**
 * What is answered at the admin listener.
 *
 *     GET /                    the status page, and its files beside it
 *     GET /events              what it shows, once a second (events.ts)
 *     GET /connections.json    each connection with its TCP facts
 *     GET /stories/7.json      what happened to one of them, step by step
 *     GET /metrics             the whole server in Prometheus' text format
 */
import type { TreeStatus } from '../control/tree-status.ts'
import type { Handler, Reply } from '../handlers/handler.ts'
import { errorReply } from '../handlers/pages.ts'
import { refusalOf, tokenCheck } from './access.ts'
import { readAssets } from './assets.ts'
import { connectionsText } from './connections.ts'
import { Events } from './events.ts'
import { EXPOSITION_TYPE } from './exposition.ts'
import { metricsText } from './metrics.ts'
import { pageDocumentOf } from './page-document.ts'
import type { StorySource } from './story-source.ts'

export interface AdminParts {
  readonly status: () => Promise<TreeStatus>
  /** Null: nobody follows connections. */
  readonly stories: StorySource | null
  /** What whoever asks must bring; null: nothing. */
  readonly token: string | null
}

type Page = (method: string) => Reply | Promise<Reply>

/** Nobody keeps what is different a moment later; and no page of another's may hold ours in a frame. */
const FIELDS = ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff', 'X-Frame-Options', 'DENY'] as const

export function createAdminHandler(parts: AdminParts): Handler {
  const hasToken = parts.token === null ? null : tokenCheck(parts.token)
  const pages = pagesOf(parts)
  return ({ head }) => {
    const refusal = refusalOf(head, hasToken)
    if (refusal !== null) return refusal
    const page = pages.get(head.path) ?? storyPage(head.path, parts.stories)
    if (page === null) return errorReply(404, 'There is /, /metrics and /connections.json.')
    if (head.method !== 'GET' && head.method !== 'HEAD') return errorReply(405, undefined, ['Allow', 'GET, HEAD'])
    return page(head.method)
  }
}

function pagesOf({ status, stories }: AdminParts): ReadonlyMap<string, Page> {
  const events = new Events({
    look: documents(status, stories),
    onWatched: (isWatched) => stories?.watch(isWatched),
    fields: FIELDS,
  })
  const files = [...readAssets(FIELDS)].map(([path, reply]) => [path, () => reply] as const)
  return new Map<string, Page>([
    ...files,
    ['/events', (method) => events.reply(method)],
    ['/connections.json', () => status().then((now) => connectionsReply(now, stories), notTold)],
    ['/metrics', () => status().then((now) => textReply(EXPOSITION_TYPE, metricsText(now)), notTold)],
  ])
}

/** The next document for the page, at each call; rates are between the calls. */
function documents(status: AdminParts['status'], stories: StorySource | null): () => Promise<string> {
  let before: TreeStatus | null = null
  return async () => {
    const now = await status()
    const document = pageDocumentOf({ status: now, before, stories, adminPid: process.pid, nowMs: monotonicMs() })
    before = now
    return JSON.stringify(document)
  }
}

function connectionsReply(now: TreeStatus, stories: StorySource | null): Reply {
  const text = connectionsText(now, stories, monotonicMs())
  return text === null ? errorReply(501, NOT_TOLD) : textReply('application/json', text)
}

const NOT_TOLD = 'This kernel does not tell of connections (inet_diag).'

const STORY = /^\/stories\/(\d{1,15})\.json$/

function storyPage(path: string, stories: StorySource | null): Page | null {
  const id = STORY.exec(path)?.[1]
  if (id === undefined) return null
  return () => {
    const story = stories?.story(Number(id)) ?? null
    return story === null ? errorReply(404, NOT_KEPT) : textReply('application/json', `${JSON.stringify(story)}\n`)
  }
}

const NOT_KEPT = 'This story is not kept any more: only those of the newest connections are.'

/** The supervisor said why. */
function notTold(error: unknown): Reply {
  return errorReply(503, error instanceof Error ? error.message : undefined)
}

function textReply(type: string, body: string): Reply {
  return { status: 200, fields: ['Content-Type', type, ...FIELDS], body }
}

/** CLOCK_MONOTONIC, on which stories are told. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
