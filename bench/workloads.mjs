/**
 * What `npm run bench` measures: workloads by name, and which way each is
 * measured. No code.
 *
 *     load     how clients ask: so many connections, kept or one a request, with so
 *              many requests underway on each (`pipelined`), as OpenSSL is told to
 *              (`opensslConf`)
 *     work     what a server must be able to do, in the words of peers/
 *     isSecure over TLS
 *     handshake
 *              with clients that come back with a session: by TLS 1.2 or 1.3
 *     isLogged each server writes an access log meanwhile; who has none is left out
 *     servers  who is compared when nobody is named
 *     yardstick
 *              whose figures the others are set against, where it takes part
 */
import { fileURLToPath } from 'node:url'

const KEPT = { connections: 64, isKeepAlive: true, pipelined: 1 }
const ONCE = { ...KEPT, isKeepAlive: false }
const ONCE_12 = { ...ONCE, opensslConf: fileURLToPath(new URL('tls-1.2.cnf', import.meta.url)) }
const FILE_SERVERS = ['prefork', 'nginx', 'nginx-cache', 'lighttpd', 'apache', 'bun', 'floor']
const HELLO_SERVERS = [
  'prefork',
  'prefork-newest',
  'prefork-app',
  'prefork-app-newest',
  'nginx',
  'apache',
  'bun',
  'bun-routes',
  'deno',
  'node',
  'floor',
]
const APP_SERVERS = ['prefork-app', 'prefork-app-newest', 'deno', 'bun', 'node']
const TLS_SERVERS = ['prefork', 'prefork-newest', 'prefork-app', 'prefork-app-newest', 'nginx', 'bun', 'deno', 'node']
const HANDSHAKING_SERVERS = ['prefork', 'prefork-newest', 'nginx', 'bun', 'deno', 'node']
const LOGGING_SERVERS = ['prefork', 'nginx', 'nginx-gathering', 'apache']

export const HELLO_TEXT = 'Hello, world!\n'

/** Files of these names lie in the site, of so many bytes. */
export const FILE_BYTES = { '1k.bin': 1024, '10k.bin': 10_240, '100k.bin': 102_400, '1m.bin': 1_048_576 }

export const WORKLOADS = {
  hello: throughput('hello, keep-alive', 'hello', '/hello', KEPT, HELLO_SERVERS),
  app: throughput('hello, by a handler in JavaScript', 'hello', '/hello', KEPT, APP_SERVERS, 'deno'),
  json: throughput('an app that answers JSON', 'json', '/json?id=7', KEPT, [...APP_SERVERS, 'fastify', 'hono'], 'deno'),
  pipelined: throughput('hello, 16 pipelined', 'hello', '/hello', { ...KEPT, pipelined: 16 }, HELLO_SERVERS),
  once: throughput('hello, a connection for each request', 'hello', '/hello', ONCE, [
    ...HELLO_SERVERS,
    'prefork-deferred',
    'nginx-deferred',
  ]),
  '1k': throughput('a file of 1 KB', 'file', '/1k.bin', KEPT, FILE_SERVERS),
  '10k': throughput('a file of 10 KB', 'file', '/10k.bin', KEPT, FILE_SERVERS),
  '100k': throughput('a file of 100 KB', 'file', '/100k.bin', KEPT, FILE_SERVERS),
  '1m': throughput('a file of 1 MB', 'file', '/1m.bin', KEPT, FILE_SERVERS),
  tls: overTls('hello over TLS, keep-alive', 'hello', '/hello', TLS_SERVERS),
  'tls-1m': overTls('a file of 1 MB over TLS', 'file', '/1m.bin', [
    'prefork',
    'prefork-newest',
    'nginx',
    'bun',
    'node',
  ]),
  'tls-full': overTls('whole handshakes, TLS 1.3', 'hello', '/hello', HANDSHAKING_SERVERS, ONCE),
  'tls-full-12': overTls(
    'whole handshakes, TLS 1.2',
    'hello',
    '/hello',
    HANDSHAKING_SERVERS.filter((it) => it !== 'deno'), // it remembers sessions: wrk comes back with its own
    ONCE_12,
  ),
  'tls-resumed': handshakes('resumed handshakes, TLS 1.3', { version: '1.3' }),
  'tls-resumed-12': handshakes('resumed handshakes, TLS 1.2', { version: '1.2' }),
  'hello-logged': logged('hello, with an access log', 'hello', '/hello', LOGGING_SERVERS),
  '1k-logged': logged('a file of 1 KB, with an access log', 'file', '/1k.bin', [...LOGGING_SERVERS, 'lighttpd']),
  fork: throughput('a process for each connection', 'hello', '/hello', ONCE, [
    'prefork-fork',
    'prefork-prefork',
    'apache-prefork',
    'floor-fork',
  ]),
  idle: idle('connections that wait', 10_000, ['prefork', 'nginx', 'apache', 'bun', 'node', 'floor']),
  'idle-50k': idle('50,000 of them', 50_000, ['prefork', 'nginx', 'apache', 'bun', 'node', 'node-cluster', 'floor']),
  rate: {
    title: "hello, at half of nginx' rate",
    measure: 'rate',
    work: 'hello',
    path: '/hello',
    load: KEPT,
    servers: HELLO_SERVERS,
    yardstick: 'nginx',
  },
  workers: {
    title: 'one more worker',
    measure: 'worker-memory',
    work: 'hello',
    path: '/hello',
    load: KEPT,
    servers: ['prefork-app', 'prefork-data', 'nginx', 'apache-prefork', 'bun', 'deno', 'node-cluster'],
  },
}

function throughput(title, work, path, load, servers, yardstick = 'nginx') {
  return { title, measure: 'throughput', work, path, load, servers, yardstick }
}

function overTls(title, work, path, servers, load = KEPT) {
  return { ...throughput(title, work, path, load, servers), isSecure: true }
}

function handshakes(title, handshake) {
  const asked = throughput(title, 'hello', '/hello', ONCE, HANDSHAKING_SERVERS)
  return { ...asked, measure: 'handshakes', isSecure: true, handshake }
}

function idle(title, held, servers) {
  return { title, measure: 'idle', work: 'hello', path: '/hello', load: KEPT, held, servers }
}

function logged(title, work, path, servers) {
  return { ...throughput(title, work, path, KEPT, servers), measure: 'logged', isLogged: true }
}
