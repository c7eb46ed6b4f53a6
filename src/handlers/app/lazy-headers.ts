/**
 * The headers of a request, not made until somebody does more than ask for one by
 * its name.
 *
 * Node checks and copies every field into a list of its own, several times the
 * cost of all else this server does for a small request. A name that is asked for
 * is looked up in the request's head instead, which has been checked by its parser.
 * Whoever counts, goes through or changes them gets Node's own, made once; from then
 * on that is asked.
 */
import type { RequestHead } from '../../http/head.ts'
import { markAsUncloneable, NativeHeaders, standInFor } from './native-fetch.ts'
import { fieldName } from './plain-fields.ts'

export class LazyHeaders {
  readonly #head: RequestHead
  #real: Headers | undefined

  constructor(head: RequestHead) {
    this.#head = head
    markAsUncloneable(this)
  }

  static real(headers: LazyHeaders): Headers {
    headers.#real ??= nativeHeaders(headers.#head)
    return headers.#real
  }

  /** Whether they may be others by now than those of the request. */
  static mayDiffer(headers: Headers): boolean {
    return !(#head in headers) || headers.#real !== undefined
  }

  get(name: string): string | null {
    const asked = this.#askable(name)
    return asked === null ? LazyHeaders.real(this).get(name) : this.#head.field(asked)
  }

  has(name: string): boolean {
    const asked = this.#askable(name)
    return asked === null ? LazyHeaders.real(this).has(name) : this.#head.field(asked) !== null
  }

  /** What to ask the head for; null: that is for Node's own to say. */
  #askable(name: string): string | null {
    return this.#real === undefined ? fieldName(name) : null
  }
}

standInFor(LazyHeaders.prototype, NativeHeaders.prototype, LazyHeaders.real)
Object.defineProperty(LazyHeaders.prototype, 'constructor', { value: NativeHeaders })

export function nativeHeaders(head: RequestHead): Headers {
  const headers = new NativeHeaders()
  for (const [name, value] of head.fieldPairs()) headers.append(name, value)
  return headers
}
