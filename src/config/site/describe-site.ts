/**
 * What `prefork check` says of hosts and routes: who is answered by what. Names
 * no user and shows no hash.
 */
import type { Target } from '../options.ts'
import type { Rules, Site, SiteAction, SiteRoute } from '../routes.ts'

/** One line for each host and each of its routes. */
export function describeSite({ hosts, guards }: Site): string[] {
  return hosts.flatMap(({ name, routes }) => {
    const width = Math.max(...routes.map((route) => route.path.length))
    const lines = routes.map((route) => {
      const isAnswered = route.action.kind !== 'rewrite'
      const around = isAnswered ? describeRules(route.rules, (guard) => guards[guard]!.users.length) : []
      return `  ${route.path.padEnd(width)}  ${[describeRoute(route), ...around].join('; ')}`
    })
    return [name, ...lines]
  })
}

export function describeTarget(target: Target): string {
  return target.kind === 'directory' ? `files under ${target.root}` : describeAction(target)
}

function describeAction(action: SiteAction): string {
  switch (action.kind) {
    case 'static':
      return `files under ${action.root}`
    case 'app':
      return `the app ${action.file}`
    case 'hello':
      return 'a Hello, World! page'
    case 'redirect':
      return `${action.status} to ${action.to}`
    case 'respond':
      return `${action.status}`
    case 'rewrite':
      return 'the routes below'
  }
}

function describeRoute({ action, rewrite }: SiteRoute): string {
  return rewrite === null ? describeAction(action) : `as ${rewrite}: ${describeAction(action)}`
}

function describeRules({ fields, hsts, cors, guard, access }: Rules, usersOf: (guard: number) => number): string[] {
  const said: string[] = []
  if (access !== null && access.deny.length > 0) said.push(`not for ${access.deny.join(', ')}`)
  if (access !== null && access.allow !== null) said.push(`only for ${access.allow.join(', ')}`)
  if (guard !== null) said.push(`password, users: ${usersOf(guard)}`)
  if (cors !== null) said.push(`readable from ${cors.origins === '*' ? 'every origin' : cors.origins.join(', ')}`)
  const set = fields.filter(([, value]) => value !== null).map(([name]) => name)
  if (hsts !== null) set.push('Strict-Transport-Security (over TLS)')
  if (set.length > 0) said.push(`with ${set.join(', ')}`)
  return said
}
