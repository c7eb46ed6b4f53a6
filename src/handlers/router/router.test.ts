import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rules, Site, SiteRoute } from '../../config/routes.ts'
import type { Reply } from '../handler.ts'
import {
  app,
  ask,
  fieldOf,
  files,
  NO_LOG,
  NO_RULES,
  ONLY_REWRITE,
  redirect,
  requestOf,
  respond,
  rewriteTo,
  routeOf,
  siteOf,
  TELLING,
} from './pretend.test.support.ts'
import { createRouter } from './router.ts'

const rest = routeOf('/*', files('public'))

test('the first route that fits answers', async () => {
  const site = siteOf([routeOf('/api/*', app('api')), routeOf('/api/*', app('never')), rest])
  assert.equal((await ask(site, 'GET /api/x?q=1')).body, 'api /api/x?q=1')
  assert.equal((await ask(site, 'POST /other')).body, 'public /other')
})

test('the host that was asked for has routes of its own', async () => {
  const site: Site = {
    hosts: [
      { name: 'a.example', routes: [routeOf('/*', app('a'))] },
      { name: '*', routes: [routeOf('/*', respond(421))] },
    ],
    guards: [],
  }
  assert.equal((await ask(site, 'GET /', { Host: 'A.example.:8080' })).body, 'a /')
  assert.equal((await ask(site, 'GET http://a.example/x', { Host: 'b.example' })).body, 'a /x')
  assert.equal((await ask(site, 'GET /', { Host: 'b.example' })).status, 421)
  assert.equal((await ask(site, 'GET /', { Host: '' })).status, 421)
})

test('a tunnel is for the host that it is to lead to: nobody here has its name', async () => {
  const named = { name: 'a.example', routes: [routeOf('/*', app('a'))] }
  const site = (other: SiteRoute): Site => ({ hosts: [named, { name: '*', routes: [other] }], guards: [] })
  const line = 'CONNECT elsewhere.example:443'
  assert.equal((await ask(site(routeOf('/*', respond(421))), line, { Host: 'a.example' })).status, 421)
  assert.equal((await ask(site(routeOf('/*', app('tunnel'))), line, { Host: 'a.example' })).body, 'tunnel /')
})

test('where nothing is rewritten, handlers are given the request itself, and their replies are sent as they are', () => {
  const reply: Reply = { status: 200, fields: [], body: null }
  const request = requestOf('GET /api/x')
  const makers = {
    ...TELLING,
    makeApp: () => (asked: unknown) => (asked === request ? reply : assert.fail('another request')),
  }
  assert.equal(createRouter(siteOf([routeOf('/api/*', app('api')), rest]), makers, NO_LOG)(request), reply)
})

test('a redirect keeps the query, and answers whatever the method', async () => {
  const site = siteOf([routeOf('/old/*', redirect('/new/$1', 308)), rest])
  for (const method of ['GET', 'HEAD', 'POST']) {
    const reply = await ask(site, `${method} /old/a%20b?x=1`)
    assert.deepEqual([reply.status, reply.fields, reply.body], [308, ['Location', '/new/a%20b?x=1'], null])
  }
  assert.equal(fieldOf(await ask(site, 'GET /old'), 'location'), '/new/')
})

test('respond: a page, a text, nothing', async () => {
  const answer = (status: number, body?: string, fields?: Rules['fields']) =>
    ask(siteOf([routeOf('/*', respond(status, body ?? null, fields))]), 'GET /')
  const page = await answer(404)
  assert.match(String(page.body), /<title>404 Not Found<\/title>/)
  assert.equal(fieldOf(page, 'content-type'), 'text/html; charset=utf-8')
  const text = await answer(200, 'hello')
  assert.deepEqual([text.status, text.fields, text.body], [200, ['Content-Type', 'text/plain; charset=utf-8'], 'hello'])
  const json = await answer(200, '{}', [['content-type', 'application/json']])
  assert.deepEqual(json.fields, ['content-type', 'application/json'])
  const nothing = await answer(204)
  assert.deepEqual([nothing.status, nothing.fields, nothing.body], [204, [], null])
  const coming = await answer(503, undefined, [['Retry-After', '60']])
  assert.equal(fieldOf(coming, 'retry-after'), '60')
})

