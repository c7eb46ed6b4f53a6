/** Requests and routes for tests of the router, made of the words that a test is about. */
import assert from 'node:assert/strict'
import type { StaticOptions } from '../../config/options.ts'
import type { Rules, Site, SiteAction, SiteRoute } from '../../config/routes.ts'
import type { RequestHead } from '../../http/head.ts'
import { DONE, HeadParser } from '../../http/head-parser.ts'
import type { Handler, IncomingRequest, Reply } from '../handler.ts'
import type { Makers } from './actions.ts'
import { createRouter } from './router.ts'

const LIMITS = { headBytes: 16_384, fieldCount: 100, targetBytes: 8_192 }

export function headOf(line: string, fields: Readonly<Record<string, string>> = {}): RequestHead {
  const lines = Object.entries({ Host: 'a', ...fields }).map(([name, value]) => `${name}: ${value}\r\n`)
  const bytes = Buffer.from(`${line} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
  const parser = new HeadParser(LIMITS)
  assert.equal(parser.parse(bytes, 0, bytes.length), DONE, `not a request: ${line}`)
  return parser.take(bytes, 0)
}

export function requestOf(
  line: string,
  fields: Readonly<Record<string, string>> = {},
  remoteAddress = '127.0.0.1',
): IncomingRequest {
  const signal = new AbortController().signal
  const head = headOf(line, fields)
  const upgrade = () => assert.fail('nobody takes this connection over')
  return {
    head,
    body: null,
    remoteAddress,
    remotePort: 1,
    localAuthority: 'local',
    isSecure: false,
    secure: null,
    signal,
    enterForeignCode: () => {},
    waitUntil: () => {},
    upgrade,
  }
}

export const NO_RULES: Rules = { fields: [], hsts: null, cors: null, guard: null, access: null }

export function routeOf(path: string, action: SiteAction, more: Partial<SiteRoute> = {}): SiteRoute {
  return { path, action, rewrite: null, rules: NO_RULES, isWritten: true, ...more }
}

export const app = (file: string): SiteAction => ({ kind: 'app', file })
export const files = (root: string): SiteAction => ({ kind: 'static', root, options: {} as StaticOptions })
export const redirect = (to: string, status = 307): SiteAction => ({ kind: 'redirect', to, status })
export const respond = (status: number, body: string | null = null, fields: Rules['fields'] = []): SiteAction => {
  return { kind: 'respond', status, body, fields }
}
export const rewriteTo = (rewrite: string): Partial<SiteRoute> => ({ rewrite })
export const ONLY_REWRITE: SiteAction = { kind: 'rewrite' }

/** A site of one host for all, whose last route must fit every path. */
export function siteOf(routes: readonly SiteRoute[], guards: Site['guards'] = []): Site {
  return { hosts: [{ name: '*', routes }], guards }
}

/** Handlers that say who they are, and which path they were asked for. */
export const TELLING: Makers = {
  makeApp: (file) => telling(file),
  makeStatic: ({ root }) => telling(root),
  makeHello: () => telling('hello'),
}

function telling(who: string): Handler {
  return ({ head }) => ({ status: 200, fields: ['X-Who', who], body: `${who} ${head.path}${head.query}` })
}

export const NO_LOG = { error: () => assert.fail('something was logged') }

/** Asks a router, and waits where it must be waited for. */
export async function ask(
  site: Site,
  line: string,
  fields: Readonly<Record<string, string>> = {},
  makers: Makers = TELLING,
  remoteAddress?: string,
): Promise<Reply> {
  return createRouter(site, makers, NO_LOG)(requestOf(line, fields, remoteAddress))
}

/** Of a reply: the value of a field; null without it. Fails where it is there twice. */
export function fieldOf({ fields }: Pick<Reply, 'fields'>, name: string): string | null {
  const values = fields.filter((_, i) => i % 2 === 1 && fields[i - 1]!.toLowerCase() === name.toLowerCase())
  assert.ok(values.length <= 1, `${name} is there ${values.length} times`)
  return values[0] ?? null
}
