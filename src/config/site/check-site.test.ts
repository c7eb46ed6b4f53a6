import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OperatorError } from '../operator-error.ts'
import { checkOptions } from '../schema.ts'

const name = (path: string) => `${path} in the file`

function check(value: unknown): string | null {
  try {
    checkOptions(value, name)
    return null
  } catch (error) {
    assert.ok(error instanceof OperatorError)
    return error.message
  }
}

const route = (route: object) => ({ hosts: { a: { routes: [route] } } })
const host = (host: unknown) => ({ hosts: { a: host } })
const HASH = `$2y$10$${'a'.repeat(53)}`

const ACCEPTED: readonly unknown[] = [
  host({ routes: [{ path: '/api/*', app: './api.ts' }, { static: './public' }] }),
  host({ routes: [{ path: '/old/*', redirect: '/new/$1', status: 308 }] }),
  host({ respond: { status: 404 } }),
  host({ redirect: 'https://example.com/$1' }),
  host({ static: './public', index: 'home.html', headers: { 'X-A': null, 'X-B': 'b' } }),
  host({
    routes: [
      { path: '/a', rewrite: '/b' },
      { path: '/b', respond: { status: 200, body: '' } },
    ],
  }),
  host({
    routes: [
      { path: '/docs/*', rewrite: '/$1', static: './docs' },
      { rewrite: '/$1', app: './a.ts' },
    ],
  }),
  host({
    routes: [
      { path: '/*', rewrite: '/x/$1' },
      { path: '/*', app: './a.ts' },
    ],
  }),
  host({
    routes: [
      { path: '/a*b', app: './a.ts' },
      { path: '/a/*', app: './b.ts' },
    ],
  }),
  route({ static: './a', tryFiles: ['$path', '/index.html'], listing: true, errorPages: { 404: '/404.html' } }),
  route({ static: './a', types: { '.wat': 'text/plain' }, charset: 'off' }),
  host({ app: undefined, static: './a', cors: undefined }),
  { cors: true, basicAuth: false, allow: ['all'], deny: ['10.0.0.0/8'], headers: {} },
  { cors: { origins: ['https://a.example', 'https://*.b.example:8443', 'null'], credentials: true, maxAgeSeconds: 0 } },
  { cors: { methods: ['DELETE'], headers: [], exposeHeaders: ['X-Total'] } },
  { basicAuth: { realm: 'a "b"', users: { alice: HASH } } },
  { basicAuth: { usersFile: './htpasswd' } },
  {
    headers: { ETag: null, 'last-modified': null, 'Accept-Ranges': null, constructor: 'a', 'Content-Type': undefined },
  },
  route({
    respond: { status: 200, body: '{}', headers: { 'Content-Type': 'application/json', Location: '/a', ETag: '"a"' } },
  }),
  { security: { nosniff: false, frameOptions: 'DENY', contentSecurityPolicy: "default-src 'self'" } },
]

for (const value of ACCEPTED) test(`accepted: ${JSON.stringify(value)}`, () => assert.equal(check(value), null))

const R = "hosts['a'].routes[0]"

