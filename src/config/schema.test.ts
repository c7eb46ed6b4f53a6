import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OperatorError, quote } from './operator-error.ts'
import { checkOptions, parseText } from './schema.ts'

const name = (path: string) => `${path} in the file`

function check(value: unknown): unknown {
  try {
    return checkOptions(value, name)
  } catch (error) {
    assert.ok(error instanceof OperatorError)
    return error.message
  }
}

const ACCEPTED: readonly unknown[] = [
  {},
  { port: 0 },
  { port: 65_535, host: '::1', workers: 'auto' },
  { workers: 4, spawn: 'exec', logLevel: 'debug', accessLog: '-', accessLogFormat: 'common' },
  { port: undefined },
  { limits: {}, timeouts: { idleMs: 1 }, static: { index: 'home.htm' } },
  { limits: { bodyBytes: Number.POSITIVE_INFINITY } },
  { limits: { bodyBytes: 0 } },
  { static: { index: [], tryFiles: ['$path', '/$path.html', '$path/', '/index.html', '=410'], errorPages: {} } },
  { static: { index: ['a.html', 'b.htm'], tryFiles: '/a.html', errorPages: { 404: '/a b.html', '5xx': '/한.html' } } },
  { static: { compress: [], precompressed: false, cacheControl: [], hashedNames: 'immutable', cacheBytes: 0 } },
  { static: { compress: ['gzip', 'br'], cacheControl: [{ path: '/a/*', value: 'no-cache' }] } },
  {
    static: {
      compress: 'zstd',
      cacheControl: [
        { path: '*.html', value: 'public, max-age=60 ,must-revalidate' },
        { path: '/한*', value: 'private="set-cookie, x"' },
      ],
    },
  },
  { static: { types: {}, charset: 'off' } },
  { tls: { cert: 'a.pem', key: 'a.key', keyPassphraseFile: 'a.txt', ocsp: 'a.der', clientCa: 'ca.pem' } },
  { tls: { certificates: [], minVersion: 'TLSv1.3', ticketRotationMs: 0, redirect: true, redirectPort: 'auto' } },
  { tls: { certificates: [{ cert: 'b.pem', key: 'b.key' }], ticketRotationMs: 60_000, redirectPort: 443 } },
  { tls: { certificates: [{ cert: 'b.pem', key: 'b.key', keyPassphraseFile: 'b.txt', ocsp: 'b.der' }] } },
  { tls: { ciphers: 'ECDHE+AESGCM:!aNULL:@SECLEVEL=2', ciphersuites: 'TLS_AES_128_GCM_SHA256' } },
  { tls: { groups: '?X25519MLKEM768:*X25519/P-256', clientCertificates: 'required', keyLogFile: 'keys.log' } },
  { tls: { kernel: 'off' } },
  { security: { hsts: 'max-age=31536000; includeSubDomains; preload' } },
  {
    static: {
      types: { '.wat': 'text/plain', GLSL: 'text/x-glsl;charset="a b"', 'c++': 'text/x-c; a=b ; c=d', '.한': 'a/b' },
      charset: 'EUC-KR',
    },
  },
  { socket: { ipv6Only: false, noDelay: true } },
  { recycle: { maxRequestsPerWorker: Number.POSITIVE_INFINITY } },
  { listen: [':80', { path: '/run/a.sock', mode: 0o660 }], user: 'www-data', readyPath: '/' },
]

for (const value of ACCEPTED) test(`accepted: ${JSON.stringify(value)}`, () => assert.deepEqual(check(value), value))

