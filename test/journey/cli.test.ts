/**
 * The command line as its operator meets it: help, check, what is really bound,
 * in the order in which one outranks the other.
 */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { availableParallelism, networkInterfaces } from 'node:os'
import { type TestContext, test } from 'node:test'
import { makeCertificate } from '../../src/openssl/make-certificate.ts'
import { bindTo, canBind, LOOPBACK } from '../support/address.ts'
import { waitUntil } from '../support/program.ts'
import { runPrefork, startServer } from '../support/server.ts'

const APP = "export default { fetch: () => new Response('app') }"
const FILES = { 'public/index.html': 'files', 'app.mjs': APP }

// ── help and version ─────────────────────────────────────────────────────────

for (const args of [['--help'], ['-h'], ['--nonsense', '--help']]) {
  test(`${args.join(' ')} shows examples first, within 80 columns`, async (t) => {
    const { code, stdout, stderr } = await runPrefork(t, { args })
    assert.deepEqual({ code, stderr }, { code: 0, stderr: [] })
    assert.equal(stdout[0], 'Examples')
    assert.deepEqual(
      stdout.filter((line) => line.length > 80),
      [],
    )
    for (const flag of [
      '--host',
      '--port',
      '--listen',
      '--workers',
      '--model',
      '--config',
      '--access-log',
      '--control',
    ]) {
      assert.ok(
        stdout.some((line) => line.includes(`${flag} `)),
        flag,
      )
    }
  })
}

for (const flag of ['--version', '-V']) {
  test(`${flag} says which this is`, async (t) => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    const { code, stdout, stderr } = await runPrefork(t, { args: [flag] })
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: [`prefork ${version}`], stderr: [] })
  })
}

// ── check ────────────────────────────────────────────────────────────────────

const WELL = 'All is well: prefork would start.'

for (const [what, target] of [
  ['a directory', 'public'],
  ['an app', 'app.mjs'],
] as const) {
  test(`check of ${what} says what would happen, and leaves nothing listening`, async (t) => {
    const args = ['check', target, '--host', LOOPBACK, '--port', '18080', '--workers', '3', '--backlog', '17']
    const { code, stdout, stderr } = await runPrefork(t, { args, files: FILES })
    assert.deepEqual({ code, stderr, last: stdout.at(-1) }, { code: 0, stderr: [], last: WELL })
    const said = stdout.join('\n')
    for (const fact of [target, `${LOOPBACK}:18080, backlog 17`, 'workers        3']) {
      assert.ok(said.includes(fact), `${fact} is missing in\n${said}`)
    }
    await bindTo(t, LOOPBACK, 18_080)
  })
}

test('check without a target tells of the Hello, World! page', async (t) => {
  const { code, stdout } = await runPrefork(t, { args: ['check', '--port', '0'] })
  assert.equal(code, 0)
  assert.ok(stdout.includes('target         a Hello, World! page'), stdout.join('\n'))
})

test('check reads the configuration file, and says which', async (t) => {
  const files = { ...FILES, 'etc/x.config.mjs': "export default { target: '../public', port: 0, workers: 5 }" }
  const { code, stdout } = await runPrefork(t, { args: ['check', '--config', 'etc/x.config.mjs'], files })
  assert.equal(code, 0)
  assert.match(stdout.join('\n'), /^configuration .*\/etc\/x\.config\.mjs\ntarget .*\/public\n.*\nworkers +5,/)
})

test('check tells of all addresses, of the pool, and of what the operator works with', async (t) => {
  const files = {
    ...FILES,
    'c.mjs': `export default {
      listen: ['${LOOPBACK}:0', { host: '${LOOPBACK}', port: 18085, backlog: 3 }],
      model: 'prefork', workers: 6, pool: { maxWorkers: 20 },
      pidFile: 'a.pid', control: 'a.sock', readyPath: '/-/ready',
    }`,
  }
  const { code, stdout, stderr } = await runPrefork(t, { args: ['check', '--config', 'c.mjs'], files })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: [] })
  const [cwd] = /(?<=^configuration {2}).*(?=\/c\.mjs$)/.exec(stdout[0]!) ?? []
  assert.deepEqual(stdout.slice(1), [
    'target         a Hello, World! page',
    `address        ${LOOPBACK}:0, backlog 511`,
    `address        ${LOOPBACK}:18085, backlog 3`,
    'workers        6 to begin with, 20 at most, forked where that can be trusted',
    'model          prefork, accept shared',
    'run as         whoever starts it',
    'access log     off',
    `control        ${cwd}/a.sock`,
    `pid file       ${cwd}/a.pid`,
    'ready path     /-/ready',
    WELL,
  ])
})

