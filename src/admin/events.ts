/**
 * `GET /events`: the open status pages, each told the same document about once a
 * second, as server-sent events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 *     first page comes → look ─ one second ─ look ─ … → last page has gone
 *
 * One look serves all pages, and where there is no page nobody looks. Nothing
 * waits here for a page that is slow: an event that the kernel has not taken whole
 * when the next one is due takes its place, and a state replaces a state. So what
 * is held is one event, however many pages there are and however slow they read.
 */
import { Buffer } from 'node:buffer'
import type { Reply } from '../handlers/handler.ts'
import { errorReply } from '../handlers/pages.ts'

/** Pages open at once: each costs a connection and a send a second. */
export const PAGES_MAX = 32
const LOOK_MS = 1_000
/** After so long a browser comes again by itself. */
const RETRY_MS = 1_000

export interface EventsParts {
  /** What every page is to be told now: JSON. */
  readonly look: () => Promise<string>
  /** The first page has come, or the last has gone. */
  readonly onWatched: (isWatched: boolean) => void
  readonly fields: readonly string[]
}

interface OpenPage {
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  /** It has taken all that it was given. */
  isReady: boolean
}

export class Events {
  readonly #parts: EventsParts
  readonly #pages = new Set<OpenPage>()
  #timer: NodeJS.Timeout | null = null
  #isLooking = false
  /** Until the first look has an answer, or the supervisor does not tell. */
  #last: Uint8Array | null = null

  constructor(parts: EventsParts) {
    this.#parts = parts
  }

  get pages(): number {
    return this.#pages.size
  }

  reply(method: string): Reply {
    const fields = ['Content-Type', 'text/event-stream', ...this.#parts.fields]
    if (method === 'HEAD') return { status: 200, fields, body: null }
    if (this.#pages.size >= PAGES_MAX) return errorReply(503, TOO_MANY)
    return { status: 200, fields, body: { kind: 'stream', stream: this.#open() } }
  }

  #open(): ReadableStream<Uint8Array> {
    let page: OpenPage | null = null
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          page = { controller, isReady: false }
          this.#pages.add(page)
          if (this.#pages.size === 1) this.#begin()
          controller.enqueue(this.#last ?? HELLO)
        },
        pull: () => {
          page!.isReady = true
        },
        cancel: () => this.#leave(page!),
      },
      // Whoever reads asks when the last piece has been sent, and not before.
      { highWaterMark: 0 },
    )
  }

  #begin(): void {
    this.#parts.onWatched(true)
    this.#timer = setInterval(() => this.look(), LOOK_MS)
    this.look()
  }

  #leave(page: OpenPage): void {
    this.#pages.delete(page)
    if (this.#pages.size > 0) return
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#last = null
    this.#parts.onWatched(false)
  }

  /** One look, unless the last is still under way: then the supervisor is busy. */
  look(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#parts
      .look()
      .then((text) => this.#tell(eventOf('status', text)))
      .catch((error: unknown) => this.#tell(eventOf('failed', JSON.stringify(messageOf(error)))))
      .finally(() => {
        this.#isLooking = false
      })
  }

  #tell(event: Uint8Array): void {
    if (this.#pages.size > 0) this.#last = event
    for (const page of this.#pages) {
      if (!page.isReady) continue
      page.isReady = false
      page.controller.enqueue(event)
    }
  }
}

const TOO_MANY = `There are ${PAGES_MAX} status pages open, which is as many as may be: close one.`
/** Sent at once, so that a page knows that it is heard though nobody tells yet. */
const HELLO = Buffer.from(`retry: ${RETRY_MS}\n\n`)

function eventOf(name: string, json: string): Uint8Array {
  return Buffer.from(`event: ${name}\nretry: ${RETRY_MS}\ndata: ${json}\n\n`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
