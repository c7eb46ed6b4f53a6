import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CommandLine, parseCommandLine } from './command-line.ts'
import { OperatorError } from './operator-error.ts'

const NOTHING: CommandLine = {
  command: 'serve',
  target: null,
  names: [],
  flags: {},
  configFile: null,
  json: false,
  all: false,
  intervalMs: 1_000,
}

function parse(line: string): CommandLine | string {
  try {
    return parseCommandLine(line.split(' ').filter((word) => word !== ''))
  } catch (error) {
    assert.ok(error instanceof OperatorError)
    return error.message
  }
}

const UNDERSTOOD: readonly (readonly [line: string, Partial<CommandLine>])[] = [
  ['', {}],
  ['./public', { target: './public' }],
  ['./app.ts --port 9000', { target: './app.ts', flags: { port: 9000 } }],
  ['--port=9000 ./app.ts', { target: './app.ts', flags: { port: 9000 } }],
  ['--port 1 --port 2', { flags: { port: 2 } }],
  ['--workers auto', { flags: { workers: 'auto' } }],
  ['--workers 4', { flags: { workers: 4 } }],
  ['--access-log - --access-log-format json', { flags: { accessLog: '-', accessLogFormat: 'json' } }],
  ['--log-level debug --spawn exec', { flags: { logLevel: 'debug', spawn: 'exec' } }],
  ['--host :: --backlog 9', { flags: { host: '::', backlog: 9 } }],
  ['--config other.ts', { configFile: 'other.ts' }],
  ['-- --port', { target: '--port' }],
  ['check', { command: 'check' }],
  ['check ./app.ts --config c.mjs', { command: 'check', target: './app.ts', configFile: 'c.mjs' }],
  ['--port 80 check', { command: 'check', flags: { port: 80 } }],
  ['./check', { target: './check' }],
  ['./reload', { target: './reload' }],
  ['reload', { command: 'reload' }],
  ['stop', { command: 'stop' }],
  ['--pid-file a.pid quit', { command: 'quit', flags: { pidFile: 'a.pid' } }],
  ['status', { command: 'status' }],
  ['status --json', { command: 'status', json: true }],
  ['--json status --control a.sock', { command: 'status', json: true, flags: { control: 'a.sock' } }],
  ['top', { command: 'top' }],
  ['top --interval 0.1', { command: 'top', intervalMs: 100 }],
  ['--interval=5 top --pid-file a.pid', { command: 'top', intervalMs: 5_000, flags: { pidFile: 'a.pid' } }],
  ['top --interval .25', { command: 'top', intervalMs: 250 }],
  ['./top', { target: './top' }],
  ['trace', { command: 'trace' }],
  ['trace --port 8080 --json', { command: 'trace', flags: { port: 8080 }, json: true }],
  ['reload --config c.mjs', { command: 'reload', configFile: 'c.mjs' }],
  ['explain', { command: 'explain' }],
  ['--port 80 explain ./app.ts --all', { command: 'explain', target: './app.ts', flags: { port: 80 }, all: true }],
  ['./explain', { target: './explain' }],
  ['hash-password', { command: 'hash-password' }],
  ['./hash-password', { target: './hash-password' }],
  ['cert', { command: 'cert' }],
  ['cert localhost 127.0.0.1', { command: 'cert', names: ['localhost', '127.0.0.1'] }],
  ['--listen :80', { flags: { listen: [':80'] } }],
  ['--listen :80 ./public --listen=unix:a', { target: './public', flags: { listen: [':80', 'unix:a'] } }],
  ['--model fork --accept parent', { flags: { model: 'fork', accept: 'parent' } }],
  ['--user www-data --group 33', { flags: { user: 'www-data', group: '33' } }],
  ['--ready-path /-/ready --control off', { flags: { readyPath: '/-/ready', control: 'off' } }],
  ['--shutdown-delay 5000', { flags: { timeouts: { shutdownDelayMs: 5000 } } }],
  ['-h', { command: 'help' }],
  ['--help', { command: 'help' }],
  ['--bogus -h', { command: 'help' }],
  ['check --help', { command: 'help' }],
  ['-V', { command: 'version' }],
  ['--version', { command: 'version' }],
]

for (const [line, meaning] of UNDERSTOOD) {
  test(`prefork ${line}`, () => assert.deepEqual(parse(line), { ...NOTHING, ...meaning }))
}

const READY = "must be a path that begins with a slash and has no query, or 'off'"
const HASH_ALONE = 'prefork hash-password takes nothing beside it; it asks for the password, or reads it from stdin'
const WHICH = '--control, --pid-file or --config says which server is meant'

const INTERVAL = '--interval must be a number of seconds from 0.1 to 5, not ?'

