/**
 * A route at work: who may ask, what answers, and what surrounds the answer.
 *
 *     allow, deny → preflight → password → action → fields
 *
 * Addresses come first: who is denied is not worth a password's verification. A
 * preflight comes before the password, for a browser sends none with it.
 *
 * Functions that make a closure are apart from those that every request comes through: V8 keeps what a closure could
 * need in an object, and makes it when the function is entered, whether the closure is made or not.
 */
import type { SiteRoute } from '../../config/routes.ts'
import type { RequestHead } from '../../http/head.ts'
import type { IncomingRequest, Reply } from '../handler.ts'
import { errorReply } from '../pages.ts'
import { Access } from './access.ts'
import { CORS_FIELDS, Cors } from './cors.ts'
import { FieldRules } from './field-rules.ts'
import type { Guard, Verdict } from './guard.ts'
import type { Routed } from './host-routes.ts'
import { Pattern, Template } from './pattern.ts'

/** What answers. `path` is the one that was meant, for redirects. */
export type Act = (request: IncomingRequest, path: string) => Reply | Promise<Reply>

export class Route implements Routed {
  readonly pattern: Pattern
  readonly rewrite: Template | null
  readonly isLast: boolean
  readonly #act: Act
  readonly #access: Access | null
  readonly #cors: Cors | null
  readonly #guard: Guard | null
  /** A fixed answer, and a file that is kept, are the same object each time: then so is what is made of it. */
  #lastReply: Reply | null = null
  #lastDressed: Reply = PREFLIGHT
  /** Null: its answers are sent as they are. */
  readonly #fields: FieldRules | null

  constructor({ path, rewrite, action, rules }: SiteRoute, act: Act, guard: Guard | null) {
    this.pattern = new Pattern(path)
    this.rewrite = rewrite === null ? null : new Template(rewrite)
    this.isLast = action.kind !== 'rewrite'
    this.#act = act
    this.#access = rules.access === null ? null : new Access(rules.access)
    this.#cors = rules.cors === null ? null : new Cors(rules.cors)
    this.#guard = guard
    const fields = new FieldRules(rules.fields, this.#cors === null ? [] : CORS_FIELDS)
    this.#fields = fields.isEmpty ? null : fields
  }

  /** `path` is the one meant. The request may be for another: see HostRoutes.given. */
  answer(request: IncomingRequest, path: string): Reply | Promise<Reply> {
    const { head } = request
    if (this.#access !== null && !this.#access.admits(request.remoteAddress)) return this.#dress(errorReply(403), head)
    if (this.#cors?.isPreflight(head) === true) return this.#dress(PREFLIGHT, head)
    if (this.#guard === null) return this.#admit(request, path)
    return this.#ask(this.#guard, request, path)
  }

  #ask(guard: Guard, request: IncomingRequest, path: string): Reply | Promise<Reply> {
    const verdict = guard.judge(request.head.field('authorization'), request.remoteAddress)
    if (verdict instanceof Promise) return verdict.then((late) => this.#settle(late, request, path))
    return this.#settle(verdict, request, path)
  }

  #settle(verdict: Verdict, request: IncomingRequest, path: string): Reply | Promise<Reply> {
    return verdict === null ? this.#admit(request, path) : this.#dress(verdict, request.head)
  }

  #admit(request: IncomingRequest, path: string): Reply | Promise<Reply> {
    const { head } = request
    const reply = head.path === '*' ? OF_THE_SERVER : this.#act(request, path)
    if (this.#fields === null) return reply
    return reply instanceof Promise ? this.#dressLater(reply, head) : this.#dress(reply, head)
  }

  #dressLater(reply: Promise<Reply>, head: RequestHead): Promise<Reply> {
    return reply.then((late) => this.#dress(late, head))
  }

  #dress(reply: Reply, head: RequestHead): Reply {
    if (this.#fields === null) return reply
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

const PREFLIGHT: Reply = { status: 204, fields: [], body: null }

/** `OPTIONS *` asks of the server as a whole, RFC 9110 §9.3.7: no route has more to say. */
const OF_THE_SERVER: Reply = { status: 204, fields: ['Allow', 'GET, HEAD, OPTIONS'], body: null }
