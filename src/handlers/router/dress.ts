/**
 * What surrounds the answers of a route: `headers`, `security`, CORS.
 *
 * A fixed answer, and a file that is kept, are the same object each time: then so
 * is what is made of it.
 */
import type { Rules } from '../../config/routes.ts'
import type { RequestHead } from '../../http/head.ts'
import type { Reply } from '../handler.ts'
import { CORS_FIELDS, type Cors } from './cors.ts'
import { FieldRules } from './field-rules.ts'

export class Dress {
  readonly #fields: FieldRules
  readonly #cors: Cors | null
  #lastReply: Reply | null = null
  #lastDressed: Reply = PREFLIGHT

  /** Null: answers are sent as they are. */
  static of(fields: Rules['fields'], cors: Cors | null): Dress | null {
    const rules = new FieldRules(fields, cors === null ? [] : CORS_FIELDS)
    return rules.isEmpty ? null : new Dress(rules, cors)
  }

  private constructor(fields: FieldRules, cors: Cors | null) {
    this.#fields = fields
    this.#cors = cors
  }

  put(reply: Reply, head: RequestHead): Reply {
    if (reply === this.#lastReply) return this.#lastDressed
    const fields = this.#fields.apply(reply.fields)
    this.#cors?.apply(fields, head, reply === PREFLIGHT)
    const dressed = { ...reply, fields }
    if (this.#cors === null) {
      this.#lastReply = reply
      this.#lastDressed = dressed
    }
    return dressed
  }
}

export const PREFLIGHT: Reply = { status: 204, fields: [], body: null }