const REFUSED: readonly (readonly [value: unknown, sentence: string])[] = [
  // hosts
  [{ hosts: [] }, 'hosts in the file must be an object'],
  [{ hosts: {} }, "hosts in the file is empty; name a host, or '*' for all, or leave it out"],
  [{ hosts: { a: {} }, target: './x' }, 'hosts in the file stands in place of target in the file; give one of the two'],
  [
    { hosts: { 'a:80': { app: './a.ts' } } },
    "hosts['a:80'] in the file has a port, which takes no part in choosing the host; write the name alone",
  ],
  [
    { hosts: { 'a.b': { app: './a.ts' }, 'A.B.': { app: './a.ts' } } },
    "hosts['A.B.'] in the file is the host of hosts['a.b'] in the file again; remove one",
  ],
  [host([]), "hosts['a'] in the file must be an object"],
  [host({}), "hosts['a'] in the file says not what to do; give one of app, static, redirect, respond, rewrite"],
  [host({ routes: {} }), "hosts['a'].routes in the file must be a list of routes, not {}"],
  [host({ routes: [] }), "hosts['a'].routes in the file is an empty list; add a route"],
  [host({ routes: ['./a'] }), `${R} in the file must be an object`],
  [host({ route: [] }), "hosts['a'].route in the file is not an option; did you mean 'routes'?"],
  [
    host({ routes: [{ app: './a.ts' }], static: './b' }),
    "hosts['a'] in the file has routes and static of its own; make a route of it, or leave routes out",
  ],
  [
    host({ rewrite: '/x' }),
    "hosts['a'] in the file has a rewrite and no routes below that could be asked; put app or static beside it",
  ],
  // one action
  [route({ path: '/' }), `${R} in the file says not what to do; give one of app, static, redirect, respond, rewrite`],
  [
    route({ app: './a.ts', static: './b' }),
    `${R} in the file has app and static; give one, or a rewrite beside app or static`,
  ],
  [
    route({ redirect: '/a', rewrite: '/b' }),
    `${R} in the file has redirect and rewrite; give one, or a rewrite beside app or static`,
  ],
  [
    route({ app: './a.ts', static: './b', rewrite: '/c' }),
    `${R} in the file has app and static and rewrite; give one, or a rewrite beside app or static`,
  ],
  [route({ redirct: '/a' }), `${R}.redirct in the file is not an option; did you mean 'redirect'?`],
  [route({ app: '' }), `${R}.app in the file must be the path of an app module, not ''`],
  [route({ static: 3 }), `${R}.static in the file must be the path of a directory, not 3`],
  // paths
  [route({ path: 'a', app: './a.ts' }), `${R}.path in the file is 'a'; it must begin with a slash: '/a'`],
  [route({ path: 3, app: './a.ts' }), `${R}.path in the file must be text, not 3`],
  [
    route({ path: '/old', redirect: '/new/$1' }),
    `${R}.redirect in the file is '/new/$1', but there is no $1: the path has no star`,
  ],
  [route({ rewrite: 'x' }), `${R}.rewrite in the file is 'x'; it must begin with a slash: '/x'`],
  [route({ redirect: '/a', status: 200 }), `${R}.status in the file must be 301, 302, 303, 307 or 308, not 200`],
  [route({ app: './a.ts', status: 301 }), `${R}.status in the file belongs to redirect, and there is none`],
  [
    route({ respond: { status: 200 }, status: 404 }),
    `${R}.status in the file belongs to redirect, and there is none: respond: { status } is what you mean`,
  ],
  [
    host({ routes: [{ app: './a.ts' }, { path: '/b', app: './b.ts' }] }),
    "hosts['a'].routes[1] in the file can never be reached: routes[0] answers all of its paths; put it before that one",
  ],
  [
    host({
      routes: [
        { path: '/a/*', app: './a.ts' },
        { path: '/a', app: './b.ts' },
      ],
    }),
    "hosts['a'].routes[1] in the file can never be reached: routes[0] answers all of its paths; put it before that one",
  ],
  [
    host({
      routes: [
        { path: '/a*', app: './a.ts' },
        { path: '/x', app: './b.ts' },
        { path: '/ab/*', app: './b.ts' },
      ],
    }),
    "hosts['a'].routes[2] in the file can never be reached: routes[0] answers all of its paths; put it before that one",
  ],
  [
    host({ routes: [{ path: '/a', rewrite: '/b', basicAuth: { users: { a: HASH } } }] }),
    `${R}.basicAuth in the file would hold for nobody: a rewrite goes on with the routes below; put it there`,
  ],
  // respond
  [route({ respond: 404 }), `${R}.respond in the file must be an object`],
  [route({ respond: {} }), `${R}.respond.status in the file must be a whole number from 200 to 599, not undefined`],
  [
    route({ respond: { status: 101 } }),
    `${R}.respond.status in the file must be a whole number from 200 to 599, not 101`,
  ],
  [route({ respond: { status: 200, body: 1 } }), `${R}.respond.body in the file must be text, not 1`],
  [
    route({ respond: { status: 204, body: 'a' } }),
    `${R}.respond.body in the file cannot be sent: an answer of status 204 has none; leave it out`,
  ],
  [
    route({ respond: { status: 200, headers: { a: null } } }),
    `${R}.respond.headers['a'] in the file must be text of printable ASCII, not null`,
  ],
  // the section `static` on a route
  [route({ app: './a.ts', index: 'a' }), `${R}.index in the file belongs to static, and there is none`],
  [
    route({ static: './a', index: 'a/b' }),
    `${R}.index in the file must be the plain name of a file, without a slash, or a list of them, not 'a/b'`,
  ],
  [
    route({ static: './a', types: { 'tar.gz': 'a/b' } }),
    `${R}.types in the file must be an object such as { '.wat': 'text/plain' }: the last end of a name, each once, and a media type, not { 'tar.gz': 'a/b' }`,
  ],
  [route({ static: './a', listing: 'yes' }), `${R}.listing in the file must be true or false, not 'yes'`],
  [route({ static: './a', tryFile: [] }), `${R}.tryFile in the file is not an option; did you mean 'tryFiles'?`],
  // fields
  [{ headers: 'a' }, 'headers in the file must be an object'],
  [{ headers: { 'a b': 'c' } }, "headers['a b'] in the file is no name that a field can have (RFC 9110 §5.1)"],
  [{ headers: { a: 'b\r\nc' } }, "headers['a'] in the file must be text of printable ASCII, or null, not 'b\\r\\nc'"],
  [{ headers: { a: '' } }, "headers['a'] in the file must be text of printable ASCII, or null, not ''"],
  [{ headers: { a: 'ü' } }, "headers['a'] in the file must be text of printable ASCII, or null, not 'ü'"],
  [{ headers: { a: 1 } }, "headers['a'] in the file must be text of printable ASCII, or null, not 1"],
  [
    { headers: { 'Content-Length': '3' } },
    "headers['Content-Length'] in the file is a field that the server writes itself; leave it out",
  ],
  [
    { headers: { 'X-A': 'a', 'x-a': 'b' } },
    "headers['x-a'] in the file is there twice: names of fields do not depend on case; remove one",
  ],
  ...[
    ['Content-Type', 'text/html', 'static.types says it of files, an app of its own answers; leave it out'],
    ['CONTENT-TYPE', null, 'static.types says it of files, an app of its own answers; leave it out'],
    ['Content-Encoding', 'gzip', 'static.precompressed and static.compress lead to it, or an app; leave it out'],
    ['Content-Range', null, 'files have it of themselves, and an app says its own; leave it out'],
    ['Location', '/a', 'only redirects have it: make a route with redirect, or let an app say it'],
    ['Location', null, 'only redirects have it: make a route with redirect, or let an app say it'],
    ['ETag', '"a"', 'files have it of themselves, and an app says its own; null takes it out'],
    ['last-modified', '', 'files have it of themselves, and an app says its own; null takes it out'],
    ['Accept-Ranges', 'none', 'files have it of themselves, and an app says its own; null takes it out'],
  ].flatMap(([field, text, remedy]): [unknown, string][] => [
    [{ headers: { [field!]: text } }, `headers['${field}'] in the file differs from answer to answer: ${remedy}`],
    [
      route({ static: './a', headers: { [field!]: text } }),
      `${R}.headers['${field}'] in the file differs from answer to answer: ${remedy}`,
    ],
  ]),
  // CORS
  [{ cors: 'all' }, "cors in the file must be true, false or an object, not 'all'"],
  [{ cors: { origin: '*' } }, "cors.origin in the file is not an option; did you mean 'origins'?"],
  [{ cors: { origins: 'https://a' } }, "cors.origins in the file must be a list, not 'https://a'"],
  [{ cors: { origins: [] } }, 'cors.origins in the file is an empty list; name an origin, or leave cors out'],
  ...['https://a/', 'https://A', 'a', 'https://a:443', '*', 'https://*', 'https://a.*.b'].map(
    (origin): [unknown, string] => [
      { cors: { origins: [origin] } },
      `cors.origins[0] in the file must be an origin, such as 'https://app.example.com', 'https://*.example.com' or 'null', not '${origin}'`,
    ],
  ),
  [
    { cors: { credentials: true } },
    'cors.credentials in the file is true, which browsers do not allow for everybody; list the origins',
  ],
  [{ cors: { methods: ['A B'] } }, "cors.methods[0] in the file must be a name, such as PUT or X-Total, not 'A B'"],
  [{ cors: { maxAgeSeconds: -1 } }, 'cors.maxAgeSeconds in the file must be a whole number from 0 to 86400, not -1'],
  // passwords
  [{ basicAuth: true }, 'basicAuth in the file must be an object'],
  [{ basicAuth: {} }, 'basicAuth in the file has neither users nor usersFile; give one'],
  [{ basicAuth: { users: {}, usersFile: 'a' } }, 'basicAuth in the file has both users and usersFile; give one'],
  [{ basicAuth: { users: {} } }, 'basicAuth.users in the file names nobody, so that nobody could come in; add a user'],
  [
    { basicAuth: { users: { alice: 'secret' } } },
    "basicAuth.users['alice'] in the file is neither an scrypt nor a bcrypt hash; make one with 'prefork hash-password' or 'htpasswd -B'",
  ],
  [
    { basicAuth: { users: { alice: 1234 } } },
    "basicAuth.users['alice'] in the file must be the hash of a password, as text",
  ],
  [
    { basicAuth: { users: { 'a:b': HASH } } },
    "basicAuth.users['a:b'] in the file is a name that nobody can log in with: it is empty, or has a colon or control character",
  ],
  [{ basicAuth: { usersFile: '' } }, "basicAuth.usersFile in the file must be the path of a file, not ''"],
  [
    { basicAuth: { realm: 'ü', users: { a: HASH } } },
    "basicAuth.realm in the file must be text of printable ASCII, not 'ü'",
  ],
  // addresses
  [{ allow: '10.0.0.0/8' }, "allow in the file must be a list of addresses, such as ['10.0.0.0/8'], not '10.0.0.0/8'"],
  [{ allow: [] }, "allow in the file is an empty list; leave it out, or allow: ['all'] to lift what is outside"],
  [{ deny: [1] }, 'deny[0] in the file must be an address or network, as text, not 1'],
  [
    { deny: ['10.0.0.0/8', '10.0.0.0/99'] },
    "deny[1] in the file is '10.0.0.0/99', but the address has 32 bits; write fewer",
  ],
  [
    { allow: ['10.0.0.0/8'], deny: ['all'] },
    "deny in the file has 'all', which outranks allow; leave it out: who is not in allow is denied",
  ],
  // security
  [
    { security: { frameOptions: 'deny' } },
    "security.frameOptions in the file must be one of off, DENY, SAMEORIGIN, not 'deny'",
  ],
  [
    { security: { contentSecurityPolicy: 'a\nb' } },
    "security.contentSecurityPolicy in the file must be the field's value, in printable ASCII, or 'off', not 'a\\nb'",
  ],
]

for (const [value, sentence] of REFUSED) test(`refused: ${sentence}`, () => assert.equal(check(value), sentence))

test('no message repeats what may be a password', () => {
  for (const basicAuth of [
    'tellnobody',
    ['tellnobody'],
    { users: 'tellnobody' },
    { users: { a: ['tellnobody'] } },
    { users: { a: 'tellnobody' } },
  ]) {
    for (const value of [{ basicAuth }, host({ app: './a.ts', basicAuth }), route({ app: './a.ts', basicAuth })]) {
      assert.doesNotMatch(check(value)!, /tellnobody/)
    }
  }
})