test('a rewrite alone asks the routes below; beside an app, that', async () => {
  const site = siteOf([
    routeOf('/v1/*', ONLY_REWRITE, rewriteTo('/api/$1')),
    routeOf('/api/*', app('api')),
    routeOf('/sub/*', app('sub'), rewriteTo('/$1')),
    rest,
  ])
  assert.equal((await ask(site, 'GET /v1/x?q=1')).body, 'api /api/x?q=1')
  assert.equal((await ask(site, 'GET /sub/x/y?q=1')).body, 'sub /x/y?q=1')
  assert.equal((await ask(site, 'GET /sub')).body, 'sub /')
})

test('what else a request says stays the client’s', async () => {
  const makers = {
    ...TELLING,
    makeApp: () => (request: ReturnType<typeof requestOf>) => {
      const { head, body, remoteAddress, remotePort, localAuthority, signal } = request
      assert.deepEqual(
        [body, remoteAddress, remotePort, localAuthority, signal.aborted],
        [null, '127.0.0.1', 1, 'local', false],
      )
      assert.deepEqual([head.method, head.target, head.host, head.query], ['PUT', '/sub/x?q', 'a', '?q'])
      assert.deepEqual([head.field('x-a'), head.fieldPairs().length, head.keepAlive], ['1', 2, true])
      request.waitUntil(Promise.resolve())
      assert.throws(() => request.upgrade(), /nobody takes this connection over/)
      return { status: 200, fields: [], body: head.path }
    },
  }
  const site = siteOf([routeOf('/sub/*', app('sub'), rewriteTo('/$1')), rest])
  assert.equal((await ask(site, 'PUT /sub/x?q', { 'X-A': '1' }, makers)).body, '/x')
})

test('a path that names nothing, or not the same to everybody, is refused', async () => {
  const site = siteOf([routeOf('/admin/*', app('admin')), rest])
  for (const path of ['/../x', '/%zz', '/admin%2Fx']) {
    const reply = await ask(site, `GET ${path}`)
    assert.equal(reply.status, 400)
    assert.match(String(reply.body), /more than one way/)
  }
})

// ── files below a rewrite ────────────────────────────────────────────────────

/** As a file server: a folder without its slash is elsewhere, and so is a page with its ending. */
const MOVING = {
  ...TELLING,
  makeStatic:
    () =>
    (request: ReturnType<typeof requestOf>): Reply => {
      const { path, query } = request.head
      const moved = path.endsWith('/folder') ? `${path}/` : path.endsWith('.html') ? path.slice(0, -5) : null
      if (moved === null) return { status: 200, fields: ['X-Path', path], body: null }
      return { status: 301, fields: ['Location', `${moved}${query}`], body: null }
    },
}

const MOVED: readonly (readonly [path: string, rewrite: string, asked: string, location: string | null])[] = [
  ['/docs/*', '/$1', '/docs/folder?q', '/docs/folder/?q'],
  ['/docs/*', '/$1', '/docs/a%20b/folder', '/docs/a%20b/folder/'],
  ['/docs/*', '/$1', '/docs/page.html', '/docs/page'],
  ['/docs/*', '/$1', '/docs', '/docs/'],
  ['/docs/*', '/$1', '/docs?q', '/docs/?q'],
  ['/docs/*', '/$1', '/docs/', null],
  ['/docs/*', '/manual/$1', '/docs/folder', '/docs/folder/'],
  ['/docs/*', '/manual/$1', '/docs/page.html', '/manual/page'], // the two have nothing in common that could be kept
  ['/home', '/', '/home', null],
  ['/home', '/folder', '/home', '/home/'],
]

for (const [path, rewrite, asked, location] of MOVED) {
  test(`${asked}, looked up as ${rewrite}, ${location === null ? 'is there' : `is at ${location}`}`, async () => {
    const site = siteOf([routeOf(path, files('docs'), rewriteTo(rewrite)), rest])
    assert.equal(fieldOf(await ask(site, `GET ${asked}`, {}, MOVING), 'location'), location)
  })
}

