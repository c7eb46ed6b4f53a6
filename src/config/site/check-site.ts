/**
 * Judges `hosts` and what surrounds answers, as one source wrote them, before
 * anything is looked for on disk. Pure.
 *
 *     checkSite → each host → each route → its one action
 *
 * What the section `static` holds may stand on a route too; it is judged by
 * whoever judges the section, under the name of the route's own key.
 */
import type { Options, StaticOptions } from '../options.ts'
import type { HostOptions, Route } from '../routes.ts'
import type { NameOption } from '../settings.ts'
import { OPTION_PATHS } from '../table.ts'
import { checkFields, checkSurroundings, SURROUNDINGS } from './check-surroundings.ts'
import { hostAsWritten } from './host-name.ts'
import { mistakeInPattern, mistakeInRedirect, mistakeInRewrite, starsIn } from './path-pattern.ts'
import { objectAt, Place } from './place.ts'

/** Judges `{ static: … }` as if it stood at the top, under other names. */
export type CheckStatic = (options: Options, nameOption: NameOption) => void

/** Throws an OperatorError for the first mistake. */
export function checkSite(options: Options, nameOption: NameOption, checkStatic: CheckStatic): void {
  const top = new Place('', nameOption)
  checkSurroundings(top, options)
  if (options.hosts === undefined) return
  const place = top.key('hosts')
  if (options.target !== undefined) {
    throw place.mistake(`stands in place of ${top.key('target').name}; give one of the two`)
  }
  const hosts = Object.entries(objectAt(place, options.hosts, null))
  if (hosts.length === 0) throw place.mistake("is empty; name a host, or '*' for all, or leave it out")
  const seen = new Map<string, string>()
  for (const [written, host] of hosts) {
    const found = hostAsWritten(written)
    if ('mistake' in found) throw place.entry(written).mistake(found.mistake)
    if (seen.has(found.name)) {
      throw place.entry(written).mistake(`is the host of ${place.entry(seen.get(found.name)!).name} again; remove one`)
    }
    seen.set(found.name, written)
    checkHost(place.entry(written), host, nameOption, checkStatic)
  }
}

export const ACTIONS = ['app', 'static', 'redirect', 'respond', 'rewrite'] as const
export type ActionName = (typeof ACTIONS)[number]

/** The keys of a route that are the section's: they come and go with its rows. */
const STATIC_KEYS: readonly string[] = OPTION_PATHS.flatMap((path) => {
  return path.startsWith('static.') ? [path.slice('static.'.length)] : []
})

const ACTION_KEYS: readonly string[] = [...ACTIONS, 'status', ...SURROUNDINGS, ...STATIC_KEYS]
const ROUTE_KEYS = ['path', ...ACTION_KEYS]
const HOST_KEYS = ['routes', ...ACTION_KEYS]

function checkHost(place: Place, value: unknown, nameOption: NameOption, checkStatic: CheckStatic): void {
  const host = objectAt(place, value, HOST_KEYS) as HostOptions
  if (host.routes === undefined) return checkRoute(place, host, nameOption, checkStatic)
  const stray = givenKeys(host).find((key) => key !== 'routes' && !isSurrounding(key))
  if (stray !== undefined)
    throw place.mistake(`has routes and ${stray} of its own; make a route of it, or leave routes out`)
  checkSurroundings(place, host)
  const routes: unknown = host.routes
  if (!Array.isArray(routes)) throw place.key('routes').mustBe('a list of routes', routes)
  if (routes.length === 0) throw place.key('routes').mistake('is an empty list; add a route')
  routes.forEach((route: unknown, i) => {
    const at = place.key('routes').item(i)
    checkRoute(at, objectAt(at, route, ROUTE_KEYS) as Route, nameOption, checkStatic)
    refuseUnreachable(at, routes as readonly Route[], i)
  })
}

function checkRoute(place: Place, route: Route, nameOption: NameOption, checkStatic: CheckStatic): void {
  if (route.path !== undefined) checkPath(place.key('path'), route.path)
  const action = actionAt(place, route)
  const stars = starsIn(pathOf(route))
  if (route.rewrite !== undefined)
    checkText(place.key('rewrite'), route.rewrite, (text) => mistakeInRewrite(text, stars))
  if (action === 'redirect') checkText(place.key('redirect'), route.redirect, (text) => mistakeInRedirect(text, stars))
  if (action === 'respond') checkRespond(place.key('respond'), route.respond)
  if (action === 'app' || action === 'static') checkFileName(place.key(action), route[action])
  checkStatus(place.key('status'), route)
  checkStaticKeys(place, route, action, nameOption, checkStatic)
  checkSurroundings(place, route)
}

