/**
 * Heads of responses as bytes, kept for those that are written again and again: an
 * app that answers JSON, a fixed answer, a few files that all ask for.
 *
 * A head is a function of what is put in (http/response-head.ts), so the same again
 * gives the same bytes, and copying them costs a tenth of making them. They are kept
 * once they were asked for twice, and as long as their Date is the present one.
 *
 * Only heads with a Content-Length, as nearly all have. What the response says of the
 * connection stands behind it, so the same start serves those that live on and those that end.
 */
import type { ConnectionOption } from '../http/response-head.ts'

/** How many are looked through: finding one must cost less than making it. */
const KEPT_MAX = 8
/** A longer one would keep its memory, and is no bargain to copy. */
const HEAD_BYTES_MAX = 2_048

const LENGTH_NAME = 'Content-Length: '

/** What follows that value. */
export function endOfHead(connection: ConnectionOption): string {
  switch (connection) {
    case null:
      return '\r\n\r\n'
    case 'close':
      return '\r\nConnection: close\r\n\r\n'
    case 'keep-alive':
      return '\r\nConnection: keep-alive\r\n\r\n'
  }
}

interface Kept {
  status: number
  fields: readonly string[]
  date: string
  /** The head as far as it is the same for a body of any length. Null: it was asked for once. */
  start: Uint8Array | null
}

export class Heads {
  readonly #kept: Kept[] = []
  /** The one that was asked for last: an app's fields are the same texts in another array each time. */
  #last = 0

  /** The head up to the value of Content-Length, which it ends with; null: it has to be made, and shown to `keep`. */
  start(status: number, fields: readonly string[], date: string): Uint8Array | null {
    const kept = this.#find(status, fields)
    return kept !== null && kept.date === date ? kept.start : null
  }

  /** `head` was made of all this; it ends with `end`: the length, and `endOfHead` of the connection. */
  keep(head: string, status: number, fields: readonly string[], end: string, date: string): void {
    const kept = this.#find(status, fields)
    if (kept === null) return this.#note(status, fields)
    const to = head.length - end.length
    // With an Upgrade, Connection says more (response-head.ts).
    if (head.length > HEAD_BYTES_MAX || !head.startsWith(`${LENGTH_NAME}${end}`, to - LENGTH_NAME.length)) return
    kept.fields = fields
    kept.date = date
    kept.start = Buffer.from(head.slice(0, to), 'latin1')
  }

  #find(status: number, fields: readonly string[]): Kept | null {
    const kept = this.#kept
    for (let i = 0; i < kept.length; i++) {
      if (kept[i]!.fields !== fields || kept[i]!.status !== status) continue
      this.#last = i
      return kept[i]!
    }
    const last = kept[this.#last]
    return last !== undefined && last.status === status && areSame(last.fields, fields) ? last : null
  }

  /** In the place of whoever came before the others. */
  #note(status: number, fields: readonly string[]): void {
    this.#last = this.#kept.length < KEPT_MAX ? this.#kept.length : (this.#last + 1) % KEPT_MAX
    this.#kept[this.#last] = { status, fields, date: '', start: null }
  }
}

function areSame(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false
  return true
}
