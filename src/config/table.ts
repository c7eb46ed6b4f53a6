/**
 * The table of options: one row each, and the only place in code that knows a
 * default, a range, a flag or a variable.
 *
 *     schema.ts        what is refused           from kind, min, max, choices
 *     command-line.ts  flags                     from flag
 *     help.ts          --help                    from flag, help, default
 *     load.ts          variables and defaults    from env, default
 *
 * The comments of options.ts repeat these facts for people; a test compares
 * them. A row missing here, or one too many, does not compile.
 */
import type { Limits, Options, PoolOptions, RecycleOptions, SocketOptions, StaticOptions, Timeouts } from './options.ts'
import type { SecurityOptions } from './routes.ts'
import type { OptionRow } from './rows.ts'
import { isFieldValue } from './site/field-value.ts'
import {
  areDirectives,
  isCharset,
  isFinalStatus,
  isMediaType,
  isOnlyExtension,
  isPathBeneath,
  isPathToTry,
} from './static-texts.ts'
import type { TlsOptions } from './tls-options.ts'
import { isCipherList, isHsts, isNameList } from './tls-texts.ts'

export type SectionName = 'tls' | 'pool' | 'socket' | 'recycle' | 'limits' | 'timeouts' | 'static' | 'security'

/** A path to one option, as messages write it: 'port', 'limits.headBytes'. */
export type OptionPath =
  | Exclude<keyof Options, SectionName>
  | `tls.${keyof TlsOptions}`
  | `pool.${keyof PoolOptions}`
  | `socket.${keyof SocketOptions}`
  | `recycle.${keyof RecycleOptions}`
  | `limits.${keyof Limits}`
  | `timeouts.${keyof Timeouts}`
  | `static.${keyof StaticOptions}`
  | `security.${keyof SecurityOptions}`

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const MIB = 1_048_576
const INFINITY = Number.POSITIVE_INFINITY
/** https://wiki.mozilla.org/Security/Server_Side_TLS, "intermediate": what every client of the last years has. */
const INTERMEDIATE = {
  ciphers: [
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ],
  ciphersuites: ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
  groups: ['?X25519MLKEM768', 'X25519', 'P-256', 'P-384'],
}
const A_POLICY = "the field's value, in printable ASCII, or 'off'"