/** What is done: the one action, which `rewrite` may accompany. */
function actionAt(place: Place, route: Route): ActionName {
  const given = ACTIONS.filter((name) => route[name] !== undefined)
  if (given.length === 0) throw place.mistake(`says not what to do; give one of ${ACTIONS.join(', ')}`)
  const [first, second] = given
  if (second === undefined) {
    if (first === 'rewrite') refuseLoneRewrite(place, route)
    return first!
  }
  if (given.length > 2 || second !== 'rewrite' || (first !== 'app' && first !== 'static')) {
    throw place.mistake(`has ${given.join(' and ')}; give one, or a rewrite beside app or static`)
  }
  return first
}

/** It answers nothing, so nothing can surround its answers: a rule written here would hold for nobody. */
function refuseLoneRewrite(place: Place, route: Route): void {
  if (!/\.routes\[\d+\]$/.test(place.path)) {
    throw place.mistake('has a rewrite and no routes below that could be asked; put app or static beside it')
  }
  const stray = givenKeys(route).find(isSurrounding)
  if (stray === undefined) return
  throw place.key(stray).mistake('would hold for nobody: a rewrite goes on with the routes below; put it there')
}

/** Below a route for every path none is ever asked, and a rule written there would guard nothing. */
function refuseUnreachable(place: Place, routes: readonly Route[], index: number): void {
  const path = pathOf(routes[index]!)
  const before = routes.slice(0, index).findIndex((route) => isLast(route) && covers(pathOf(route), path))
  if (before === -1) return
  throw place.mistake(`can never be reached: routes[${before}] answers all of its paths; put it before that one`)
}

/** Whether one pattern fits all that another fits: seen where the first has no star, or one at its end. */
function covers(wide: string, narrow: string): boolean {
  if (wide === narrow) return true
  return wide.indexOf('*') === wide.length - 1 && (narrow.startsWith(wide.slice(0, -1)) || `${narrow}/*` === wide)
}

/** Whether routes below are not asked. */
function isLast(route: Route): boolean {
  return ACTIONS.some((name) => name !== 'rewrite' && route[name] !== undefined)
}

export function pathOf(route: Route): string {
  return route.path ?? '/*'
}

function givenKeys(value: object): string[] {
  return Object.entries(value).flatMap(([key, given]) => (given === undefined ? [] : [key]))
}

function isSurrounding(key: string): boolean {
  return (SURROUNDINGS as readonly string[]).includes(key)
}

// ── what a route holds ───────────────────────────────────────────────────────

function checkPath(place: Place, value: unknown): void {
  checkText(place, value, mistakeInPattern)
}

function checkText(place: Place, value: unknown, mistakeIn: (text: string) => string | null): void {
  if (typeof value !== 'string') throw place.mustBe('text', value)
  const mistake = mistakeIn(value)
  if (mistake !== null) throw place.is(value, mistake)
}

function checkFileName(place: Place, value: unknown): void {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return
  throw place.mustBe(place.path.endsWith('.app') ? 'the path of an app module' : 'the path of a directory', value)
}

const REDIRECTS: readonly unknown[] = [301, 302, 303, 307, 308]

function checkStatus(place: Place, { status, redirect, respond }: Route): void {
  if (status === undefined) return
  if (redirect === undefined) {
    const where = respond === undefined ? '' : ': respond: { status } is what you mean'
    throw place.mistake(`belongs to redirect, and there is none${where}`)
  }
  if (!REDIRECTS.includes(status)) throw place.mustBe('301, 302, 303, 307 or 308', status)
}

/** With these an answer has no body, RFC 9110 §15.3.5, §15.3.6 and §15.4.5. */
const BODILESS: readonly unknown[] = [204, 205, 304]

function checkRespond(place: Place, value: unknown): void {
  const { status, body, headers } = objectAt(place, value, ['status', 'body', 'headers'])
  if (!Number.isInteger(status) || Number(status) < 200 || Number(status) > 599) {
    throw place.key('status').mustBe('a whole number from 200 to 599', status)
  }
  if (body !== undefined && typeof body !== 'string') throw place.key('body').mustBe('text', body)
  if (body !== undefined && BODILESS.includes(status)) {
    throw place.key('body').mistake(`cannot be sent: an answer of status ${status} has none; leave it out`)
  }
  if (headers !== undefined) checkFields(place.key('headers'), headers, false)
}

function checkStaticKeys(
  place: Place,
  route: Route,
  action: ActionName,
  nameOption: NameOption,
  checkStatic: CheckStatic,
): void {
  const own = staticKeysOf(route)
  const [first] = Object.keys(own)
  if (first === undefined) return
  if (action !== 'static') throw place.key(first).mistake('belongs to static, and there is none')
  checkStatic({ static: own }, (path) => nameOption(path.replace(/^static(?=\.|$)/, () => place.path)))
}

/** What a route says of the section `static`. */
export function staticKeysOf(route: Route): Partial<StaticOptions> {
  return Object.fromEntries(
    Object.entries(route).filter(([key, value]) => STATIC_KEYS.includes(key) && value !== undefined),
  )
}
