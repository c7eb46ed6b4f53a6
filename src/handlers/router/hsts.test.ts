/** Strict-Transport-Security, RFC 6797: over TLS on every answer, once, and elsewhere on none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rules, SiteRoute } from '../../config/routes.ts'
import type { Reply } from '../handler.ts'
import type { Makers } from './actions.ts'
import { app, fieldOf, NO_LOG, NO_RULES, requestOf, respond, routeOf, siteOf, TELLING } from './pretend.test.support.ts'
import { createRouter } from './router.ts'

const HSTS = 'max-age=60; includeSubDomains'
const STRICT = 'strict-transport-security'

function routeWith(rules: Partial<Rules>, action = app('app')): SiteRoute {
  return routeOf('/*', action, { rules: { ...NO_RULES, hsts: HSTS, ...rules } })
}

interface Asked {
  readonly line?: string
  readonly fields?: Record<string, string>
  readonly makers?: Makers
}

/** What it says to whoever comes over TLS, and to whoever does not, asked by turns. */
async function both(route: SiteRoute, { line = 'GET /', fields, makers = TELLING }: Asked = {}) {
  const router = createRouter(siteOf([route]), makers, NO_LOG)
  const ask = async (isSecure: boolean): Promise<Reply> => router({ ...requestOf(line, fields), isSecure })
  const replies = [await ask(true), await ask(false), await ask(true), await ask(false)]
  return replies.map((reply) => fieldOf(reply, STRICT))
}

const ONLY_OVER_TLS = [HSTS, null, HSTS, null]

test('it is said over TLS and nowhere else, also where the answer is the same object each time', async () => {
  assert.deepEqual(await both(routeWith({})), ONLY_OVER_TLS)
  assert.deepEqual(await both(routeWith({}, respond(200))), ONLY_OVER_TLS)
  assert.deepEqual(await both(routeWith({ fields: [['X-A', 'b']] }, respond(200))), ONLY_OVER_TLS)
})

test('of errors and refusals, too', async () => {
  assert.deepEqual(await both(routeWith({}, respond(421))), ONLY_OVER_TLS)
  assert.deepEqual(await both(routeWith({ access: { allow: [], deny: ['all'] } })), ONLY_OVER_TLS)
  assert.deepEqual(await both(routeWith({}), { line: 'OPTIONS *' }), ONLY_OVER_TLS)
})

test('of preflights, and beside what CORS says', async () => {
  const cors = { origins: '*', methods: ['GET'], headers: null, exposeHeaders: [], credentials: false } as const
  const fields = { Origin: 'https://b', 'Access-Control-Request-Method': 'GET' }
  const route = routeWith({ cors: { ...cors, maxAgeSeconds: 1 } })
  assert.deepEqual(await both(route, { line: 'OPTIONS /', fields }), ONLY_OVER_TLS)
  assert.deepEqual(await both(route, { fields }), ONLY_OVER_TLS)
})

test('what the app says of it is replaced, now and later', async () => {
  const reply: Reply = { status: 200, fields: ['Strict-Transport-Security', 'max-age=1', 'X-A', 'b'], body: null }
  for (const handler of [() => reply, async () => reply]) {
    assert.deepEqual(await both(routeWith({}), { makers: { ...TELLING, makeApp: () => handler } }), ONLY_OVER_TLS)
  }
})

test('where the operator says nothing of it, the app’s is sent', async () => {
  const reply: Reply = { status: 200, fields: ['Strict-Transport-Security', 'max-age=1'], body: null }
  const makers = { ...TELLING, makeApp: () => () => reply }
  assert.deepEqual(await both(routeWith({ hsts: null }), { makers }), Array(4).fill('max-age=1'))
  const router = createRouter(siteOf([routeWith({ hsts: null })]), makers, NO_LOG)
  assert.equal(router({ ...requestOf('GET /'), isSecure: true }), reply)
})
