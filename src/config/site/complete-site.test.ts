/** What is left of hosts and routes after checking: through the loader, with files and directories that exist. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { parseCommandLine } from '../command-line.ts'
import { loadConfig } from '../load.ts'
import { OperatorError } from '../operator-error.ts'
import type { Config } from '../options.ts'
import type { Site, SiteRoute } from '../routes.ts'
import { describeSite } from './describe-site.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

const HASH = `$2y$10$${'a'.repeat(53)}`
const FILES = { 'api.mjs': '', 'other.mjs': '', 'public/index.html': '', 'notes.txt': '' }

/** A folder of its own for each, since Node loads a module of one name once. */
function folderWith(config: object, files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-site-'))
  folders.push(folder)
  const text = `export default ${JSON.stringify(config)}`
  for (const [name, contents] of Object.entries({ ...FILES, ...files, 'prefork.config.mjs': text })) {
    mkdirSync(join(folder, dirname(name)), { recursive: true })
    writeFileSync(join(folder, name), contents)
  }
  return folder
}

const load = (folder: string, line = ''): Promise<Config> =>
  loadConfig(parseCommandLine(line.split(' ').filter(Boolean)), {}, folder)

async function siteOf(config: object, files?: Readonly<Record<string, string>>): Promise<Site> {
  const { site } = await load(folderWith(config, files))
  assert.ok(site !== null)
  return site
}

