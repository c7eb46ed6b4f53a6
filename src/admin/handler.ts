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
import { clock_gettime } from '../kernel/clock.ts'
import { CLOCK_MONOTONIC } from '../kernel/constants.ts'
import { refusalOf, tokenCheck } from './access.ts'
import { readAssets } from './assets.ts'
import { connectionsText } from './connections.ts'
import { Events } from './events.ts'
import { EXPOSITION_TYPE } from './exposition.ts'
import { metricsText } from './metrics.ts'
import { Owners } from './owners.ts'
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
  const looks = new Looks(status, stories)
  const owners = new Owners()
  const events = new Events({
    look: () => looks.look(),
    onWatched: (isWatched) => stories?.watch(isWatched),
    fields: FIELDS,
  })
  const connections = (now: TreeStatus) => {
    const text = connectionsText({ status: now, owners, stories, nowMs: clock_gettime(CLOCK_MONOTONIC) })
    return text === null ? errorReply(501, NOT_TOLD) : textReply('application/json', text)
  }
  const files = [...readAssets(FIELDS)].map(([path, reply]) => [path, () => reply] as const)
  return new Map<string, Page>([
    ...files,
    ['/events', (method) => events.reply(method)],
    ['/connections.json', () => looks.recent().then(connections, notTold)],
    ['/metrics', () => status().then((now) => textReply(EXPOSITION_TYPE, metricsText(now)), notTold)],
  ])
}

/** So old may a status be that another question is answered with. */
const RECENT_MS = 1_500

/** The looks of the open pages. Rates are between one and the next; what one has found serves others for a moment. */
class Looks {
  readonly #status: AdminParts['status']
  readonly #stories: StorySource | null
  #last: { readonly status: TreeStatus; readonly atMs: number } | null = null

  constructor(status: AdminParts['status'], stories: StorySource | null) {
    this.#status = status
    this.#stories = stories
  }

  /** The next document for the page. */
  async look(): Promise<string> {
    const status = await this.#status()
    const before = this.#last?.status ?? null
    const nowMs = clock_gettime(CLOCK_MONOTONIC)
    this.#last = { status, atMs: nowMs }
    return JSON.stringify(pageDocumentOf({ status, before, stories: this.#stories, adminPid: process.pid, nowMs }))
  }

  async recent(): Promise<TreeStatus> {
    const isRecent = this.#last !== null && clock_gettime(CLOCK_MONOTONIC) - this.#last.atMs < RECENT_MS
    return isRecent ? this.#last!.status : this.#status()
  }
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
