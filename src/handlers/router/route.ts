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
import type { Rules, SiteRoute } from '../../config/routes.ts'
import type { IncomingRequest, Reply } from '../handler.ts'
import { errorReply } from '../pages.ts'
import { Access } from './access.ts'
import { Cors } from './cors.ts'
import { Dress, PREFLIGHT } from './dress.ts'
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
  /** Of answers over TLS, and of all others. Null, which both are or none: they are sent as they are. */
  readonly #overTls: Dress | null
  readonly #inClear: Dress | null

  constructor({ path, rewrite, action, rules }: SiteRoute, act: Act, guard: Guard | null) {
    this.pattern = new Pattern(path)
    this.rewrite = rewrite === null ? null : new Template(rewrite)
    this.isLast = action.kind !== 'rewrite'
    this.#act = act
    this.#access = rules.access === null ? null : new Access(rules.access)
    this.#cors = rules.cors === null ? null : new Cors(rules.cors)
    this.#guard = guard
    this.#inClear = Dress.of(fieldsOf(rules, false), this.#cors)
    this.#overTls = rules.hsts === null ? this.#inClear : Dress.of(fieldsOf(rules, true), this.#cors)
  }

  /** `path` is the one meant. The request may be for another: see HostRoutes.given. */
  answer(request: IncomingRequest, path: string): Reply | Promise<Reply> {
    const { head } = request
    const isDenied = this.#access !== null && !this.#access.admits(request.remoteAddress)
    if (isDenied) return this.#dress(errorReply(403), request)
    if (this.#cors?.isPreflight(head) === true) return this.#dress(PREFLIGHT, request)
    if (this.#guard === null) return this.#admit(request, path)
    return this.#ask(this.#guard, request, path)
  }

  #ask(guard: Guard, request: IncomingRequest, path: string): Reply | Promise<Reply> {
    const verdict = guard.judge(request.head.field('authorization'), request.remoteAddress)
    if (verdict instanceof Promise) return verdict.then((late) => this.#settle(late, request, path))
    return this.#settle(verdict, request, path)
  }

  #settle(verdict: Verdict, request: IncomingRequest, path: string): Reply | Promise<Reply> {
    return verdict === null ? this.#admit(request, path) : this.#dress(verdict, request)
  }

  #admit(request: IncomingRequest, path: string): Reply | Promise<Reply> {
    const reply = request.head.path === '*' ? OF_THE_SERVER : this.#act(request, path)
    if (this.#inClear === null) return reply
    return reply instanceof Promise ? this.#dressLater(reply, request) : this.#dress(reply, request)
  }

  #dressLater(reply: Promise<Reply>, request: IncomingRequest): Promise<Reply> {
    return reply.then((late) => this.#dress(late, request))
  }

  #dress(reply: Reply, request: IncomingRequest): Reply {
    if (this.#inClear === null) return reply
    return (request.isSecure ? this.#overTls : this.#inClear)!.put(reply, request.head)
  }
}

/** RFC 6797 §7: exactly one Strict-Transport-Security over TLS, none elsewhere, whatever the answer says of itself. */
function fieldsOf({ fields, hsts }: Rules, isSecure: boolean): Rules['fields'] {
  return hsts === null ? fields : [...fields, ['Strict-Transport-Security', isSecure ? hsts : null]]
}

/** `OPTIONS *` asks of the server as a whole, RFC 9110 §9.3.7: no route has more to say. */
const OF_THE_SERVER: Reply = { status: 204, fields: ['Allow', 'GET, HEAD, OPTIONS'], body: null }