async function sentence(config: object, files?: Readonly<Record<string, string>>): Promise<string> {
  const error = await load(folderWith(config, files)).then(
    () => assert.fail('it loaded'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof OperatorError, String(error))
  return error.message
}

/** The one route that was written. */
async function routeOf(route: object, around: object = {}): Promise<SiteRoute> {
  const site = await siteOf({ ...around, hosts: { a: { routes: [route] } } })
  return site.hosts[0]!.routes[0]!
}

test('without any of it there is no site, and the target answers by itself', async () => {
  for (const config of [
    {},
    { target: './public' },
    { security: { nosniff: true, frameOptions: 'off', hsts: 'off' } },
    { hosts: undefined },
  ]) {
    assert.equal((await load(folderWith(config))).site, null)
  }
})

test('hosts are normalised; what nobody wrote is added: 404 below the routes, 421 for other hosts', async () => {
  const { hosts } = await siteOf({
    hosts: { 'WWW.a.example.': { routes: [{ path: '/x', app: './api.mjs' }] }, '*.b.example': { app: './api.mjs' } },
  })
  const seen = hosts.map(({ name, routes }) => [
    name,
    routes.map(({ path, action, isWritten }) => [path, 'status' in action ? action.status : action.kind, isWritten]),
  ])
  assert.deepEqual(seen, [
    [
      'www.a.example',
      [
        ['/x', 'app', true],
        ['/*', 404, false],
      ],
    ],
    ['*.b.example', [['/*', 'app', true]]],
    ['*', [['/*', 421, false]]],
  ])
})

test("nothing is added where '*' and '/*' are written", async () => {
  const { hosts } = await siteOf({ hosts: { '*': { routes: [{ app: './api.mjs' }] } } })
  assert.deepEqual(
    hosts.map(({ name, routes }) => [name, routes.length]),
    [['*', 1]],
  )
})

test('a route that only rewrites answers nothing, so 404 is added below it', async () => {
  const { hosts } = await siteOf({ hosts: { a: { routes: [{ rewrite: '/x/$1' }] } } })
  assert.equal(hosts[0]!.routes.length, 2)
})

test('paths are found beside the configuration file', async () => {
  const folder = folderWith({ hosts: { a: { routes: [{ path: '/a', app: './api.mjs' }, { static: 'public' }] } } })
  const { site } = await load(folder)
  const [app, files] = site!.hosts[0]!.routes
  assert.deepEqual(app!.action, { kind: 'app', file: join(folder, 'api.mjs') })
  assert.ok(files!.action.kind === 'static')
  assert.equal(files!.action.root, join(folder, 'public'))
})

test('what the section static says holds on every route, unless the route says otherwise', async () => {
  const around = { static: { index: 'home.html' } }
  const indexOf = async (route: object) => {
    const { action } = await routeOf(route, around)
    return action.kind === 'static' ? action.options.index : null
  }
  assert.equal(await indexOf({ static: './public' }), 'home.html')
  assert.equal(await indexOf({ static: './public', index: 'start.html' }), 'start.html')
})

test('a redirect is temporary unless it says otherwise', async () => {
  assert.deepEqual((await routeOf({ redirect: '/x' })).action, { kind: 'redirect', to: '/x', status: 307 })
  assert.deepEqual((await routeOf({ redirect: '/x', status: 301 })).action, { kind: 'redirect', to: '/x', status: 301 })
})

test('fields are laid over one another by name, in any case', async () => {
  const site = await siteOf({
    security: { frameOptions: 'DENY', referrerPolicy: 'no-referrer' },
    headers: { 'X-One': 'top', 'X-Two': 'top', 'x-frame-options': 'SAMEORIGIN' },
    hosts: {
      a: {
        headers: { 'x-one': 'host' },
        routes: [{ app: './api.mjs', headers: { 'X-TWO': null, 'X-Three': 'route' } }],
      },
    },
  })
  assert.deepEqual(site.hosts[0]!.routes[0]!.rules.fields, [
    ['Referrer-Policy', 'no-referrer'],
    ['x-frame-options', 'SAMEORIGIN'],
    ['x-one', 'host'],
    ['X-TWO', null],
    ['X-Three', 'route'],
  ])
  assert.deepEqual(site.hosts[1]!.routes[0]!.rules.fields, [
    ['Referrer-Policy', 'no-referrer'],
    ['X-One', 'top'],
    ['X-Two', 'top'],
    ['x-frame-options', 'SAMEORIGIN'],
  ])
})

test('nosniff is on what respond says, and where it is off it is taken out of files and pages, not out of apps', async () => {
  const NOSNIFF = 'X-Content-Type-Options'
  const fieldsOf = async (route: object, nosniff: boolean) =>
    (await routeOf(route, { security: { nosniff } })).rules.fields.map(([name, value]) => `${name}: ${value}`)
  assert.deepEqual(await fieldsOf({ respond: { status: 200, body: 'a' } }, true), [`${NOSNIFF}: nosniff`])
  for (const route of [{ static: './public' }, { app: './api.mjs' }, { respond: { status: 404 } }]) {
    assert.deepEqual(await fieldsOf(route, true), [])
  }
  assert.deepEqual(await fieldsOf({ static: './public' }, false), [`${NOSNIFF}: null`])
  assert.deepEqual(await fieldsOf({ respond: { status: 404 } }, false), [`${NOSNIFF}: null`])
  assert.deepEqual(await fieldsOf({ app: './api.mjs' }, false), [])
})

test('hsts is apart from the fields of every answer, and gives way where headers speak of it', async () => {
  const rulesOf = async (config: object) => {
    const files = { 'a.pem': '', 'a.key': '' }
    const around = { tls: { cert: 'a.pem', key: 'a.key' }, security: { hsts: 'max-age=60' }, ...config }
    const { fields, hsts } = (await siteOf(around, files)).hosts[0]!.routes[0]!.rules
    return { fields, hsts }
  }
  assert.deepEqual(await rulesOf({}), { fields: [], hsts: 'max-age=60' })
  assert.deepEqual(await rulesOf({ security: { frameOptions: 'DENY' } }), {
    fields: [['X-Frame-Options', 'DENY']],
    hsts: null,
  })
  for (const value of [null, 'max-age=0']) {
    const headers = { 'strict-transport-SECURITY': value }
    assert.deepEqual(await rulesOf({ headers }), { fields: [['strict-transport-SECURITY', value]], hsts: null })
  }
})

test('cors and basicAuth of an inner place stand in place of an outer one, and false lifts it', async () => {
  const around = { cors: true, basicAuth: { users: { alice: HASH } } }
  const outer = (await routeOf({ app: './api.mjs' }, around)).rules
  assert.equal(outer.guard, 0)
  assert.deepEqual(outer.cors, {
    origins: '*',
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    headers: null,
    exposeHeaders: [],
    credentials: false,
    maxAgeSeconds: 600,
  })
  const lifted = (await routeOf({ app: './api.mjs', cors: false, basicAuth: false }, around)).rules
  assert.deepEqual([lifted.cors, lifted.guard], [null, null])
  const own = await routeOf({ app: './api.mjs', cors: { methods: ['GET', 'LOCK'] } }, around)
  assert.deepEqual(own.rules.cors?.methods, ['GET', 'HEAD', 'POST', 'LOCK'])
})

test('routes that inherit basicAuth share one guard', async () => {
  const site = await siteOf({
    basicAuth: { users: { alice: HASH } },
    hosts: { a: { app: './api.mjs' }, b: { static: './public', basicAuth: { realm: 'b', users: { bob: HASH } } } },
  })
  assert.deepEqual(site.guards, [
    { realm: 'restricted', users: [['alice', HASH]] },
    { realm: 'b', users: [['bob', HASH]] },
  ])
  assert.deepEqual(
    site.hosts.map(({ routes }) => routes[0]!.rules.guard),
    [0, 1, null],
  )
})

test('a place that has allow or deny means both', async () => {
  const around = { allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] }
  assert.deepEqual((await routeOf({ app: './api.mjs' }, around)).rules.access, around)
  const own = (await routeOf({ app: './api.mjs', deny: ['unix:'] }, around)).rules.access
  assert.deepEqual(own, { allow: null, deny: ['unix:'] })
})

