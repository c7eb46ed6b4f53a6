import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CorsRules } from '../../config/routes.ts'
import { app, ask, fieldOf, NO_RULES, routeOf, siteOf } from './pretend.test.support.ts'

const RULES: CorsRules = {
  origins: '*',
  methods: ['GET', 'HEAD', 'POST', 'PUT'],
  headers: null,
  exposeHeaders: [],
  credentials: false,
  maxAgeSeconds: 600,
}

const LISTED = ['https://app.example', 'https://*.example.org', 'http://*.local:8080', 'null']

const site = (rules: Partial<CorsRules>) =>
  siteOf([routeOf('/*', app('app'), { rules: { ...NO_RULES, cors: { ...RULES, ...rules } } })])

const simple = (rules: Partial<CorsRules>, fields: Record<string, string> = {}) => ask(site(rules), 'GET /', fields)
const preflight = (rules: Partial<CorsRules>, fields: Record<string, string> = {}) =>
  ask(site(rules), 'OPTIONS /', { Origin: 'https://app.example', 'Access-Control-Request-Method': 'PUT', ...fields })

test('everybody may read, and no answer depends on who asks', async () => {
  for (const fields of [{}, { Origin: 'https://any.example' }, { Origin: 'null' }]) {
    const reply = await simple({}, fields as Record<string, string>)
    assert.equal(fieldOf(reply, 'access-control-allow-origin'), '*')
    assert.equal(fieldOf(reply, 'vary'), null)
    assert.equal(fieldOf(reply, 'access-control-allow-credentials'), null)
  }
})

const ORIGINS: readonly (readonly [origin: string, isAllowed: boolean])[] = [
  ['https://app.example', true],
  ['null', true],
  ['https://a.example.org', true],
  ['https://a.b.example.org', true],
  ['http://x.local:8080', true],
  ['http://app.example', false],
  ['https://app.example:8443', false],
  ['https://app.example.evil', false],
  ['https://APP.example', false],
  ['https://example.org', false],
  ['https://.example.org', false],
  ['https://evilexample.org', false],
  ['http://a.example.org', false],
  ['https://evil.test/.example.org', false],
  ['https://evil.test#.example.org', false],
  ['https://evil.test:80.example.org', false],
  ['https://a@b.example.org', false],
  ['http://x.local', false],
  ['NULL', false],
  ['https://app.example https://evil.example', false],
]

for (const [origin, isAllowed] of ORIGINS) {
  test(`of a list, ${origin} is ${isAllowed ? 'allowed' : 'not told anything'}`, async () => {
    for (const credentials of [true, false]) {
      const reply = await simple({ origins: LISTED, credentials }, { Origin: origin })
      assert.equal(reply.status, 200)
      assert.equal(fieldOf(reply, 'vary'), 'Origin')
      assert.equal(fieldOf(reply, 'access-control-allow-origin'), isAllowed ? origin : null)
      assert.equal(fieldOf(reply, 'access-control-allow-credentials'), isAllowed && credentials ? 'true' : null)
    }
  })
}

test('where answers depend on the origin, those without one say so, too', async () => {
  const reply = await simple({ origins: LISTED })
  assert.equal(fieldOf(reply, 'vary'), 'Origin')
  assert.equal(fieldOf(reply, 'access-control-allow-origin'), null)
})

test('fields for scripts are exposed', async () => {
  const reply = await simple({ exposeHeaders: ['X-Total', 'X-Page'] }, { Origin: 'https://a.example' })
  assert.equal(fieldOf(reply, 'access-control-expose-headers'), 'X-Total, X-Page')
})

test('a preflight is answered here, and the handler does not see it', async () => {
  const reply = await preflight(
    { origins: LISTED, credentials: true },
    { 'Access-Control-Request-Headers': 'x-a, content-type' },
  )
  assert.equal(reply.status, 204)
  assert.equal(reply.body, null)
  assert.equal(fieldOf(reply, 'x-who'), null)
  assert.equal(fieldOf(reply, 'access-control-allow-origin'), 'https://app.example')
  assert.equal(fieldOf(reply, 'access-control-allow-credentials'), 'true')
  assert.equal(fieldOf(reply, 'access-control-allow-methods'), 'GET, HEAD, POST, PUT')
  assert.equal(fieldOf(reply, 'access-control-allow-headers'), 'x-a, content-type')
  assert.equal(fieldOf(reply, 'access-control-max-age'), '600')
  assert.equal(fieldOf(reply, 'vary'), 'Origin, Access-Control-Request-Headers')
})

test('one from elsewhere is told nothing', async () => {
  const reply = await preflight({ origins: LISTED }, { Origin: 'https://evil.example' })
  assert.equal(reply.status, 204)
  assert.deepEqual(reply.fields, ['Vary', 'Origin'])
})

test('listed request fields are told as listed', async () => {
  const reply = await preflight({ headers: ['X-A'] }, { 'Access-Control-Request-Headers': 'x-b' })
  assert.equal(fieldOf(reply, 'access-control-allow-headers'), 'X-A')
  assert.equal(fieldOf(reply, 'vary'), null)
  assert.equal(fieldOf(await preflight({ headers: [] }), 'access-control-allow-headers'), null)
})

test('what is no list of names is not repeated', async () => {
  const reply = await preflight({}, { 'Access-Control-Request-Headers': 'a b: c' })
  assert.equal(fieldOf(reply, 'access-control-allow-headers'), null)
})

test('OPTIONS that is no preflight is the handler’s', async () => {
  for (const fields of [{}, { Origin: 'https://a.example' }, { 'Access-Control-Request-Method': 'PUT' }]) {
    assert.equal(fieldOf(await ask(site({}), 'OPTIONS /', fields as Record<string, string>), 'x-who'), 'app')
  }
})

test('what the app says of it does not stand beside what the server says', async () => {
  const reply = await ask(
    site({ origins: LISTED }),
    'GET /',
    { Origin: 'https://evil.example' },
    {
      makeApp: () => () => ({ status: 200, fields: ['access-control-allow-origin', '*', 'vary', 'accept'], body: '' }),
      makeStatic: () => assert.fail(),
      makeHello: () => assert.fail(),
    },
  )
  assert.deepEqual(reply.fields, ['vary', 'accept, Origin'])
})

test('a refusal can be read by scripts as any answer', async () => {
  const rules = { ...NO_RULES, cors: RULES, access: { allow: null, deny: ['all'] } }
  const reply = await ask(siteOf([routeOf('/*', app('app'), { rules })]), 'GET /', { Origin: 'https://a.example' })
  assert.equal(reply.status, 403)
  assert.equal(fieldOf(reply, 'access-control-allow-origin'), '*')
})