test('the same below a rewrite that goes on', async () => {
  const site = siteOf([routeOf('/docs/*', ONLY_REWRITE, rewriteTo('/$1')), rest])
  assert.equal(fieldOf(await ask(site, 'GET /docs', {}, MOVING), 'location'), '/docs/')
  assert.equal(fieldOf(await ask(site, 'GET /docs/folder', {}, MOVING), 'location'), '/docs/folder/')
  assert.equal((await ask(site, 'POST /docs', {}, MOVING)).status, 200)
})

// ── what surrounds answers ───────────────────────────────────────────────────

const rules = (more: Partial<Rules>): { readonly rules: Rules } => ({ rules: { ...NO_RULES, ...more } })

test('fields are put on every answer of the route, whoever gives it', async () => {
  const around = rules({
    fields: [
      ['X-A', 'a'],
      ['x-who', null],
    ],
  })
  for (const action of [app('api'), files('public'), redirect('/x'), respond(404), respond(200, 'a')]) {
    const reply = await ask(siteOf([routeOf('/*', action, around)]), 'GET /')
    assert.equal(fieldOf(reply, 'x-a'), 'a')
    assert.equal(fieldOf(reply, 'x-who'), null)
  }
  const denied = rules({ fields: [['X-A', 'a']], access: { allow: [], deny: [] } })
  assert.equal(fieldOf(await ask(siteOf([routeOf('/*', app('api'), denied)]), 'GET /'), 'x-a'), 'a')
})

test('an answer that comes later is given them, too, and keeps what it had', async () => {
  const late: Reply = { status: 200, fields: ['A', 'a'], body: null, statedLength: 7, isLast: true }
  const makers = { ...TELLING, makeApp: () => async () => late }
  const reply = await ask(siteOf([routeOf('/*', app('api'), rules({ fields: [['B', 'b']] }))]), 'GET /', {}, makers)
  assert.deepEqual(reply, { ...late, fields: ['A', 'a', 'B', 'b'] })
})

test('who is denied is answered 403, and nothing else is asked', async () => {
  const unasked = { ...TELLING, makeApp: () => () => assert.fail('the app was asked') }
  const around = rules({ access: { allow: ['10.0.0.0/8'], deny: [] }, guard: 0 })
  const site = siteOf([routeOf('/*', app('api'), around)], [{ realm: 'r', users: [['a', `$2y$10$${'a'.repeat(53)}`]] }])
  assert.equal((await ask(site, 'GET /', {}, unasked)).status, 403)
  assert.equal((await ask(site, 'GET /', { Authorization: 'Basic YTpi' }, unasked)).status, 403)
  assert.equal((await ask(site, 'GET /', {}, unasked, '10.1.1.1')).status, 401)
})

test('a preflight brings no password, and needs none', async () => {
  const cors = {
    origins: '*',
    methods: ['PUT'],
    headers: null,
    exposeHeaders: [],
    credentials: false,
    maxAgeSeconds: 1,
  } as const
  const site = siteOf(
    [routeOf('/*', app('api'), rules({ cors, guard: 0 }))],
    [{ realm: 'r', users: [['a', `$2y$10$${'a'.repeat(53)}`]] }],
  )
  const asked = { Origin: 'https://b.example', 'Access-Control-Request-Method': 'PUT' }
  assert.equal((await ask(site, 'OPTIONS /', asked)).status, 204)
  const refused = await ask(site, 'PUT /', { Origin: 'https://b.example' })
  assert.equal(refused.status, 401)
  assert.equal(fieldOf(refused, 'access-control-allow-origin'), '*') // so that the page can see that it was refused
})

test('OPTIONS * asks of the server, and passes the rules of its root', async () => {
  const reply = await ask(siteOf([rest]), 'OPTIONS *')
  assert.deepEqual([reply.status, reply.fields], [204, ['Allow', 'GET, HEAD, OPTIONS']])
  const denied = siteOf([routeOf('/*', app('api'), rules({ access: { allow: null, deny: ['all'] } }))])
  assert.equal((await ask(denied, 'OPTIONS *')).status, 403)
})
