import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { describeListen } from './address.ts'
import { parseCommandLine } from './command-line.ts'
import { type Environment, loadConfig, loadReach } from './load.ts'
import { describeOperatorError, OperatorError } from './operator-error.ts'
import type { Config } from './options.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** A directory of its own for each load, since Node loads a module of one name once. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-load-'))
  folders.push(folder)
  for (const [name, text] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    mkdirSync(join(folder, dirname(name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

function load(cwd: string, line = '', env: Environment = {}): Promise<Config> {
  return loadConfig(parseCommandLine(line.split(' ').filter(Boolean)), env, cwd)
}

async function sentence(cwd: string, line = '', env: Environment = {}): Promise<string> {
  const error = await load(cwd, line, env).then(
    () => assert.fail('it loaded'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof OperatorError, String(error))
  return describeOperatorError(error)
}

function portOf({ listen: [first] }: Config): number {
  assert.equal(first?.kind, 'tcp')
  return first.port
}

const STATIC_DEFAULTS = {
  index: ['index.html'],
  tryFiles: [],
  cleanUrls: false,
  listing: false,
  listingEntriesMax: 1000,
  errorPages: {},
  hidden: 'deny',
  symlinks: 'beneath',
  types: {},
  charset: 'utf-8',
  precompressed: true,
  compress: ['br', 'zstd', 'gzip'],
  compressMinBytes: 1024,
  compressionsMax: 16,
  cacheControl: [],
  hashedNames: 'off',
  cacheMs: 1000,
  cacheBytes: 16_777_216,
  cacheFileBytesMax: 1_048_576,
}

test('with nothing asked, the defaults', async () => {
  const config = await load(folderWith({}))
  assert.deepEqual(config, {
    target: { kind: 'hello' },
    listen: [{ kind: 'tcp', host: '127.0.0.1', family: 4, port: 8080, backlog: 511, isSecure: false }],
    isListenAsked: false,
    tls: null,
    workers: availableParallelism(),
    model: 'event',
    accept: 'shared',
    spawn: 'auto',
    logLevel: 'info',
    accessLog: 'off',
    accessLogFormat: 'combined',
    user: null,
    group: null,
    pidFile: null,
    control: 'auto',
    admin: null,
    readyPath: 'off',
    pool: { minSpare: 5, maxSpare: 10, maxWorkers: 256 },
    socket: { reuseAddress: true, noDelay: true, deferAcceptSeconds: 0, fastOpenQueue: 0, ipv6Only: true },
    recycle: { maxRequestsPerWorker: Number.MAX_SAFE_INTEGER, maxMemoryPerWorker: Number.MAX_SAFE_INTEGER },
    limits: {
      headBytes: 16_384,
      fieldCount: 100,
      targetBytes: 8192,
      bodyBytes: 134_217_728,
      bodyRateMin: 240,
      sendRateMin: 240,
      connectionsPerAddress: Number.MAX_SAFE_INTEGER,
      connectionsMax: 10_000,
    },
    timeouts: {
      headMs: 60_000,
      bodyMs: 60_000,
      idleMs: 75_000,
      writeMs: 60_000,
      stopMs: 7000,
      drainGraceMs: 5000,
      drainTimeoutMs: 300_000,
      shutdownDelayMs: 0,
      workerTimeoutMs: 0,
      bootMs: 30_000,
      lingerMs: 5000,
    },
    static: STATIC_DEFAULTS,
    security: {
      nosniff: true,
      hsts: 'off',
      frameOptions: 'off',
      referrerPolicy: 'off',
      contentSecurityPolicy: 'off',
      permissionsPolicy: 'off',
      crossOriginOpenerPolicy: 'off',
      crossOriginEmbedderPolicy: 'off',
      crossOriginResourcePolicy: 'off',
    },
    site: null,
    configFile: null,
  })
})

test('it is frozen to the bottom and survives JSON', async () => {
  const folder = folderWith({ 'prefork.config.js': 'export default { limits: { bodyBytes: Infinity } }' })
  const config = await load(folder)
  assert.ok(Object.isFrozen(config))
  for (const part of [config.target, config.listen, config.limits, config.timeouts, config.static]) {
    assert.ok(Object.isFrozen(part))
  }
  assert.equal(config.limits.bodyBytes, Number.MAX_SAFE_INTEGER)
  assert.deepEqual(JSON.parse(JSON.stringify(config)), config)
})

test('flags win over the file, the file over variables, those over defaults', async () => {
  const file = 'export default { port: 2, workers: 2, logLevel: undefined, limits: { fieldCount: 5 } }'
  const folder = folderWith({ 'prefork.config.js': file })
  const env = { HOST: '::1', PORT: '3', WEB_CONCURRENCY: '3' }
  const config = await load(folder, '--port 1', env)
  assert.deepEqual(config.listen, [{ kind: 'tcp', host: '::1', family: 6, port: 1, backlog: 511, isSecure: false }])
  assert.equal(config.workers, 2)
  assert.equal(config.logLevel, 'info')
  assert.equal(config.limits.fieldCount, 5)
  assert.equal(config.limits.headBytes, 16_384)
  assert.equal(config.configFile, join(folder, 'prefork.config.js'))
})

const LISTEN = "export default { listen: [':7', { port: 8 }, 'unix:run/a.sock'] }"
const LINES: readonly (readonly [title: string, line: string, env: Environment, file: string, addresses: string[]])[] =
  [
    ['a file may list addresses', '', {}, LISTEN, ['0.0.0.0:7', '127.0.0.1:8', 'unix:run/a.sock']],
    ['they outrank PORT', '', { PORT: '3' }, LISTEN, ['0.0.0.0:7', '127.0.0.1:8', 'unix:run/a.sock']],
    ['one that says no host has HOST', '', { HOST: '::1' }, LISTEN, ['0.0.0.0:7', '[::1]:8', 'unix:run/a.sock']],
    ['--port outranks them', '--port 1', {}, LISTEN, ['127.0.0.1:1']],
    ['--host outranks them, at the port of whoever is left', '--host ::1', { PORT: '3' }, LISTEN, ['[::1]:3']],
    ['--listen outranks them', '--listen :1 --listen :2', {}, LISTEN, ['0.0.0.0:1', '0.0.0.0:2']],
    ["--listen outranks a file's port", '--listen [::1]:1', {}, 'export default { port: 2 }', ['[::1]:1']],
    ['--listen outranks variables', '--listen :1', { HOST: '::1', PORT: '3' }, 'export default {}', ['0.0.0.0:1']],
  ]

for (const [title, line, env, file, addresses] of LINES) {
  test(`where to listen: ${title}`, async () => {
    const folder = folderWith({ 'prefork.config.js': file, 'run/x': '' })
    const config = await load(folder, line, env)
    assert.deepEqual(
      config.listen.map((listen) => describeListen(listen).replace(`${folder}/`, '')),
      addresses,
    )
    assert.equal(config.isListenAsked, true)
  })
}

test('whoever says where to listen has asked for it', async () => {
  const asks = async (line: string, env: Environment, file: string) =>
    (await load(folderWith({ 'prefork.config.js': `export default ${file}` }), line, env)).isListenAsked
  assert.equal(await asks('--port 8080', {}, '{}'), true)
  assert.equal(await asks('', { HOST: '127.0.0.1' }, '{}'), true)
  assert.equal(await asks('', {}, '{ host: "127.0.0.1" }'), true)
  assert.equal(await asks('--backlog 9', { PORT: '' }, '{ workers: 2 }'), false)
})

test('in the model fork the parent accepts, and in prefork no more workers are counted than the pool holds', async () => {
  assert.equal((await load(folderWith({}), '--model fork')).accept, 'parent')
  const file = { 'prefork.config.js': "export default { model: 'prefork', pool: { maxWorkers: 1 } }" }
  assert.equal((await load(folderWith(file))).workers, 1)
})

test('pid file and control socket are relative to whoever named them', async () => {
  const file = "export default { pidFile: 'a.pid', control: './a.sock' }"
  const folder = folderWith({ 'site/c.mjs': file })
  const config = await load(folder, '--config site/c.mjs')
  assert.deepEqual([config.pidFile, config.control], [join(folder, 'site/a.pid'), join(folder, 'site/a.sock')])
  const flagged = await load(folder, '--config site/c.mjs --pid-file b.pid --control off')
  assert.deepEqual([flagged.pidFile, flagged.control], [join(folder, 'b.pid'), 'off'])
})

test('an empty variable counts as unset', async () => {
  const config = await load(folderWith({}), '', { HOST: '', PORT: '', WEB_CONCURRENCY: '' })
  assert.equal(portOf(config), 8080)
})

for (const extension of ['ts', 'mts', 'js', 'mjs']) {
  test(`prefork.config.${extension} is found`, async () => {
    const folder = folderWith({ [`prefork.config.${extension}`]: 'export default { port: 9 }' })
    assert.equal(portOf(await load(folder)), 9)
  })
}

test('a configuration may take its time', async () => {
  const folder = folderWith({ 'prefork.config.ts': 'export default Promise.resolve({ port: 9 as number })' })
  assert.equal(portOf(await load(folder)), 9)
})

test('--config names another file; paths in it are relative to it, those in flags to the current directory', async () => {
  const text = "export default { target: './public', accessLog: 'access.log' }"
  const folder = folderWith({ 'site/my.config.ts': text, 'site/public/index.html': '', 'app.mts': '' })
  const config = await load(folder, '--config site/my.config.ts')
  assert.deepEqual(config.target, { kind: 'directory', root: join(folder, 'site/public') })
  assert.equal(config.accessLog, join(folder, 'site/access.log'))

  const flagged = await load(folder, './app.mts --config site/my.config.ts --access-log a.log')
  assert.deepEqual(flagged.target, { kind: 'app', file: join(folder, 'app.mts') })
  assert.equal(flagged.accessLog, join(folder, 'a.log'))
})

test('a symlink keeps its name, so a reload sees where it leads by then', async () => {
  const folder = folderWith({ 'v1/index.html': '' })
  symlinkSync('v1', join(folder, 'current'))
  assert.deepEqual((await load(folder, 'current')).target, { kind: 'directory', root: join(folder, 'current') })
})

const FILES = { 'public/index.html': '', 'app.ts': '', 'notes.txt': '', 'app.tsx': '' }
const TARGET_REMEDY = 'give a directory, an app module (.ts, .mts, .js or .mjs), or nothing'
const NEITHER = 'is neither a directory nor an app module (.ts, .mts, .js or .mjs); give the path of one'

const REFUSED: readonly (readonly [line: string, env: Environment, message: string])[] = [
  ['./pubic', {}, "target './pubic' does not exist; did you mean 'public'?"],
  ['relaod', {}, "target 'relaod' does not exist; did you mean 'prefork reload'?"],
  ['stauts --port 0', {}, "target 'stauts' does not exist; did you mean 'prefork status'?"],
  ['help', {}, "target 'help' does not exist; did you mean 'prefork --help'?"],
  ['publci', {}, "target 'publci' does not exist; did you mean 'public'?"],
  ['./relaod', {}, `target './relaod' does not exist; ${TARGET_REMEDY}`],
  ['./nothing-like-it', {}, `target './nothing-like-it' does not exist; ${TARGET_REMEDY}`],
  ['./no/such/place', {}, `target './no/such/place' does not exist; ${TARGET_REMEDY}`],
  ['./app.ts/inner', {}, `target './app.ts/inner' does not exist; ${TARGET_REMEDY}`],
  ['./notes.txt', {}, `target './notes.txt' ${NEITHER}`],
  ['./app.tsx', {}, `target './app.tsx' ${NEITHER}`],
  ['/dev/null', {}, `target '/dev/null' ${NEITHER}`],
  ['', { PORT: 'http' }, "PORT in the environment must be a whole number from 0 to 65535, not 'http'"],
  ['', { PORT: '70000' }, 'PORT in the environment must be a whole number from 0 to 65535, not 70000'],
  ['--port 1', { PORT: 'http' }, "PORT in the environment must be a whole number from 0 to 65535, not 'http'"],
  [
    '',
    { WEB_CONCURRENCY: '0' },
    "WEB_CONCURRENCY in the environment must be 'auto' or a whole number from 1 to 1024, not 0",
  ],
  ['', { HOST: '*' }, "HOST in the environment is '*': to listen on every address, give 0.0.0.0 (IPv4) or :: (IPv6)"],
  ['--config no.ts', {}, "--config is 'no.ts', which does not exist; give the path of a configuration file"],
  ['--access-log public', {}, "--access-log is 'public', which is a directory; give the path of a file in it"],
  ['--access-log x/a.log', {}, "--access-log is 'x/a.log', whose directory does not exist; create it first"],
  ['--pid-file public', {}, "--pid-file is 'public', which is a directory; give the path of a file in it"],
  ['--pid-file x/a.pid', {}, "--pid-file is 'x/a.pid', whose directory does not exist; create it first"],
  ['--control x/a.sock', {}, "--control is 'x/a.sock', whose directory does not exist; create it first"],
  ['--control app.ts/a', {}, "--control is 'app.ts/a', whose directory does not exist; create it first"],
  ['--control public', {}, "--control is 'public', which is there and is no socket; choose another path"],
  ['--control app.ts', {}, "--control is 'app.ts', which is there and is no socket; choose another path"],
  [
    `--control /tmp/${'x'.repeat(103)}`,
    {},
    `--control is '/tmp/${'x'.repeat(74)}…, 108 bytes long in full, and a socket's path has 107 at most; choose a shorter one`,
  ],
  [
    '--model fork --spawn exec',
    {},
    "--model is 'fork', which needs fork(2), but --spawn is 'exec'; leave spawn out, or choose another model",
  ],
  ['--access-log app.ts/a', {}, "--access-log is 'app.ts/a', whose directory does not exist; create it first"],
]

for (const [line, env, message] of REFUSED) {
  test(`refused: ${message}`, async () => assert.equal(await sentence(folderWith(FILES), line, env), message))
}

const WRITE = "write: export default defineConfig({ port: 8080 }), with defineConfig imported from 'prefork'"

const REFUSED_FILES: readonly (readonly [source: string, message: string])[] = [
  ['export default { prot: 1 }', "prot in prefork.config.ts is not an option; did you mean 'port'?"],
  ['export default { port: "x" }', "port in prefork.config.ts must be a whole number from 0 to 65535, not 'x'"],
  ["export default { target: 'relaod' }", `target in prefork.config.ts 'relaod' does not exist; ${TARGET_REMEDY}`],
  ["export default { target: './x' }", `target in prefork.config.ts './x' does not exist; ${TARGET_REMEDY}`],
  [
    "export default { host: 'a:1' }",
    "host in prefork.config.ts is 'a:1': give the host alone, and its port with --port",
  ],
  [
    "export default { listen: ':80', port: 80 }",
    'listen in prefork.config.ts stands in place of port in prefork.config.ts; give one of the two',
  ],
  ['export const port: number = 1', `prefork.config.ts exports no options; ${WRITE}`],
  ['export default () => ({})', `prefork.config.ts exports no options; ${WRITE}`],
  ['export default []', `prefork.config.ts exports no options; ${WRITE}`],
]

for (const [source, message] of REFUSED_FILES) {
  test(`refused: ${message}`, async () => {
    assert.equal(await sentence(folderWith({ 'prefork.config.ts': source })), message)
  })
}

const REACHED: readonly (readonly [line: string, control: string, pidFile: string | null])[] = [
  ['stop', 'FOLDER/run/a.sock', 'FOLDER/a.pid'],
  ['stop --config other.mjs', 'auto', 'FOLDER/b.pid'],
  ['stop --control off --config other.mjs', 'off', 'FOLDER/b.pid'],
  ['stop --control b.sock', 'FOLDER/b.sock', null],
  ['stop --pid-file no/such/place', 'auto', 'FOLDER/no/such/place'],
]

// Nothing else in the file can hold: no target is there, nobody can run as such a user, no directory is for the socket.
const GONE = "export default { target: './gone', user: 'nobody-at-all', control: 'run/a.sock', pidFile: 'a.pid' }"

for (const [line, control, pidFile] of REACHED) {
  test(`prefork ${line}: no more is looked at than where the server is reached`, async () => {
    const folder = folderWith({ 'prefork.config.mjs': GONE, 'other.mjs': "export default { pidFile: 'b.pid' }" })
    const place = (text: string | null) => text?.replace('FOLDER', folder) ?? null
    const reach = await loadReach(parseCommandLine(line.split(' ')), folder)
    assert.deepEqual(reach, { control: place(control), pidFile: place(pidFile), fault: null })
  })
}

test('a flag that says where the server is spares the file that is merely there', async () => {
  const folder = folderWith({ 'prefork.config.mjs': 'throw new Error()' })
  const reach = (line: string) => loadReach(parseCommandLine(line.split(' ')), folder)
  const said = await reach('status --pid-file a.pid')
  assert.deepEqual([said.pidFile, said.fault], [join(folder, 'a.pid'), null])
})

test('a broken configuration keeps nobody from a running server', async () => {
  const folder = folderWith({
    'prefork.config.mjs': '// cache-control, and so on\nexport default { workers: 1, port: }',
    'x.mjs': 'export default 1',
  })
  const reach = (line: string) => loadReach(parseCommandLine(line.split(' ')), folder)
  for (const line of ['status', 'stop --config x.mjs', 'stop --config x.mjs --control auto']) {
    const { control, pidFile, fault } = await reach(line)
    assert.deepEqual([control, pidFile], ['auto', null])
    assert.match(fault!.message, /^(prefork\.config|x)\.mjs /)
  }
  await assert.rejects(reach('stop --config none.mjs'), /^OperatorError: --config is 'none\.mjs', which does not exist/)
})

test('unless it seems to say which one is meant: another may be running', async () => {
  for (const option of ['control', 'pidFile']) {
    const folder = folderWith({ 'prefork.config.mjs': `export default { ${option}: './a', port: }` })
    const reach = (line: string) => loadReach(parseCommandLine(line.split(' ')), folder)
    const says =
      /^OperatorError: prefork\.config\.mjs could not be loaded: .*:1\)\. Say with --control or --pid-file which/
    await assert.rejects(reach('stop'), says)
    assert.equal((await reach('stop --config prefork.config.mjs --pid-file b')).pidFile, join(folder, 'b'))
  }
})

test('two configuration files are one too many', async () => {
  const folder = folderWith({ 'prefork.config.ts': 'export default {}', 'prefork.config.mjs': 'export default {}' })
  const message = 'prefork.config.ts and prefork.config.mjs are both here; remove one, or choose with --config'
  assert.equal(await sentence(folder), message)
  assert.equal((await load(folder, '--config prefork.config.mjs')).configFile, join(folder, 'prefork.config.mjs'))
})

test('a file that throws has its own error shown beneath our sentence', async () => {
  const folder = folderWith({ 'prefork.config.ts': "const why: string = 'boom'\nthrow new RangeError(why)" })
  const text = await sentence(folder)
  assert.match(text, /^prefork\.config\.ts could not be loaded; its own error follows\nRangeError: boom\n {4}at /)
  assert.ok(text.includes(join(folder, 'prefork.config.ts')), text)
})

test('a file that cannot be parsed is one sentence: file, line and error', async () => {
  for (const name of ['prefork.config.ts', 'prefork.config.mjs']) {
    const folder = folderWith({ [name]: 'export default {\n  workers: 1\n  port: 8080\n}' })
    const text = await sentence(folder)
    const place = `(${join(folder, name)}:3)`
    assert.ok(text.startsWith(`${name} could not be loaded: SyntaxError: `) && text.endsWith(place), text)
    assert.equal(text.split('\n').length, 1)
  }
})