export const OPTION_TABLE: Readonly<Record<OptionPath, OptionRow>> = {
  target: { kind: 'text', default: null, says: 'the path of a directory or of an app module' },
  host: {
    kind: 'text',
    default: '127.0.0.1',
    says: 'an IP address or a host name',
    flag: { name: 'host', value: 'ADDRESS', help: 'where to listen; 0.0.0.0 for all' },
    env: 'HOST',
  },
  port: {
    kind: 'integer',
    default: 8080,
    min: 0,
    max: 65_535,
    flag: { name: 'port', value: 'N', help: 'TCP port; 0 picks a free one' },
    env: 'PORT',
  },
  listen: {
    kind: 'listen',
    default: null,
    flag: { name: 'listen', value: 'ADDRESS', help: 'HOST:PORT, unix:PATH, fd:NAME; may be repeated' },
  },
  workers: {
    kind: 'integer',
    default: 'auto',
    min: 1,
    max: 1024,
    word: 'auto',
    flag: { name: 'workers', value: 'N|auto', help: 'worker processes; auto is one per core' },
    env: 'WEB_CONCURRENCY',
  },
  model: {
    kind: 'choice',
    default: 'event',
    choices: ['event', 'prefork', 'fork'],
    flag: { name: 'model', value: 'event|prefork|fork', help: 'connections each: many, one, one ever' },
  },
  accept: {
    kind: 'choice',
    default: 'shared',
    choices: ['shared', 'reuseport', 'parent'],
    flag: { name: 'accept', value: 'STRATEGY', help: 'shared, reuseport or parent' },
  },
  backlog: {
    kind: 'integer',
    default: 511,
    min: 1,
    max: 65_535,
    flag: { name: 'backlog', value: 'N', help: 'connections that may wait to be accepted' },
  },
  spawn: {
    kind: 'choice',
    default: 'auto',
    choices: ['auto', 'fork', 'exec'],
    flag: { name: 'spawn', value: 'auto|fork|exec', help: 'how workers are started' },
  },
  logLevel: {
    kind: 'choice',
    default: 'info',
    choices: ['error', 'warn', 'info', 'debug'],
    flag: { name: 'log-level', value: 'LEVEL', help: 'error, warn, info or debug' },
  },
  accessLog: {
    kind: 'text',
    default: 'off',
    says: "the path of a file, '-' for stdout, or 'off'",
    flag: { name: 'access-log', value: 'FILE|-|off', help: 'where to log requests; - is stdout' },
  },
  accessLogFormat: {
    kind: 'choice',
    default: 'combined',
    choices: ['combined', 'common', 'json'],
    flag: { name: 'access-log-format', value: 'FORMAT', help: 'combined, common or json' },
  },
  user: {
    kind: 'text',
    default: null,
    says: 'the name of a user, or its number in quotes',
    flag: { name: 'user', value: 'NAME', help: 'whom workers run as; only root may choose' },
  },
  group: {
    kind: 'text',
    default: null,
    says: 'the name of a group, or its number in quotes',
    flag: { name: 'group', value: 'NAME', help: "their group; without it, the user's own" },
  },
  pidFile: {
    kind: 'text',
    default: null,
    says: 'the path of a file',
    flag: { name: 'pid-file', value: 'FILE', help: 'where to write the process id' },
  },
  control: {
    kind: 'text',
    default: 'auto',
    says: "the path of a socket, 'auto', or 'off'",
    accepts: (text) => !text.startsWith('@'), // an abstract socket has no owner and no mode
    flag: { name: 'control', value: 'PATH|auto|off', help: 'socket that commands reach it by' },
  },
  readyPath: {
    kind: 'text',
    default: 'off',
    says: "a path that begins with a slash and has no query, or 'off'",
    accepts: (text) => text === 'off' || (/^\/[\x21-\x7e]*$/.test(text) && !/[?#]/.test(text)),
    flag: { name: 'ready-path', value: 'PATH|off', help: 'answered 200; 503 once told to end' },
  },
  admin: {
    kind: 'text',
    default: 'off',
    says: "an address such as '127.0.0.1:9180', 'unix:' and a path, or 'off'",
    flag: { name: 'admin', value: 'ADDRESS|off', help: 'shows the status page, answers /metrics' },
  },
  adminTokenFile: {
    kind: 'text',
    default: null,
    says: 'the path of a file',
    flag: { name: 'admin-token-file', value: 'FILE', help: 'whose token --admin asks for' },
  },
  hosts: { kind: 'site', default: null },
  headers: { kind: 'site', default: null },
  cors: { kind: 'site', default: null },
  basicAuth: { kind: 'site', default: null },
  allow: { kind: 'site', default: null },
  deny: { kind: 'site', default: null },
  'tls.cert': {
    kind: 'text',
    default: null,
    says: 'the path of a file',
    flag: { name: 'tls-cert', value: 'FILE', help: 'certificate and its chain, in PEM: https' },
  },
  'tls.key': {
    kind: 'text',
    default: null,
    says: 'the path of a file',
    flag: { name: 'tls-key', value: 'FILE', help: 'its private key, in PEM' },
  },
  'tls.keyPassphraseFile': { kind: 'text', default: null, says: 'the path of a file' },
  'tls.ocsp': { kind: 'text', default: null, says: 'the path of a file' },
  'tls.certificates': { kind: 'certificates', default: [] },
  'tls.minVersion': { kind: 'choice', default: 'TLSv1.2', choices: ['TLSv1.2', 'TLSv1.3'] },
  'tls.ciphers': {
    kind: 'text',
    default: INTERMEDIATE.ciphers.join(':'),
    says: "a list as `openssl ciphers` takes it, such as 'ECDHE+AESGCM:ECDHE+CHACHA20'",
    accepts: isCipherList,
  },
  'tls.ciphersuites': {
    kind: 'text',
    default: INTERMEDIATE.ciphersuites.join(':'),
    says: "names such as 'TLS_AES_128_GCM_SHA256', with colons between",
    accepts: isNameList,
  },
  'tls.groups': {
    kind: 'text',
    default: INTERMEDIATE.groups.join(':'),
    says: "names such as 'X25519:P-256', with colons between",
    accepts: isNameList,
  },
  'tls.ticketRotationMs': { kind: 'integer', default: DAY_MS / 3, min: MINUTE_MS, max: 7 * DAY_MS, orZero: true },
  'tls.kernel': { kind: 'choice', default: 'auto', choices: ['auto', 'off'] },
  'tls.clientCertificates': { kind: 'choice', default: 'off', choices: ['off', 'optional', 'required'] },
  'tls.clientCa': { kind: 'text', default: null, says: 'the path of a file' },
  'tls.keyLogFile': { kind: 'text', default: null, says: 'the path of a file' },
  'tls.redirect': { kind: 'boolean', default: false },
  'tls.redirectPort': { kind: 'integer', default: 'auto', min: 1, max: 65_535, word: 'auto' },
  'pool.minSpare': { kind: 'integer', default: 5, min: 1, max: 1024 },
  'pool.maxSpare': { kind: 'integer', default: 10, min: 1, max: 1024 },
  'pool.maxWorkers': { kind: 'integer', default: 256, min: 1, max: 1024 },
  'socket.reuseAddress': { kind: 'boolean', default: true },
  'socket.noDelay': { kind: 'boolean', default: true },
  'socket.deferAcceptSeconds': { kind: 'integer', default: 0, min: 0, max: 3_600 },
  'socket.fastOpenQueue': { kind: 'integer', default: 0, min: 0, max: 65_535 },
  'socket.ipv6Only': { kind: 'boolean', default: true },
  'recycle.maxRequestsPerWorker': { kind: 'integer', default: INFINITY, min: 1, max: INFINITY },
  'recycle.maxMemoryPerWorker': { kind: 'integer', default: INFINITY, min: MIB, max: INFINITY },
  'limits.headBytes': { kind: 'integer', default: 16_384, min: 256, max: MIB },
  'limits.fieldCount': { kind: 'integer', default: 100, min: 1, max: 10_000 },
  'limits.targetBytes': { kind: 'integer', default: 8_192, min: 16, max: MIB },
  'limits.bodyBytes': { kind: 'integer', default: 128 * MIB, min: 0, max: INFINITY },
  'limits.bodyRateMin': { kind: 'integer', default: 240, min: 0, max: 1_000_000_000 },
  'limits.sendRateMin': { kind: 'integer', default: 240, min: 0, max: 1_000_000_000 },
  'limits.connectionsPerAddress': { kind: 'integer', default: INFINITY, min: 1, max: INFINITY },
  'limits.connectionsMax': { kind: 'integer', default: 10_000, min: 1, max: 1_000_000 },
  'timeouts.headMs': { kind: 'integer', default: 60_000, min: 1, max: DAY_MS },
  'timeouts.bodyMs': { kind: 'integer', default: 60_000, min: 1, max: DAY_MS },
  'timeouts.idleMs': { kind: 'integer', default: 75_000, min: 1, max: DAY_MS },
  'timeouts.writeMs': { kind: 'integer', default: 60_000, min: 1, max: DAY_MS },
  'timeouts.stopMs': { kind: 'integer', default: 7_000, min: 1, max: DAY_MS },
  'timeouts.drainGraceMs': { kind: 'integer', default: 5_000, min: 0, max: DAY_MS },
  'timeouts.drainTimeoutMs': { kind: 'integer', default: 300_000, min: 0, max: INFINITY },
  'timeouts.shutdownDelayMs': {
    kind: 'integer',
    default: 0,
    min: 0,
    max: DAY_MS,
    flag: { name: 'shutdown-delay', value: 'MS', help: 'go on accepting so long after SIGTERM' },
  },
  'timeouts.workerTimeoutMs': { kind: 'integer', default: 0, min: 0, max: DAY_MS },
  'timeouts.bootMs': { kind: 'integer', default: 30_000, min: 1, max: DAY_MS },
  'timeouts.lingerMs': { kind: 'integer', default: 5_000, min: 1, max: DAY_MS },
  'static.index': {
    kind: 'texts',
    default: ['index.html'],
    says: 'the plain name of a file, without a slash, or a list of them',
    accepts: (names) => names.every((name) => !name.includes('/') && name !== '.' && name !== '..'),
  },
  'static.tryFiles': {
    kind: 'texts',
    default: [],
    says: "paths beneath the root that begin with '/' or '$path' and hold no '..', the last perhaps a status such as '=404'",
    accepts: (paths) =>
      paths.every((path, at) => isPathToTry(path) || (at === paths.length - 1 && isFinalStatus(path))),
  },
  'static.cleanUrls': { kind: 'boolean', default: false },
  'static.listing': { kind: 'boolean', default: false },
  'static.listingEntriesMax': { kind: 'integer', default: 1_000, min: 1, max: 100_000 },
  'static.errorPages': {
    kind: 'textByKey',
    default: {},
    says: "an object such as { 404: '/404.html', '5xx': '/sorry.html' }: statuses from 400 on, and paths beneath the root",
    accepts: (status, path) => /^[45](\d\d|xx)$/.test(status) && isPathBeneath(path) && !path.endsWith('/'),
  },
  'static.hidden': { kind: 'choice', default: 'deny', choices: ['deny', 'allow'] },
  'static.symlinks': { kind: 'choice', default: 'beneath', choices: ['beneath', 'owner', 'never'] },
  'static.types': {
    kind: 'textByKey',
    default: {},
    says: "an object such as { '.wat': 'text/plain' }: the last end of a name, each once, and a media type",
    accepts: (end, type, ends) => isOnlyExtension(end, ends) && isMediaType(type),
  },
  'static.charset': {
    kind: 'text',
    default: 'utf-8',
    says: "the name of a charset, such as 'utf-8', or 'off'",
    accepts: isCharset,
  },
  'static.precompressed': { kind: 'boolean', default: true },
  'static.compress': {
    kind: 'texts',
    default: ['br', 'zstd', 'gzip'],
    says: "a list of 'br', 'zstd' and 'gzip', each once, or an empty one",
    accepts: (codings) =>
      codings.every((coding, at) => ['br', 'zstd', 'gzip'].includes(coding) && codings.indexOf(coding) === at),
  },
  'static.compressMinBytes': { kind: 'integer', default: 1_024, min: 0, max: INFINITY },
  'static.compressionsMax': { kind: 'integer', default: 16, min: 1, max: 1_024 },
  'static.cacheControl': {
    kind: 'pathRules',
    default: [],
    says: "a list such as [{ path: '/assets/*', value: 'max-age=3600' }]: paths that begin with '/' or '*', and directives",
    accepts: (path, value) => /^[/*]/.test(path) && areDirectives(value),
  },
  'static.hashedNames': { kind: 'choice', default: 'off', choices: ['off', 'immutable'] },
  'static.cacheMs': { kind: 'integer', default: 1_000, min: 0, max: DAY_MS },
  'static.cacheBytes': { kind: 'integer', default: 16 * MIB, min: 0, max: 65_536 * MIB },
  'static.cacheFileBytesMax': { kind: 'integer', default: MIB, min: 0, max: 64 * MIB },
  'security.nosniff': { kind: 'boolean', default: true },
  'security.hsts': {
    kind: 'text',
    default: 'off',
    says: "the field's value, such as 'max-age=31536000; includeSubDomains', or 'off'",
    accepts: (text) => text === 'off' || isHsts(text),
  },
  'security.frameOptions': { kind: 'choice', default: 'off', choices: ['off', 'DENY', 'SAMEORIGIN'] },
  'security.referrerPolicy': {
    kind: 'choice',
    default: 'off',
    choices: [
      'off',
      'no-referrer',
      'no-referrer-when-downgrade',
      'same-origin',
      'origin',
      'strict-origin',
      'origin-when-cross-origin',
      'strict-origin-when-cross-origin',
      'unsafe-url',
    ],
  },
  'security.contentSecurityPolicy': { kind: 'text', default: 'off', says: A_POLICY, accepts: isFieldValue },
  'security.permissionsPolicy': { kind: 'text', default: 'off', says: A_POLICY, accepts: isFieldValue },
  'security.crossOriginOpenerPolicy': {
    kind: 'choice',
    default: 'off',
    choices: ['off', 'same-origin', 'same-origin-allow-popups', 'noopener-allow-popups'],
  },
  'security.crossOriginEmbedderPolicy': {
    kind: 'choice',
    default: 'off',
    choices: ['off', 'require-corp', 'credentialless'],
  },
  'security.crossOriginResourcePolicy': {
    kind: 'choice',
    default: 'off',
    choices: ['off', 'same-origin', 'same-site', 'cross-origin'],
  },
}

export const OPTION_PATHS = Object.keys(OPTION_TABLE) as OptionPath[]

/** What a value of this option must be, to follow "must be". */
export function describeValues(row: OptionRow): string {
  switch (row.kind) {
    case 'text':
    case 'texts':
    case 'textByKey':
    case 'pathRules':
      return row.says
    case 'choice':
      return `one of ${row.choices.join(', ')}`
    case 'boolean':
      return 'true or false'
    case 'listen':
      return "an address such as '127.0.0.1:8080' or 'unix:/run/site.sock', or a list of them"
    case 'certificates':
      return "a list such as [{ cert: 'b.pem', key: 'b.key' }]"
    case 'site':
      return 'as docs/routing.md has it'
    case 'integer': {
      const range = row.max === INFINITY ? `${row.min} upwards, or Infinity for no limit` : `${row.min} to ${row.max}`
      const word = row.word === undefined ? '' : `'${row.word}' or `
      const zero = row.orZero === true ? '0 or ' : ''
      return `${word}${zero}a whole number from ${range}`
    }
  }
}