const REFUSED: readonly (readonly [line: string, sentence: string])[] = [
  ['hash-password secret', HASH_ALONE],
  ['hash-password --port 80', HASH_ALONE],
  ['--hosts a', 'hosts has no flag; set it in prefork.config.ts'],
  ['--prot 80', 'unknown option --prot; did you mean --port?'],
  ['status --josn', 'unknown option --josn; did you mean --json?'],
  ['--verbose', 'unknown option --verbose; prefork --help lists them all'],
  ['-p 80', 'unknown option -p; prefork --help lists them all'],
  ['--cert a.pem', 'unknown option --cert; did you mean --tls-cert?'],
  ['--shutdown-delay-ms 9', 'unknown option --shutdown-delay-ms; did you mean --shutdown-delay?'],
  ['--ciphers HIGH', 'tls.ciphers has no flag; set it in prefork.config.ts'],
  ['--head-bytes 9', 'limits.headBytes has no flag; set it in prefork.config.ts'],
  ['--index x.html', 'static.index has no flag; set it in prefork.config.ts'],
  ['--target ./a', 'a target is given without a flag: prefork ./public'],
  ['--port', '--port needs a value: --port N'],
  ['--port --host ::', '--port needs a value: --port N'],
  ['--port=', '--port needs a value: --port N'],
  ['--config', '--config needs a value: --config FILE'],
  ['--port abc', "--port must be a whole number from 0 to 65535, not 'abc'"],
  ['--port -1', '--port must be a whole number from 0 to 65535, not -1'],
  ['--port=99999', '--port must be a whole number from 0 to 65535, not 99999'],
  ['--workers 0', "--workers must be 'auto' or a whole number from 1 to 1024, not 0"],
  ['--log-level loud', "--log-level must be one of error, warn, info, debug, not 'loud'"],
  ['./a ./b', "only one target can be served, but './a' and './b' were given; start prefork once for each"],
  ['./stop reload', "only one target can be served, but './stop' and 'reload' were given; start prefork once for each"],
  ['reload ./a', `prefork reload takes no target, but './a' was given; ${WHICH}`],
  ['status reload', `prefork status takes no target, but 'reload' was given; ${WHICH}`],
  ['stop --port 80', `--port means nothing to prefork stop; ${WHICH}`],
  ['status --shutdown-delay 5', `--shutdown-delay means nothing to prefork status; ${WHICH}`],
  [
    'reload --workers 8',
    '--workers means nothing to prefork reload; set it in the configuration file, which is read anew',
  ],
  ['--json', 'unknown option --json; it belongs to another command: prefork status --json, prefork trace --json'],
  [
    'reload --json',
    'unknown option --json; it belongs to another command: prefork status --json, prefork trace --json',
  ],
  ['status --json=yes', '--json takes no value; give it alone'],
  ['top ./a', `prefork top takes no target, but './a' was given; ${WHICH}`],
  ['top --port 80', `--port means nothing to prefork top; ${WHICH}`],
  ['top --json', 'unknown option --json; it belongs to another command: prefork status --json, prefork trace --json'],
  ['top --interval', '--interval needs a value: --interval SECONDS'],
  ['top --interval 0', INTERVAL.replace('?', "'0'")],
  ['top --interval 5.1', INTERVAL.replace('?', "'5.1'")],
  ['top --interval -1', INTERVAL.replace('?', "'-1'")],
  ['top --interval 1s', INTERVAL.replace('?', "'1s'")],
  ['status --interval 1', '--interval belongs to another command: prefork top --interval SECONDS'],
  ['--listen', '--listen needs a value: --listen ADDRESS'],
  ['--listen :80 --port 81', '--listen stands in place of --port; give one of the two'],
  ['--host ::1 --listen :80', '--listen stands in place of --host; give one of the two'],
  [
    '--listen :80 --listen ::1',
    "--listen: '::1' lacks brackets; an IPv6 address and its port are written '[::1]:8080'",
  ],
  ['--shutdown-delay soon', "--shutdown-delay must be a whole number from 0 to 86400000, not 'soon'"],
  ['--model threads', "--model must be one of event, prefork, fork, not 'threads'"],
  ['--ready-path ready', `--ready-path ${READY}, not 'ready'`],
  ['--ready-path /ready?now', `--ready-path ${READY}, not '/ready?now'`],
  ['--control @a', "--control must be the path of a socket, 'auto', or 'off', not '@a'"],
  ['--min-spare 3', 'pool.minSpare has no flag; set it in prefork.config.ts'],
  ['check a b', "only one target can be served, but 'a' and 'b' were given; start prefork once for each"],
]

for (const [line, sentence] of REFUSED) test(`prefork ${line}: ${sentence}`, () => assert.equal(parse(line), sentence))
