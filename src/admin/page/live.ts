/**
 * The page's line to the server: server-sent events, which come again by
 * themselves when the line breaks. What a browser gives up on (an answer that is
 * no stream: too many pages, no token any more) is tried again from here.
 */
import type { PageDocument } from './document.ts'

/** `late`: the line is there and nothing has come for a while. */
export type LinkState = 'connecting' | 'live' | 'late' | 'lost'

export interface LiveParts {
  onStatus(document: PageDocument): void
  /** `why`: a sentence; `sinceMs`: since when nothing has come. */
  onLink(state: LinkState, why: string, sinceMs: number): void
}

/** After so long without an event something is wrong: one is due each second. */
const LATE_MS = 4_000
const LOOK_MS = 1_000
/** What a browser has given up on is tried again after so long. */
const AGAIN_MS = 5_000

export class Live {
  readonly #parts: LiveParts
  #source: EventSource | null = null
  #lastAt = performance.now()
  #again = 0
  #why = ''

  constructor(parts: LiveParts) {
    this.#parts = parts
    this.#open()
    setInterval(() => this.#look(), LOOK_MS)
  }

  #open(): void {
    const source = new EventSource('/events')
    this.#source = source
    source.addEventListener('status', (event) => {
      this.#lastAt = performance.now()
      this.#why = ''
      this.#parts.onLink('live', '', 0)
      this.#parts.onStatus(JSON.parse(event.data) as PageDocument)
    })
    source.addEventListener('failed', (event) => {
      this.#why = String(JSON.parse(event.data))
    })
    source.addEventListener('error', () => {
      this.#parts.onLink('lost', 'The server does not answer here.', this.#sinceMs())
      if (source.readyState === EventSource.CLOSED) void this.#askWhy()
    })
  }

  /** It answered something else than a stream, and a browser does not tell what. */
  async #askWhy(): Promise<void> {
    this.#again = performance.now() + AGAIN_MS
    const answer = await fetch('/events').catch(() => null)
    this.#why = answer === null ? '' : (WHY[answer.status] ?? `It answered ${answer.status}.`)
    await answer?.body?.cancel()
  }

  #look(): void {
    const sinceMs = this.#sinceMs()
    if (this.#source?.readyState === EventSource.CLOSED) {
      if (performance.now() >= this.#again) return this.#open()
      return this.#parts.onLink('lost', this.#why || 'The server does not answer here.', sinceMs)
    }
    if (this.#source?.readyState === EventSource.CONNECTING)
      return this.#parts.onLink('lost', 'The server does not answer here.', sinceMs)
    if (sinceMs > LATE_MS) this.#parts.onLink('late', this.#why || 'The supervisor has not answered.', sinceMs)
  }

  #sinceMs(): number {
    return performance.now() - this.#lastAt
  }
}

const WHY: Readonly<Record<number, string>> = {
  401: 'It asks for a token: load this page again.',
  503: 'As many status pages are open as may be: close one.',
}
