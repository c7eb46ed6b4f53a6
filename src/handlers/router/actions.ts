/**
 * What a route does, as a function: asks a handler that others have made, or
 * answers by itself (`redirect`, `respond`).
 */
import type { SiteAction, SiteRoute } from '../../config/routes.ts'
import type { Handler, Reply } from '../handler.ts'
import { movedTo } from '../moved.ts'
import { errorReply } from '../pages.ts'
import { FieldRules } from './field-rules.ts'
import { encodePath, meantPath } from './paths.ts'
import { Pattern } from './pattern.ts'
import { Redirect } from './redirect.ts'
import { RewrittenRequest } from './rewritten-request.ts'
import type { Act } from './route.ts'

/** Makes the handlers. It is asked once for each route. */
export interface Makers {
  makeStatic(action: Extract<SiteAction, { readonly kind: 'static' }>): Handler
  makeApp(file: string): Handler
  makeHello(): Handler
}

export function actOf({ path, action }: SiteRoute, makers: Makers): Act {
  switch (action.kind) {
    case 'app':
      return makers.makeApp(action.file)
    case 'hello':
      return makers.makeHello()
    case 'static':
      return staticAct(makers.makeStatic(action))
    case 'redirect':
      return redirectTo(path, action)
    case 'respond': {
      const reply = fixedReply(action)
      return () => reply
    }
    case 'rewrite':
      return () => errorReply(404) // never asked: routes below are
  }
}

/** A file server sends clients to the slash of a directory, and tells them a path that they never asked for if it was rewritten. */
function staticAct(handler: Handler): Act {
  return (request, path) => {
    if (!(request instanceof RewrittenRequest)) return handler(request)
    const asked = meantPath(request.head.askedPath)
    if (asked === null) return handler(request)
    const { method, query } = request.head
    if (request.lacksSlash && (method === 'GET' || method === 'HEAD')) return movedTo(`${encodePath(asked)}/${query}`)
    const reply = handler(request)
    return reply instanceof Promise ? reply.then((late) => relocated(late, path, asked)) : relocated(reply, path, asked)
  }
}

/** What differs between the path that was asked for and the one that was looked up stays as it was asked. */
function relocated(reply: Reply, lookedUp: string, asked: string): Reply {
  const at = reply.fields.indexOf('Location')
  if (at === -1) return reply
  const [, path = '', rest = ''] = /^([^?#]*)(.*)$/s.exec(reply.fields[at + 1]!) ?? []
  const told = path.startsWith('/') ? meantPath(path) : null
  const meant = told === null ? null : toldAs(told, lookedUp, asked)
  if (meant === null) return reply
  const fields = [...reply.fields]
  fields[at + 1] = `${encodePath(meant)}${rest}`
  return { ...reply, fields }
}

/** '/folder/' for '/folder' becomes '/docs/folder/' for '/docs/folder'; null where the two have nothing in common. */
function toldAs(told: string, lookedUp: string, asked: string): string | null {
  if (told.startsWith(lookedUp)) return `${asked}${told.slice(lookedUp.length)}`
  return asked.endsWith(lookedUp) ? `${asked.slice(0, -lookedUp.length)}${told}` : null
}

function redirectTo(path: string, { to, status }: Extract<SiteAction, { readonly kind: 'redirect' }>): Act {
  const pattern = new Pattern(path)
  const redirect = new Redirect(to)
  return ({ head }, meant) => movedTo(redirect.location(pattern.stars(meant) ?? [], head.query), status)
}

function fixedReply({ status, body, fields }: Extract<SiteAction, { readonly kind: 'respond' }>): Reply {
  const rules = new FieldRules(fields)
  if (body !== null) return { status, fields: rules.apply(['Content-Type', 'text/plain; charset=utf-8']), body }
  const reply: Reply = status >= 400 ? errorReply(status) : { status, fields: [], body }
  return { ...reply, fields: rules.apply(reply.fields) }
}
