/**
 * CORS, as the Fetch standard has it: who on other origins may read an answer.
 *
 * Nothing is kept from anybody here: a browser that finds its origin missing
 * keeps the answer from its page. Where the answer depends on who asks, Vary says
 * so, also to those who are no browser: a cache stands between.
 */
import type { CorsRules } from '../../config/routes.ts'
import type { RequestHead } from '../../http/head.ts'
import { addVary } from './field-rules.ts'

/** What an answer may say of it, in lower case: ours alone. */
export const CORS_FIELDS = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'access-control-max-age',
] as const

export class Cors {
  readonly #isForAll: boolean
  readonly #exact: ReadonlySet<string>
  /** 'https://*.example.com' in two parts. */
  readonly #below: readonly (readonly [scheme: string, domain: string])[]
  readonly #credentials: boolean
  readonly #exposed: string
  readonly #methods: string
  readonly #headers: string | null
  readonly #maxAge: string

  constructor(rules: CorsRules) {
    const origins = rules.origins === '*' ? [] : rules.origins
    this.#isForAll = rules.origins === '*'
    this.#exact = new Set(origins.filter((origin) => !origin.includes('*')))
    this.#below = origins
      .filter((origin) => origin.includes('*'))
      .map((origin) => origin.split('*') as [string, string])
    this.#credentials = rules.credentials
    this.#exposed = rules.exposeHeaders.join(', ')
    this.#methods = rules.methods.join(', ')
    this.#headers = rules.headers === null ? null : rules.headers.join(', ')
    this.#maxAge = String(rules.maxAgeSeconds)
  }

  /** The browser's question before a request that a form could not have sent. It brings no credentials. */
  isPreflight(head: RequestHead): boolean {
    if (head.method !== 'OPTIONS') return false
    return head.field('origin') !== null && head.field('access-control-request-method') !== null
  }

  /** Adds to the fields of an answer what its request's origin is to know. */
  apply(fields: string[], head: RequestHead, isPreflight: boolean): void {
    if (!this.#isForAll) addVary(fields, 'Origin')
    const origin = this.#isForAll ? '*' : this.#allowed(head.field('origin'))
    if (origin === null) return
    fields.push('Access-Control-Allow-Origin', origin)
    if (this.#credentials) fields.push('Access-Control-Allow-Credentials', 'true')
    if (isPreflight) this.#applyToPreflight(fields, head)
    else if (this.#exposed !== '') fields.push('Access-Control-Expose-Headers', this.#exposed)
  }

  #applyToPreflight(fields: string[], head: RequestHead): void {
    fields.push('Access-Control-Allow-Methods', this.#methods, 'Access-Control-Max-Age', this.#maxAge)
    if (this.#headers !== null) {
      if (this.#headers !== '') fields.push('Access-Control-Allow-Headers', this.#headers)
      return
    }
    addVary(fields, 'Access-Control-Request-Headers')
    const asked = head.field('access-control-request-headers')
    if (asked !== null && NAMES.test(asked)) fields.push('Access-Control-Allow-Headers', asked)
  }

  /** The origin, where it is one of those that are allowed. */
  #allowed(origin: string | null): string | null {
    if (origin === null || this.#exact.has(origin)) return origin
    const isBelow = this.#below.some(([scheme, domain]) => {
      if (!origin.startsWith(scheme) || !origin.endsWith(domain)) return false
      return NAME.test(origin.slice(scheme.length, origin.length - domain.length))
    })
    return isBelow ? origin : null
  }
}

/** What a star of an origin stands for: one name or several, and nothing that ends a host. */
const NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/
const NAMES = /^[\w!#$%&'*+.^`|~-]+(\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/
