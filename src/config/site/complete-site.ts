/**
 * From what was written of hosts and routes to the Site that workers are given:
 * inner places laid over outer ones, files and directories found, and what
 * happens otherwise added.
 *
 *     top ─ host ─ route       headers name by name; cors, basicAuth whole; allow and deny together
 *
 * All of it has been judged by check-site.ts, which is what makes the casts true.
 */
import type { StaticOptions, Target } from '../options.ts'
import { findApp, findDirectory } from '../paths.ts'
import type {
  AccessRules,
  BasicAuthOptions,
  CorsOptions,
  CorsRules,
  Guard,
  HostOptions,
  Route,
  Rules,
  SecurityOptions,
  Site,
  SiteAction,
  SiteHost,
  SiteRoute,
  Surroundings,
} from '../routes.ts'
import { type Setting, type Settings, withoutInfinity } from '../settings.ts'
import { OPTION_PATHS, OPTION_TABLE, type OptionPath } from '../table.ts'
import { pathOf, staticKeysOf } from './check-site.ts'
import { SURROUNDINGS } from './check-surroundings.ts'
import { hostAsWritten } from './host-name.ts'
import { type Place, placeOf } from './place.ts'
import { readUsersFile } from './users-file.ts'

/** Null where nothing is routed and nothing surrounds an answer: the target answers by itself, at no further cost. */
export function completeSite(
  settings: Settings,
  target: Target,
  statics: StaticOptions,
  security: SecurityOptions,
): Site | null {
  const hosts = settings.get('hosts')!
  const isSecured = OPTION_PATHS.some((path) => path.startsWith('security.') && isChanged(path, settings.get(path)!))
  if (!hosts.isAsked && !isSecured && !SURROUNDINGS.some((path) => settings.get(path)!.isAsked)) return null
  return new Builder(statics, security).build(settings, target)
}

function isChanged(path: OptionPath, setting: Setting): boolean {
  return setting.value !== OPTION_TABLE[path].default
}

/** What holds at a place, for all that is inside it. */
interface Holding {
  readonly fields: Rules['fields']
  readonly cors: CorsRules | null
  readonly guard: number | null
  readonly access: AccessRules | null
}

const NOTHING: Holding = { fields: [], cors: null, guard: null, access: null }

class Builder {
  readonly #statics: StaticOptions
  readonly #security: SecurityOptions
  readonly #guards: Guard[] = []

  constructor(statics: StaticOptions, security: SecurityOptions) {
    this.#statics = statics
    this.#security = security
  }

  build(settings: Settings, target: Target): Site {
    const top = this.#top(settings)
    const hosts = settings.get('hosts')!
    const written = hosts.isAsked ? this.#hosts(hosts, top) : [this.#everyHost(target, top)]
    return { hosts: written, guards: this.#guards }
  }

  /** Only a configuration file can say these, so one of them names the source of all. */
  #top(settings: Settings): Holding {
    const asked = SURROUNDINGS.filter((path) => settings.get(path)!.isAsked)
    const [first] = asked
    if (first === undefined) return NOTHING
    const here = Object.fromEntries(asked.map((path) => [path, settings.get(path)!.value])) as Surroundings
    const setting = settings.get(first)!
    return this.#inside(NOTHING, here, placeOf(setting, first, ''), setting.base)
  }