test('check tells who speaks TLS, with which certificates', async (t) => {
  const [a, b] = ['a.test', 'b.test'].map((commonName) =>
    makeCertificate({ commonName, days: 1, names: `DNS:${commonName}`, issuer: null }),
  )
  const files = {
    ...{ 'a.pem': a!.certificate, 'a.key': a!.key, 'b.pem': b!.certificate, 'b.key': b!.key },
    'c.mjs': `export default {
      listen: ['${LOOPBACK}:0', 'http://${LOOPBACK}:18086'],
      tls: {
        cert: 'a.pem', key: 'a.key', certificates: [{ cert: './b.pem', key: './b.key' }],
        clientCertificates: 'required', clientCa: 'a.pem', redirect: true,
      },
    }`,
  }
  const { code, stdout, stderr } = await runPrefork(t, { args: ['check', '--config', 'c.mjs'], files })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: [] })
  const [cwd] = /(?<=^configuration {2}).*(?=\/c\.mjs$)/.exec(stdout[0]!) ?? []
  const until = new Date(new X509Certificate(a!.certificate).validTo).toISOString().slice(0, 10)
  assert.deepEqual(stdout.slice(2, 9), [
    `address        ${LOOPBACK}:0, TLS, backlog 511`,
    `address        ${LOOPBACK}:18086, backlog 511`,
    'TLS            TLSv1.2 and newer, a new key for tickets every 8 hours',
    `               a.test (ECDSA), until ${until}: ${cwd}/a.pem with ${cwd}/a.key`,
    `               b.test (ECDSA), until ${until}: ${cwd}/b.pem with ${cwd}/b.key`,
    `               certificates of clients required, of ${cwd}/a.pem`,
    '               listeners without TLS redirect to the first port with TLS',
  ])
})

test('cert tells what is wrong with its authority in one sentence', async (t) => {
  const kept = 'home/.local/share/prefork'
  const { code, stdout, stderr } = await runPrefork(t, {
    args: ['cert'],
    env: { HOME: 'home', XDG_DATA_HOME: '' },
    files: { [`${kept}/ca.pem`]: 'half a cert', [`${kept}/ca-key.pem`]: '' },
  })
  const sentence = `prefork: ${kept}/ca.pem holds no certificate in PEM, or a damaged one; mend it, or move`
  assert.deepEqual([code, stdout, stderr.length, stderr[0]!.slice(0, sentence.length)], [1, [], 1, sentence])
})

test('a directory named like a command is a target when it is written with its path', async (t) => {
  const { code, stdout } = await runPrefork(t, { args: ['check', './reload'], files: { 'reload/index.html': 'files' } })
  assert.equal(code, 0)
  assert.match(stdout.join('\n'), /\ntarget +files under \/.*\/reload\n/)
})

// ── what is really bound ─────────────────────────────────────────────────────

interface Sources {
  readonly flags?: readonly string[]
  readonly file?: string
  readonly env?: NodeJS.ProcessEnv
}

function startWith(t: TestContext, { flags = [], file, env }: Sources) {
  const files = file === undefined ? FILES : { ...FILES, 'prefork.config.mjs': `export default ${file}` }
  return startServer(t, { files, env: env ?? {}, args: flags, anyPort: false })
}

const ENV = { HOST: LOOPBACK, PORT: '18081', WEB_CONCURRENCY: '2' }
const FILE = "{ port: 18082, workers: 3, target: 'public' }"
const FLAGS = ['--port', '18083', '--workers', '1', 'app.mjs']

const PRECEDENCE: readonly (readonly [string, Sources, string, number, string])[] = [
  ['variables outrank defaults', { env: ENV }, `${LOOPBACK}:18081`, 2, 'Hello, World!'],
  ['the file outranks variables', { env: ENV, file: FILE }, `${LOOPBACK}:18082`, 3, 'files'],
  ['flags outrank the file', { env: ENV, file: FILE, flags: FLAGS }, `${LOOPBACK}:18083`, 1, 'app'],
  [
    'an empty variable is none',
    { env: { ...ENV, PORT: '' }, file: '{ port: 18084 }' },
    `${LOOPBACK}:18084`,
    2,
    'Hello, World!',
  ],
]

for (const [title, sources, authority, workers, answer] of PRECEDENCE) {
  test(title, async (t) => {
    const server = await startWith(t, sources)
    assert.equal(server.authority, authority)
    await waitUntil(() => server.workers().length === workers, `${workers} workers are there`)
    assert.equal(await (await fetch(server.url)).text(), answer)
  })
}

test('the default address is 127.0.0.1, with a worker for each core', async (t) => {
  const server = await startWith(t, { flags: ['--port', '0'] })
  assert.match(server.authority, /^127\.0\.0\.1:\d+$/)
  const workers = availableParallelism()
  await waitUntil(() => server.workers().length === workers, `${workers} workers are there`)
})

test('the default port is 8080', async (t) => {
  if (!(await canBind(LOOPBACK, 8080))) return t.skip('something else has port 8080')
  const server = await startWith(t, { flags: ['--host', LOOPBACK] })
  assert.equal(server.authority, `${LOOPBACK}:8080`)
})

test('--host localhost is the same on every machine', async (t) => {
  const server = await startWith(t, { flags: ['--host', 'localhost', '--port', '0'] })
  assert.match(server.authority, /^127\.0\.0\.1:\d+$/)
  assert.equal((await fetch(server.url)).status, 200)
})

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))

for (const host of ['::1', '[::1]']) {
  test(`--host ${host}`, { skip: !hasIPv6 && 'this machine has no ::1' }, async (t) => {
    const server = await startWith(t, { flags: ['--host', host, '--port', '0'] })
    assert.match(server.authority, /^\[::1\]:\d+$/)
    assert.equal((await fetch(server.url)).status, 200)
  })
}

test('--port 0 gives two servers two ports', async (t) => {
  const [one, two] = await Promise.all([startServer(t), startServer(t)])
  assert.notEqual(one.port, two.port)
})

test("a TypeScript file beside it is the server's configuration", async (t) => {
  const config = 'interface A { workers: number }\nconst a: A = { workers: 2 }\nexport default a'
  const server = await startServer(t, { files: { 'prefork.config.ts': config } })
  await waitUntil(() => server.workers().length === 2, '2 workers are there')
})
