/**
 * The router: from a request to the route that answers it.
 *
 *     Host → host-table.ts → its routes → host-routes.ts → the route → route.ts → a handler
 *
 * It knows no handler by name: they are made by whoever makes the router, once in
 * each worker. It opens nothing, and where nothing has to be rewritten it makes
 * nothing for a request.
 */
import type { Site, SiteHost } from '../../config/routes.ts'
import type { Log } from '../../log.ts'
import type { Handler } from '../handler.ts'
import { errorReply } from '../pages.ts'
import { actOf, type Makers } from './actions.ts'
import { Guard } from './guard.ts'
import { HostRoutes } from './host-routes.ts'
import { HostTable } from './host-table.ts'
import { Passwords } from './password.ts'
import { RewrittenRequest } from './rewritten-request.ts'
import { Route } from './route.ts'

export function createRouter(site: Site, makers: Makers, log: Pick<Log, 'error'>): Handler {
  const passwords = new Passwords(log)
  const guards = site.guards.map((guard) => new Guard(guard, passwords))
  const hosts = new HostTable(site.hosts.map((host) => [host.name, routesOf(host, guards, makers)] as const))
  return (request) => {
    const { head } = request
    const routes = hosts.find(head.host)
    const asked = head.path === '*' ? '/' : head.path
    const route = routes.find(asked)
    if (route === null) return errorReply(400, 'This address could be understood in more than one way, or in none.')
    const path = routes.pathOf(asked)
    if (routes.given === null) return route.answer(request, path)
    return route.answer(new RewrittenRequest(request, routes.given, routes.lacksSlash), path)
  }
}

function routesOf(host: SiteHost, guards: readonly Guard[], makers: Makers): HostRoutes<Route> {
  return new HostRoutes(
    host.routes.map((route) => {
      const { guard } = route.rules
      return new Route(route, actOf(route, makers), guard === null ? null : guards[guard]!)
    }),
  )
}
