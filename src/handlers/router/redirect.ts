/**
 * Where a redirect leads: the Location of RFC 9110 §10.2.2, written so that it is
 * what the operator meant, whatever the client sent.
 *
 * What stars stand for is percent-encoded. A path begins with exactly one slash:
 * with two, browsers would take what follows for another host.
 */
import { encodeForQuery, encodePath } from './paths.ts'
import { Template } from './pattern.ts'

export class Redirect {
  /** 'https://example.com', or '' for the host that was asked. */
  readonly #origin: string
  readonly #path: Template
  /** '', '?' or '?name=value'. */
  readonly #query: string
  readonly #queryTemplate: Template
  /** '' or '#name'. */
  readonly #fragment: Template

  constructor(to: string) {
    const [, origin = '', path = '', query = '', fragment = ''] = PARTS.exec(to)!
    this.#origin = origin === '' ? '' : new URL(origin).origin
    this.#path = new Template(encodeWritten(path))
    this.#query = query
    this.#queryTemplate = new Template(encodeWritten(query))
    this.#fragment = new Template(encodeWritten(fragment))
  }

  /** `query` is the client's: '' or begins with '?'. It is kept, behind one of ours; '?' alone drops it. */
  location(stars: readonly string[], query: string): string {
    const path = this.#path.fill(stars, encodePath).replace(/^\/*/, '/')
    return `${this.#origin}${path}${this.#queryWith(stars, query)}${this.#fragment.fill(stars, encodeForQuery)}`
  }

  #queryWith(stars: readonly string[], query: string): string {
    if (this.#query === '') return query
    if (this.#query === '?') return ''
    const own = this.#queryTemplate.fill(stars, encodeForQuery)
    return query.length > 1 ? `${own}&${query.slice(1)}` : own
  }
}

const PARTS = /^(https?:\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/i

/** An operator writes as people do, 'größe' or '%20'; what is encoded already stays. */
function encodeWritten(text: string): string {
  return encodeURI(text).replace(/%25(?=[0-9a-f]{2})/gi, '%')
}
