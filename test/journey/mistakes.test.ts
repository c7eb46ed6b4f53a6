/**
 * Every mistake of an operator's: one sentence that names the option and the
 * remedy, exit code 1, no stack but the app's own, and nothing left running.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { bindTo, LOOPBACK } from '../support/address.ts'
import { type CommandOptions, folderOf, type Outcome, PREFORK, runPrefork } from '../support/server.ts'

const APP = "export default { fetch: () => new Response('app') }"
const FILES = { 'public/index.html': 'files', 'app.mjs': APP }

type Mistake = CommandOptions & { readonly says: string | RegExp }

const INTEGER = (name: string, from: number, to: number, not: string) =>
  `${name} must be a whole number from ${from} to ${to}, not ${not}`
const WORKERS = (name: string, not: string) => `${name} must be 'auto' or a whole number from 1 to 1024, not ${not}`
const config = (text: string) => ({ 'c.mjs': text })

const MISTAKES: Readonly<Record<string, Mistake>> = {
  'an unknown option': { args: ['--prot', '1'], says: 'unknown option --prot; did you mean --port?' },
  'a far from known option': {
    args: ['--frobnicate'],
    says: 'unknown option --frobnicate; prefork --help lists them all',
  },
  'a short option': { args: ['-p', '1'], says: 'unknown option -p; prefork --help lists them all' },
  'an option that only the file has': {
    args: ['--head-bytes', '1'],
    says: 'limits.headBytes has no flag; set it in prefork.config.ts',
  },
  'a port that is no number': { args: ['--port', 'http'], says: INTEGER('--port', 0, 65_535, "'http'") },
  'a port too large': { args: ['--port', '65536'], says: INTEGER('--port', 0, 65_535, '65536') },
  'a negative port': { args: ['--port', '-1'], says: INTEGER('--port', 0, 65_535, '-1') },
  'a port without a value': { args: ['--port'], says: '--port needs a value: --port N' },
  'a port followed by an option': { args: ['--port', '--workers', '2'], says: '--port needs a value: --port N' },
  'no workers': { args: ['--workers', '0'], says: WORKERS('--workers', '0') },
  'half a worker': { args: ['--workers', '1.5'], says: WORKERS('--workers', "'1.5'") },
  'too many workers': { args: ['--workers', '1025'], says: WORKERS('--workers', '1025') },
  'no backlog': { args: ['--backlog', '0'], says: INTEGER('--backlog', 1, 65_535, '0') },
  'an unknown log level': {
    args: ['--log-level', 'loud'],
    says: "--log-level must be one of error, warn, info, debug, not 'loud'",
  },
  'an unknown way to spawn': {
    args: ['--spawn', 'vfork'],
    says: "--spawn must be one of auto, fork, exec, not 'vfork'",
  },
  'a bad PORT': { env: { PORT: 'x' }, says: INTEGER('PORT in the environment', 0, 65_535, "'x'") },
  'a bad WEB_CONCURRENCY': {
    env: { WEB_CONCURRENCY: 'all' },
    says: WORKERS('WEB_CONCURRENCY in the environment', "'all'"),
  },
  'a HOST with a port': {
    env: { HOST: 'localhost:80' },
    says: "HOST in the environment is 'localhost:80': give the host alone, and its port with --port",
  },
  'a star for a host': {
    args: ['--host', '*'],
    says: "--host is '*': to listen on every address, give 0.0.0.0 (IPv4) or :: (IPv6)",
  },
  'a URL for a host': {
    args: ['--host', 'http://localhost'],
    says: "--host is 'http://localhost': give a host without scheme or path, such as 127.0.0.1",
  },
  'a host that is none': {
    args: ['--host', 'no-such-host.invalid'],
    says: /^--host is 'no-such-host\.invalid', which has no address \(E\w+\); give an IP address, or a name this machine can look up$/,
  },
  'a port alone for an address': {
    args: ['--listen', '8080'],
    says: "--listen: '8080' is a port alone; write ':8080' for every IPv4 address, or '127.0.0.1:8080' for this machine only",
  },
  'an address beside a port': {
    args: ['--listen', ':18090', '--port', '18091'],
    says: '--listen stands in place of --port; give one of the two',
  },
  'one address twice': {
    args: ['--listen', '127.0.0.1:18090', '--listen', 'localhost:18090'],
    says: '--listen has 127.0.0.1:18090 twice; remove one of them',
  },
  'a Unix socket in no directory': {
    args: ['--listen', 'unix:run/a.sock'],
    says: "--listen: the path of 'unix:run/a.sock' is 'run/a.sock', whose directory does not exist; create it first",
  },
  'an unknown key of an address': {
    files: config("export default { listen: { port: 18090, hots: '::1' } }"),
    args: ['--config', 'c.mjs'],
    says: "listen in c.mjs: { port: 18090, hots: '::1' } has an unknown key 'hots'; did you mean 'host'?",
  },
  'a mode that is not octal': {
    files: config("export default { listen: { path: 'a.sock', mode: 660 } }"),
    args: ['--config', 'c.mjs'],
    says: "listen in c.mjs: mode of { path: 'a.sock', mode: 660 } must be a number from 0o0 to 0o777, in octal, such as 0o660, not 660",
  },
  "somebody else's address": {
    args: ['--host', '192.0.2.1', '--port', '18090'],
    says: 'cannot listen on 192.0.2.1:18090: this machine has no such address. Choose one of its own with --host',
  },
  'more workers than the pool holds': {
    files: config("export default { model: 'prefork', pool: { maxWorkers: 10 } }"),
    args: ['--config', 'c.mjs', '--workers', '11'],
    says: '--workers is 11, more than pool.maxWorkers in c.mjs, which is 10; lower the one or raise the other',
  },
  'a fork for each connection, without fork': {
    args: ['--model', 'fork', '--spawn', 'exec'],
    says: "--model is 'fork', which needs fork(2), but --spawn is 'exec'; leave spawn out, or choose another model",
  },
  'a switch that is no boolean': {
    files: config("export default { socket: { noDelay: 'off' } }"),
    args: ['--config', 'c.mjs'],
    says: "socket.noDelay in c.mjs must be true or false, not 'off'",
  },
  'a pid file in no directory': {
    args: ['--pid-file', 'run/a.pid'],
    says: "--pid-file is 'run/a.pid', whose directory does not exist; create it first",
  },
  'a file for a control socket': {
    args: ['--control', 'app.mjs'],
    says: "--control is 'app.mjs', which is there and is no socket; choose another path",
  },
  'a target for a running server': {
    args: ['reload', 'public'],
    says:
      "prefork reload takes no target, but 'public' was given; " +
      '--control, --pid-file or --config says which server is meant',
  },
  '--json where nothing is told': {
    args: ['reload', '--json'],
    says: 'unknown option --json; it belongs to another command: prefork status --json, prefork trace --json',
  },
  'two targets': {
    args: ['public', 'app.mjs'],
    says: "only one target can be served, but 'public' and 'app.mjs' were given; start prefork once for each",
  },
  'a target after --target': {
    args: ['--target', 'public'],
    says: 'a target is given without a flag: prefork ./public',
  },
  'a missing directory': {
    args: ['sites'],
    says: "target 'sites' does not exist; give a directory, an app module (.ts, .mts, .js or .mjs), or nothing",
  },
  'a mistyped directory': { args: ['pulbic'], says: "target 'pulbic' does not exist; did you mean 'public'?" },
  'a file that is no app': {
    args: ['public/index.html'],
    says: "target 'public/index.html' is neither a directory nor an app module (.ts, .mts, .js or .mjs); give the path of one",
  },
  'an access log in no directory': {
    args: ['--access-log', 'logs/a.log'],
    says: "--access-log is 'logs/a.log', whose directory does not exist; create it first",
  },
  'a directory for an access log': {
    args: ['--access-log', 'public'],
    says: "--access-log is 'public', which is a directory; give the path of a file in it",
  },
  'a missing configuration file': {
    args: ['--config', 'c.mjs'],
    says: "--config is 'c.mjs', which does not exist; give the path of a configuration file",
  },
  'a configuration file that is no module': {
    files: { 'c.json': '{ "port": 0 }' },
    args: ['--config', 'c.json'],
    says:
      "--config is 'c.json', which is no module; " +
      'a configuration file is .ts, .mts, .js or .mjs and exports its options: export default {…}',
  },
  'a directory for a configuration file': {
    args: ['--config', 'public'],
    says: "--config is 'public', which is a directory; give the path of a configuration file",
  },
  'two configuration files': {
    files: { 'prefork.config.mjs': 'export default {}', 'prefork.config.ts': 'export default {}' },
    says: 'prefork.config.ts and prefork.config.mjs are both here; remove one, or choose with --config',
  },
  'an unknown key in the file': {
    files: config('export default { prot: 1 }'),
    args: ['--config', 'c.mjs'],
    says: "prot in c.mjs is not an option; did you mean 'port'?",
  },
  'a key outside its section': {
    files: config('export default { headBytes: 1000 }'),
    args: ['--config', 'c.mjs'],
    says: "headBytes in c.mjs is not an option; did you mean 'limits.headBytes'?",
  },
  'a bad value in the file': {
    files: config("export default { port: '80' }"),
    args: ['--config', 'c.mjs'],
    says: INTEGER('port in c.mjs', 0, 65_535, "'80'"),
  },
  'a bad limit in the file': {
    files: config('export default { limits: { headBytes: 1 } }'),
    args: ['--config', 'c.mjs'],
    says: INTEGER('limits.headBytes in c.mjs', 256, 1_048_576, '1'),
  },
  'a missing target in the file': {
    files: config("export default { target: './nowhere' }"),
    args: ['--config', 'c.mjs'],
    says: /^target in c\.mjs '\.\/nowhere' does not exist; /,
  },
  'a file that exports nothing': {
    files: config('export const port = 1'),
    args: ['--config', 'c.mjs'],
    says:
      'c.mjs exports no options; write: export default defineConfig({ port: 8080 }), ' +
      "with defineConfig imported from 'prefork'",
  },
}

for (const [title, { says, ...options }] of Object.entries(MISTAKES)) {
  test(`${title} is refused with a sentence`, async (t) => {
    const args = options.args ?? []
    refused(await runPrefork(t, { ...options, args, files: { ...FILES, ...options.files } }), says)
  })
}

for (const [command, first] of [
  ['prefork', []],
  // By a name that no server has: it would ask the one that somebody else may be running, or tell that there are several.
  ['prefork check', ['check', '--control', 'none.sock']],
] as const) {
  test(`${command}: a taken port is refused with a sentence`, async (t) => {
    const { port } = await bindTo(t, LOOPBACK, 0)
    const outcome = await runPrefork(t, { args: [...first, '--host', LOOPBACK, '--port', String(port)] })
    refused(
      outcome,
      `cannot listen on ${LOOPBACK}:${port}: the port is taken. ` +
        `Choose another with --port, or see who has it: ss -ltnp 'sport = :${port}'`,
    )
  })

  const OF_THE_MACHINE: readonly (readonly [option: string, value: string, says: string])[] = [
    ['--user', 'nosuchuser', "--user is 'nosuchuser', and there is no such user; getent passwd lists them"],
    ['--group', 'nosuchgroup', "--group is 'nosuchgroup', and there is no such group; getent group lists them"],
    [
      '--listen',
      'fd:web',
      'cannot listen on fd:web: no socket of that name was passed to prefork; no sockets were passed at all. ' +
        'See FileDescriptorName= in the socket unit, and docs/operating.md#systemd',
    ],
  ]
  for (const [option, value, says] of OF_THE_MACHINE) {
    test(`${command}: ${option} ${value} is refused with a sentence`, async (t) => {
      refused(await runPrefork(t, { args: [...first, option, value] }), says)
    })
  }

  for (const spawn of ['fork', 'exec']) {
    const run = (t: TestContext, app: string) =>
      runPrefork(t, { args: [...first, '--port', '0', '--spawn', spawn, 'a.mjs'], files: { 'a.mjs': app } })

    test(`${command} --spawn ${spawn}: an app that throws while loading is shown with its own error, once`, async (t) => {
      const outcome = await run(t, "function start() {\n  throw new TypeError('boom')\n}\nstart()\n")
      const [sentence, error, ...stack] = failed(outcome)
      assert.match(sentence!, /^prefork: the app \/.*\/a\.mjs failed while loading; its own error follows$/)
      assert.equal(error, 'TypeError: boom')
      assert.match(stack[0]!, /^ {4}at start \(file:.*\/a\.mjs:2:9\)$/)
      for (const line of stack) assert.match(line, /^ {4}at .*\/a\.mjs:\d+:\d+\)?$/)
    })

    test(`${command} --spawn ${spawn}: of an app that cannot be parsed, the file and line are shown`, async (t) => {
      const lines = failed(await run(t, 'export default {\n  fetch() { return new Response("a" },\n}\n'))
      assert.match(lines[0]!, /^prefork: the app \/.*\/a\.mjs failed while loading; its own error follows$/)
      assert.match(lines[1]!, /^\/.*\/a\.mjs:2$/)
      assert.ok(lines.includes('SyntaxError: missing ) after argument list'), lines.join('\n'))
    })

    test(`${command} --spawn ${spawn}: a module that is no app is refused with a sentence`, async (t) => {
      refused(
        await run(t, 'export default { handle() {} }'),
        /^\/.*\/a\.mjs is not an app: its default export has no method 'fetch': \{ handle: .* \}\. Export one, for example: export default \{ fetch\(request\) \{ return new Response\('hello'\) \} \}$/,
      )
    })
  }
}

test('a configuration file that throws is shown with its own error, and the place in it alone', async (t) => {
  const options = { files: config("throw new RangeError('no')"), args: ['--config', 'c.mjs'] }
  const [sentence, error, place, ...rest] = failed(await runPrefork(t, options))
  assert.equal(sentence, 'prefork: c.mjs could not be loaded; its own error follows')
  assert.equal(error, 'RangeError: no')
  assert.match(place!, /^ {4}at file:.*\/c\.mjs:1:7$/)
  assert.deepEqual(rest, [])
})

for (const command of ['serve', 'check']) {
  test(`${command}: of a configuration file that cannot be parsed, file and line are in the sentence`, async (t) => {
    const args = [...(command === 'check' ? ['check'] : []), '--config', 'c.mjs']
    const outcome = await runPrefork(t, { args, files: config('export default {\n  port: 0\n  workers: 1\n}\n') })
    refused(outcome, /^c\.mjs could not be loaded: SyntaxError: Unexpected identifier 'workers' \(\/.*\/c\.mjs:3\)$/)
  })
}

test("a configuration file that requires 'prefork' where it is not installed", async (t) => {
  const files = { 'c.cjs': "module.exports = require('prefork').defineConfig({})" }
  refused(
    await runPrefork(t, { files, args: ['--config', 'c.cjs'] }),
    "c.cjs requires 'prefork', which is not installed beside it; export a plain object instead, " +
      "or run 'npm install prefork' there",
  )
})

// ── what only others than root meet ──────────────────────────────────────────

const NOBODY = 65_534
const asNobody =
  process.getuid?.() === 0
    ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', process.execPath]
    : [process.execPath]
const cannotBeNobody =
  spawnSync(asNobody[0]!, [...asNobody.slice(1), PREFORK, '--version']).status !== 0 &&
  'another user cannot run this node here (or setpriv is missing)'
const firstFreePort = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))

const UNPRIVILEGED: Readonly<Record<string, Mistake>> = {
  'an unreadable directory': {
    args: ['secret'],
    says: "target 'secret' cannot be read: permission denied; check its mode and owner",
  },
  'an unreadable app': {
    args: ['secret.mjs'],
    says: "target 'secret.mjs' cannot be read: permission denied; check its mode and owner",
  },
  'an unreadable configuration file': {
    args: ['--config', 'secret.mjs'],
    says: "--config is 'secret.mjs', which cannot be read: permission denied; check its mode and owner",
  },
  'an access log that may not be written': {
    args: ['--access-log', 'secret/a.log'],
    says:
      "--access-log is 'secret/a.log', which may not be written: permission denied; " +
      'check the mode and owner of it and its directory',
  },
}

for (const [title, { says, args }] of Object.entries(UNPRIVILEGED)) {
  test(`${title} is refused with a sentence`, { skip: cannotBeNobody }, async (t) => {
    const cwd = folderOf(t, { 'secret/index.html': '', 'secret.mjs': APP })
    chmodSync(cwd, 0o755)
    for (const name of ['secret', 'secret.mjs']) chmodSync(`${cwd}/${name}`, 0)
    refused(await runPrefork(t, { cwd, args: args!, command: [...asNobody, PREFORK] }), says)
  })
}

test('a privileged port is refused with a sentence', { skip: cannotBeNobody }, async (t) => {
  if (firstFreePort <= 80) return t.skip('port 80 is free to all here (net.ipv4.ip_unprivileged_port_start)')
  const cwd = folderOf(t)
  chmodSync(cwd, 0o755)
  refused(
    await runPrefork(t, { cwd, args: ['--host', LOOPBACK, '--port', '80'], command: [...asNobody, PREFORK] }),
    `cannot listen on ${LOOPBACK}:80: permission denied. Ports under 1024 need CAP_NET_BIND_SERVICE; ` +
      'choose a higher one with --port, or see docs/operating.md#ports',
  )
})

/** One sentence on stderr, nothing on stdout, exit code 1. That nothing is left running `runPrefork` has seen to. */
function refused(outcome: Outcome, says: string | RegExp): void {
  const lines = failed(outcome)
  assert.equal(lines.length, 1, lines.join('\n'))
  const sentence = lines[0]!.replace(/^prefork: /, '')
  if (typeof says === 'string') assert.equal(sentence, says)
  else assert.match(sentence, says)
}

/** What stderr says. */
function failed({ code, signal, stdout, stderr }: Outcome): string[] {
  assert.deepEqual({ code, signal, stdout }, { code: 1, signal: null, stdout: [] }, stderr.join('\n'))
  assert.match(stderr[0] ?? '', /^prefork: /)
  return stderr
}