test('a target with something around it is one route for every host', async () => {
  const folder = folderWith({ target: './public', cors: true })
  const { site } = await load(folder)
  assert.deepEqual(
    site!.hosts.map(({ name, routes }) => [name, routes.map(({ path, action }) => [path, action.kind])]),
    [['*', [['/*', 'static']]]],
  )
  const hello = await load(folderWith({ cors: true }))
  assert.deepEqual(hello.site!.hosts[0]!.routes[0]!.action, { kind: 'hello' })
})

test('a target on the command line outranks the hosts of a file, and what stands around them stays', async () => {
  const folder = folderWith({ cors: true, hosts: { a: { app: './api.mjs' } } })
  const { target, site } = await load(folder, './public')
  assert.equal(target.kind, 'directory')
  assert.deepEqual(
    site!.hosts.map(({ name }) => name),
    ['*'],
  )
  assert.ok(site!.hosts[0]!.routes[0]!.rules.cors !== null)
})

test('users may stand in a file', async () => {
  const htpasswd = `# staff\n\nalice:${HASH}\r\n박:${HASH}:a comment\n`
  const site = await siteOf({ basicAuth: { usersFile: './htpasswd' } }, { htpasswd })
  assert.deepEqual(site.guards[0]!.users, [
    ['alice', HASH],
    ['박', HASH],
  ])
})

const U = 'basicAuth.usersFile in prefork.config.mjs'

const REFUSED_FILES: readonly (readonly [htpasswd: string, message: string])[] = [
  ['alice', `${U}: line 1 of './htpasswd' has no colon; write name:hash, as 'htpasswd -B' does`],
  [
    `\nalice:$apr1$x$y`,
    `${U}: line 2 of './htpasswd' is an MD5 hash, which can be guessed; make one with 'prefork hash-password' or 'htpasswd -B'`,
  ],
  [`a:${HASH}\na:${HASH}`, `${U}: line 2 of './htpasswd' has the user 'a' again; remove one`],
  ['# nobody', `${U} is './htpasswd', which names nobody, so that nobody could come in; add a user`],
  ['a'.repeat(1_048_577), `${U} is './htpasswd', which has over 1048576 bytes; make it smaller`],
]

for (const [htpasswd, message] of REFUSED_FILES) {
  test(`refused: ${message}`, async () => {
    assert.equal(await sentence({ basicAuth: { usersFile: './htpasswd' } }, { htpasswd }), message)
  })
}

const R = "hosts['a'].routes[0]"

const REFUSED: readonly (readonly [config: object, message: string])[] = [
  [
    { basicAuth: { usersFile: './none' } },
    `${U} is './none', which cannot be read (ENOENT); give the path of a file that can`,
  ],
  [
    { hosts: { a: { routes: [{ app: './apj.mjs' }] } } },
    `${R}.app in prefork.config.mjs is './apj.mjs', which does not exist; create it, or did you mean 'api.mjs'?`,
  ],
  [
    { hosts: { a: { routes: [{ app: './public' }] } } },
    `${R}.app in prefork.config.mjs is './public', which is a directory; give the path of an app module, or write static`,
  ],
  [
    { hosts: { a: { routes: [{ app: './notes.txt' }] } } },
    `${R}.app in prefork.config.mjs is './notes.txt', which is no app module (.ts, .mts, .js or .mjs); give the path of one`,
  ],
  [
    { hosts: { a: { routes: [{ static: './api.mjs' }] } } },
    `${R}.static in prefork.config.mjs is './api.mjs', which is no directory; give the path of one`,
  ],
  [
    { hosts: { a: { static: './nothing-like-it' } } },
    "hosts['a'].static in prefork.config.mjs is './nothing-like-it', which does not exist; create it",
  ],
]

for (const [config, message] of REFUSED) {
  test(`refused: ${message}`, async () => assert.equal(await sentence(config), message))
}

test('prefork check tells who is answered by what, and names no user', async () => {
  const site = await siteOf({
    hosts: {
      a: {
        basicAuth: { users: { alice: HASH } },
        routes: [
          { path: '/old/*', redirect: '/new/$1', deny: ['10.0.0.0/8'] },
          { path: '/x', rewrite: '/y' },
          {
            path: '/y',
            respond: { status: 200, body: 'a' },
            cors: { origins: ['https://b.example'] },
            basicAuth: false,
          },
        ],
      },
    },
  })
  assert.deepEqual(describeSite(site), [
    'a',
    '  /old/*  307 to /new/$1; not for 10.0.0.0/8; password, users: 1',
    '  /x      as /y: the routes below',
    '  /y      200; readable from https://b.example; with X-Content-Type-Options',
    '  /*      404; password, users: 1',
    '*',
    '  /*  421',
  ])
})
