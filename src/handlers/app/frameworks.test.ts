import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App, FetchHandler } from './contract.ts'
import { installLazyFetch } from './lazy-fetch.ts'
import { appFrom } from './load-app.ts'
import { answer, bodyText, PretendBody, pretendRequest, shape } from './pretend.test.support.ts'

// As in a server: the classes are in place before the app, and its framework, are imported.
installLazyFetch()
const { Hono } = await import('hono')
const { cors } = await import('hono/cors')
const { streamText } = await import('hono/streaming')
const { H3, getQuery, readBody, setCookie } = await import('h3')

const asApp = (app: App): FetchHandler => appFrom({ default: app }, '/app.ts')

async function check(
  app: FetchHandler,
  request: ReturnType<typeof pretendRequest>,
  line: string,
  text: string | RegExp,
) {
  const reply = await answer(app, request)
  assert.equal(shape(reply), line)
  const got = await bodyText(reply)
  if (typeof text === 'string') assert.equal(got, text)
  else assert.match(got, text)
}

const get = (path: string) => pretendRequest(`GET ${path}`, { fields: ['Origin: http://b', 'User-Agent: test'] })
const post = (path: string, type: string, ...pieces: string[]) =>
  pretendRequest(`POST ${path}`, { fields: [`Content-Type: ${type}`], body: new PretendBody(...pieces) })

const hono = new Hono<{ Bindings: { remoteAddress: string } }>()
hono.use('/cors', cors({ origin: 'http://b' }))
hono.get('/', (c) => c.text('hi'))
hono.get('/cors', (c) => c.json({ agent: c.req.header('user-agent') }))
hono.get('/address/:name', (c) => c.html(`<p>${c.req.param('name')} ${c.req.query('q')} ${c.env.remoteAddress}`))
hono.get('/wait', (c) => {
  c.executionCtx.waitUntil(Promise.resolve())
  return c.body(null, 204)
})
hono.post('/json', async (c) => c.json(await c.req.json(), 201))
hono.post('/form', async (c) => c.json(await c.req.parseBody()))
hono.post('/twice', async (c) => c.text((await c.req.text()) + (await c.req.text())))
hono.post('/raw', async (c) => c.text(await new Request(c.req.raw, { headers: { a: '1' } }).text()))
hono.get('/stream', (c) =>
  streamText(c, async (stream) => {
    await stream.write('one ')
    await stream.write('two')
  }),
)
hono.get('/redirect', (c) => c.redirect('/to'))
hono.get('/error', () => {
  throw new Error('thrown')
})
hono.onError((error, c) => c.text(error.message, 500))
hono.mount('/mounted', (request: Request) => new Response(new URL(request.url).pathname))

const honoApp = asApp(hono)
const TEXT = 'content-type: text/plain;charset=UTF-8'

test('Hono: text', () => check(honoApp, get('/'), `200 ${TEXT} | string`, 'hi'))
test('Hono: middleware that adds fields', () =>
  check(
    honoApp,
    get('/cors'),
    '200 access-control-allow-origin: http://b, content-type: application/json, vary: Origin | stream',
    '{"agent":"test"}',
  ))
test('Hono: parameters, and the context as env', () =>
  check(honoApp, get('/address/ada?q=1'), '200 content-type: text/html; charset=UTF-8 | string', '<p>ada 1 192.0.2.1'))
test('Hono: executionCtx.waitUntil', async () => {
  const request = get('/wait')
  await check(honoApp, request, '204  | null', '')
  assert.equal(request.awaited.length, 1)
})
test('Hono: JSON in and out', () =>
  check(
    honoApp,
    post('/json', 'application/json', '{"a"', ':1}'),
    '201 content-type: application/json | string',
    '{"a":1}',
  ))
test('Hono: a form', () =>
  check(
    honoApp,
    post('/form', 'application/x-www-form-urlencoded', 'a=1&', 'b=2'),
    '200 content-type: application/json | string',
    '{"a":"1","b":"2"}',
  ))
test('Hono: a body read twice', () =>
  check(honoApp, post('/twice', 'text/plain', 'one'), '200 content-type: text/plain;charset=UTF-8 | string', 'oneone'))
test('Hono: a Request made of the request', () =>
  check(honoApp, post('/raw', 'text/plain', 'one'), `200 ${TEXT} | string`, 'one'))
test('Hono: a stream', () =>
  check(
    honoApp,
    get('/stream'),
    '200 content-type: text/plain; charset=UTF-8, x-content-type-options: nosniff | stream',
    'one two',
  ))
test('Hono: HEAD', async () => {
  const reply = await answer(honoApp, pretendRequest('HEAD /'))
  assert.equal(shape(reply), `200 ${TEXT} | stream`)
})
test('Hono: redirect', () => check(honoApp, get('/redirect'), '302 location: /to | null', ''))
test('Hono: not found', () =>
  check(honoApp, get('/none'), '404 content-type: text/plain; charset=UTF-8 | string', '404 Not Found'))
test('Hono: its own error page', () =>
  check(honoApp, get('/error'), '500 content-type: text/plain; charset=UTF-8 | string', 'thrown'))
test('Hono: a mounted app', () => check(honoApp, get('/mounted/x'), `200 ${TEXT} | string`, '/x'))

const h3 = new H3()
h3.get('/', () => 'hi')
h3.get('/json', (event) => ({
  url: event.url.pathname,
  query: getQuery(event),
  agent: event.req.headers.get('user-agent'),
}))
h3.get('/cookie', (event) => {
  setCookie(event, 'a', '1')
  setCookie(event, 'b', '2')
  return new Response('own', { status: 201, headers: { 'x-own': '1' } })
})
h3.post('/json', async (event) => ({ body: await readBody(event) }))
h3.post('/form', async (event) => Object.fromEntries(await event.req.formData()))
h3.get('/stream', () => new Blob(['stream']).stream())
h3.get('/bytes', () => new Uint8Array([65, 66]))
h3.get('/nothing', () => null)

const h3App = asApp(h3)

test('h3: text', () => check(h3App, get('/'), `200 ${TEXT} | string`, 'hi'))
test('h3: JSON', () =>
  check(
    h3App,
    get('/json?a=1'),
    '200 content-type: application/json;charset=UTF-8 | string',
    '{"url":"/json","query":{"a":"1"},"agent":"test"}',
  ))
test('h3: cookies', () =>
  check(
    h3App,
    get('/cookie'),
    `201 ${TEXT}, set-cookie: a=1; Path=/, set-cookie: b=2; Path=/, x-own: 1 | stream`,
    'own',
  ))
test('h3: a JSON body', () =>
  check(
    h3App,
    post('/json', 'application/json', '{"a"', ':1}'),
    '200 content-type: application/json;charset=UTF-8 | string',
    '{"body":{"a":1}}',
  ))
test('h3: a form', () =>
  check(
    h3App,
    post('/form', 'application/x-www-form-urlencoded', 'a=1&', 'b=2'),
    '200 content-type: application/json;charset=UTF-8 | string',
    '{"a":"1","b":"2"}',
  ))
test('h3: a stream', () => check(h3App, get('/stream'), '200  | stream', 'stream'))
test('h3: bytes', () => check(h3App, get('/bytes'), '200  | bytes', 'AB'))
test('h3: nothing', () => check(h3App, get('/nothing'), `200 ${TEXT} | string`, ''))
test('h3: not found', () =>
  check(h3App, get('/none'), '404 content-type: application/json;charset=UTF-8 | string', /404/))