const REFUSED: readonly (readonly [unknown, string])[] = [
  [{ port: 65_536 }, 'port in the file must be a whole number from 0 to 65535, not 65536'],
  [{ port: -1 }, 'port in the file must be a whole number from 0 to 65535, not -1'],
  [{ port: 80.5 }, 'port in the file must be a whole number from 0 to 65535, not 80.5'],
  [{ port: Number.NaN }, 'port in the file must be a whole number from 0 to 65535, not NaN'],
  [{ port: '80' }, "port in the file must be a whole number from 0 to 65535, not '80'"],
  [{ port: Number.POSITIVE_INFINITY }, 'port in the file must be a whole number from 0 to 65535, not Infinity'],
  [{ workers: 'many' }, "workers in the file must be 'auto' or a whole number from 1 to 1024, not 'many'"],
  [{ workers: 0 }, "workers in the file must be 'auto' or a whole number from 1 to 1024, not 0"],
  [{ logLevel: 'loud' }, "logLevel in the file must be one of error, warn, info, debug, not 'loud'"],
  [{ spawn: null }, 'spawn in the file must be one of auto, fork, exec, not null'],
  [{ host: '' }, "host in the file must be an IP address or a host name, not ''"],
  [{ target: 'a\0b' }, "target in the file must be the path of a directory or of an app module, not 'a\\u0000b'"],
  [{ target: () => 1 }, 'target in the file must be the path of a directory or of an app module, not a function'],
  ...[{ index: 'a/b.html' }, { index: '..' }, { index: ['a.html', ''] }, { index: 3 }].map(
    ({ index }) =>
      [
        { static: { index } },
        `static.index in the file must be the plain name of a file, without a slash, or a list of them, not ${quote(index)}`,
      ] as const,
  ),
  ...[['a.html'], ['/a', '=404', '/b'], ['/a/../b'], ['=200'], ['$path', '{path}.html'], [''], { path: '/' }].map(
    (tryFiles) =>
      [
        { static: { tryFiles } },
        "static.tryFiles in the file must be paths beneath the root that begin with '/' or '$path' and hold no '..', " +
          `the last perhaps a status such as '=404', not ${quote(tryFiles)}`,
      ] as const,
  ),
  ...[
    { 404: '404.html' },
    { 304: '/a' },
    { '4x': '/a' },
    { 404: '/a/../b' },
    { 404: '/a/' },
    { 404: 4 },
    ['/a'],
    '/a',
  ].map(
    (errorPages) =>
      [
        { static: { errorPages } },
        "static.errorPages in the file must be an object such as { 404: '/404.html', '5xx': '/sorry.html' }: " +
          `statuses from 400 on, and paths beneath the root, not ${quote(errorPages)}`,
      ] as const,
  ),
  ...[['deflate'], ['br', 'br'], 'all', [''], true].map(
    (compress) =>
      [
        { static: { compress } },
        `static.compress in the file must be a list of 'br', 'zstd' and 'gzip', each once, or an empty one, not ${quote(compress)}`,
      ] as const,
  ),
  ...[
    [{ path: 'a/*', value: 'no-cache' }],
    [{ path: '/a', value: 'a\r\nb' }],
    [{ path: '/a', value: 'max-age=' }],
    [{ path: '/a', value: 'no-cache,' }],
    [{ path: '/a', value: 'no cache' }],
    [{ path: '/a', value: '' }],
    [{ path: '/a' }],
    [{ path: '/a', value: 'no-cache', vary: 'x' }],
    ['no-cache'],
    { path: '/a', value: 'no-cache' },
  ].map(
    (cacheControl) =>
      [
        { static: { cacheControl } },
        "static.cacheControl in the file must be a list such as [{ path: '/assets/*', value: 'max-age=3600' }]: " +
          `paths that begin with '/' or '*', and directives, not ${quote(cacheControl)}`,
      ] as const,
  ),
  ...[
    { '.tar.gz': 'application/gzip' },
    { '': 'text/plain' },
    { '.': 'text/plain' },
    { 'a/b': 'text/plain' },
    { js: 'text/javascript', '.JS': 'text/plain' },
    { js: 'text' },
    { js: 'text/*' },
    { js: 'text/plain;' },
    { js: 'text/plain; charset' },
    { js: 'text/plain\r\nX: y' },
    { js: 'text/ü' },
    { js: '' },
    { js: null },
    ['text/plain'],
    'text/plain',
  ].map(
    (types) =>
      [
        { static: { types } },
        "static.types in the file must be an object such as { '.wat': 'text/plain' }: " +
          `the last end of a name, each once, and a media type, not ${quote(types)}`,
      ] as const,
  ),
  ...['', 'utf-8; a=b', 'a b', '"utf-8"', true, null].map(
    (charset) =>
      [
        { static: { charset } },
        `static.charset in the file must be the name of a charset, such as 'utf-8', or 'off', not ${quote(charset)}`,
      ] as const,
  ),
  [{ static: { hashedNames: true } }, 'static.hashedNames in the file must be one of off, immutable, not true'],
  [{ static: { hidden: true } }, 'static.hidden in the file must be one of deny, allow, not true'],
  [{ static: { symlinks: 'all' } }, "static.symlinks in the file must be one of beneath, owner, never, not 'all'"],
  [
    { static: { listingEntriesMax: 0 } },
    'static.listingEntriesMax in the file must be a whole number from 1 to 100000, not 0',
  ],
  [
    { limits: { bodyBytes: -1 } },
    'limits.bodyBytes in the file must be a whole number from 0 upwards, or Infinity for no limit, not -1',
  ],
  [{ socket: { noDelay: 'yes' } }, "socket.noDelay in the file must be true or false, not 'yes'"],
  [{ socket: { noDelay: 1 } }, 'socket.noDelay in the file must be true or false, not 1'],
  [{ socket: { noDelay: null } }, 'socket.noDelay in the file must be true or false, not null'],
  [{ user: 33 }, 'user in the file must be the name of a user, or its number in quotes, not 33'],
  [{ listen: 'a' }, "listen in the file: 'a' has no port; write 'a:8080'"],
  [{ maxSpare: 1 }, "maxSpare in the file is not an option; did you mean 'pool.maxSpare'?"],
  [{ limits: 3 }, 'limits in the file must be an object, not 3'],
  [{ timeouts: [] }, 'timeouts in the file must be an object, not []'],
  [{ prot: 1 }, "prot in the file is not an option; did you mean 'port'?"],
  [{ headBytes: 1 }, "headBytes in the file is not an option; did you mean 'limits.headBytes'?"],
  [{ limits: { idleMs: 1 } }, "limits.idleMs in the file is not an option; did you mean 'timeouts.idleMs'?"],
  [{ limits: { headByte: 1 } }, "limits.headByte in the file is not an option; did you mean 'limits.headBytes'?"],
  [{ proxy: {} }, 'proxy in the file is not an option; docs/configuration.md lists them all'],
]

for (const [value, sentence] of REFUSED) test(`refused: ${sentence}`, () => assert.equal(check(value), sentence))

const TEXTS: readonly (readonly [string, unknown])[] = [
  ['80', 80],
  ['080', 80],
  ['-1', -1],
  ['1e3', '1e3'],
  ['0x50', '0x50'],
  ['80 ', '80 '],
  ['', ''],
  ['Infinity', 'Infinity'],
]

for (const [text, value] of TEXTS) {
  test(`the text '${text}' means ${JSON.stringify(value)}`, () => assert.equal(parseText('port', text), value))
}

test('digits are a number only where one is wanted', () => assert.equal(parseText('host', '80'), '80'))