  /** A target has no routes of its own: it is what every host and path leads to. */
  #everyHost(target: Target, top: Holding): SiteHost {
    const action = actionOf(target, this.#statics)
    return { name: '*', routes: [this.#route('/*', action, null, top, true)] }
  }

  #hosts(setting: Setting, top: Holding): SiteHost[] {
    const place = placeOf(setting, 'hosts')
    const hosts = Object.entries(setting.value as Record<string, HostOptions>).map(([written, host]) => {
      const found = hostAsWritten(written)
      if ('mistake' in found) throw place.entry(written).mistake(found.mistake)
      return { name: found.name, routes: this.#routes(host, top, place.entry(written), setting.base) }
    })
    return hosts.some(({ name }) => name === '*') ? hosts : [...hosts, this.#otherHosts(top)]
  }

  #routes(host: HostOptions, top: Holding, place: Place, base: string): SiteRoute[] {
    if (host.routes === undefined) return [this.#writtenRoute(host, top, place, base)]
    const holding = this.#inside(top, host, place, base)
    const routes = host.routes.map((route, i) => {
      return this.#writtenRoute(route, holding, place.key('routes').item(i), base)
    })
    const last = routes.at(-1)!
    if (last.path === '/*' && last.action.kind !== 'rewrite') return routes
    return [...routes, this.#route('/*', respond(404), null, holding, false)]
  }

  /** RFC 9110 §15.5.20: this server answers for other hosts than the one that was asked for. */
  #otherHosts(top: Holding): SiteHost {
    const holding = { ...NOTHING, fields: top.fields }
    return { name: '*', routes: [this.#route('/*', respond(421), null, holding, false)] }
  }

  #writtenRoute(route: Route, outer: Holding, place: Place, base: string): SiteRoute {
    const holding = this.#inside(outer, route, place, base)
    return this.#route(pathOf(route), this.#action(route, place, base), route.rewrite ?? null, holding, true)
  }

  #route(path: string, action: SiteAction, rewrite: string | null, holding: Holding, isWritten: boolean): SiteRoute {
    const fields = layFields(securityFields(this.#security, action), holding.fields)
    const hsts = this.#security.hsts === 'off' || haveField(fields, HSTS) ? null : this.#security.hsts
    return { path, action, rewrite, rules: { ...holding, fields, hsts }, isWritten }
  }

  #action(route: Route, place: Place, base: string): SiteAction {
    const found = (key: 'app' | 'static') => ({ value: route[key], name: place.key(key).name, base, isAsked: true })
    if (route.app !== undefined) return { kind: 'app', file: findApp(found('app')) }
    if (route.static !== undefined) {
      const own = Object.entries(staticKeysOf(route)).map(([key, value]) => [key, withoutInfinity(value)])
      const options = { ...this.#statics, ...(Object.fromEntries(own) as Partial<StaticOptions>) }
      return { kind: 'static', root: findDirectory(found('static')), options }
    }
    if (route.redirect !== undefined) return { kind: 'redirect', to: route.redirect, status: route.status ?? 307 }
    if (route.respond === undefined) return { kind: 'rewrite' }
    const { status, body = null, headers = {} } = route.respond
    return { kind: 'respond', status, body, fields: layFields([], Object.entries(headers)) }
  }

  // ── what surrounds answers ─────────────────────────────────────────────────

  #inside(outer: Holding, here: Surroundings, place: Place, base: string): Holding {
    return {
      fields: layFields(outer.fields, Object.entries(here.headers ?? {})),
      cors: here.cors === undefined ? outer.cors : corsRules(here.cors),
      guard: here.basicAuth === undefined ? outer.guard : this.#guard(here.basicAuth, place.key('basicAuth'), base),
      access: accessRules(here) ?? outer.access,
    }
  }

  #guard(asked: false | BasicAuthOptions, place: Place, base: string): number | null {
    if (asked === false) return null
    const { realm = 'restricted', users = {}, usersFile } = asked
    const found =
      usersFile === undefined ? Object.entries(users) : readUsersFile(place.key('usersFile'), usersFile, base)
    return this.#guards.push({ realm, users: found }) - 1
  }
}

function actionOf(target: Target, options: StaticOptions): SiteAction {
  return target.kind === 'directory' ? { kind: 'static', root: target.root, options } : target
}

function respond(status: number): SiteAction {
  return { kind: 'respond', status, body: null, fields: [] }
}

type FieldRules = Rules['fields']

/** Names do not depend on case, RFC 9110 §5.1. */
function layFields(outer: FieldRules, inner: FieldRules): FieldRules {
  const given = inner.filter(([, value]) => value !== undefined)
  const names = new Set(given.map(([name]) => name.toLowerCase()))
  return [...outer.filter(([name]) => !names.has(name.toLowerCase())), ...given]
}

const HSTS = 'strict-transport-security'

function haveField(fields: FieldRules, name: string): boolean {
  return fields.some(([other]) => other.toLowerCase() === name)
}

/** All but Strict-Transport-Security, which is not for every answer. */
function securityFields(security: SecurityOptions, action: SiteAction): FieldRules {
  const asked: [name: string, value: string][] = [
    ['X-Frame-Options', security.frameOptions],
    ['Referrer-Policy', security.referrerPolicy],
    ['Content-Security-Policy', security.contentSecurityPolicy],
    ['Permissions-Policy', security.permissionsPolicy],
    ['Cross-Origin-Opener-Policy', security.crossOriginOpenerPolicy],
    ['Cross-Origin-Embedder-Policy', security.crossOriginEmbedderPolicy],
    ['Cross-Origin-Resource-Policy', security.crossOriginResourcePolicy],
  ]
  return [...nosniff(security, action), ...asked.filter(([, value]) => value !== 'off')]
}

/** Files and pages have it of themselves; an app's answers are the app's. */
function nosniff(security: SecurityOptions, action: SiteAction): FieldRules {
  if (action.kind === 'app') return []
  if (!security.nosniff) return [['X-Content-Type-Options', null]]
  return action.kind === 'respond' && action.body !== null ? [['X-Content-Type-Options', 'nosniff']] : []
}

/** GET, HEAD and POST are allowed in any case: Fetch standard, "CORS-safelisted method". */
const SAFELISTED = ['GET', 'HEAD', 'POST']

function corsRules(asked: boolean | CorsOptions): CorsRules | null {
  if (asked === false) return null
  const { origins = '*', methods = ['PUT', 'PATCH', 'DELETE'], headers = null, ...rest } = asked === true ? {} : asked
  const { exposeHeaders = [], credentials = false, maxAgeSeconds = 600 } = rest
  return {
    origins,
    methods: [...new Set([...SAFELISTED, ...methods])],
    headers,
    exposeHeaders,
    credentials,
    maxAgeSeconds,
  }
}

/** A place that has one of the two means both, as nginx has it. */
function accessRules({ allow, deny }: Surroundings): AccessRules | null {
  return allow === undefined && deny === undefined ? null : { allow: allow ?? null, deny: deny ?? [] }
}
