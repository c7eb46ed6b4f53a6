/** What is told of certificates: at a start and at a reload, once, however many workers are born and born again; and by check. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { makeCertificate } from '../../src/openssl/make-certificate.ts'
import { makeOcspResponse } from '../../src/openssl/ocsp.test.support.ts'
import { CONTROLLED, succeeds } from '../support/control.ts'
import { addFiles, folderOf, PREFORK, runPrefork, type Server, startServer } from '../support/server.ts'
import { overTls, serverFiles } from '../support/tls.ts'
import { bearAnew, SPAWNS, workersReady } from '../support/tree.ts'

const TLS = { cert: './cert.pem', key: './key.pem', certificates: [{ cert: './b.pem', key: './b.key' }] }

/** Of a server with two certificates. */
async function start(t: TestContext, how: object): Promise<Server> {
  return startServer(t, {
    args: [...CONTROLLED],
    anyPort: false,
    files: {
      ...overTls().files,
      ...serverFiles('b', 'DNS:b.test', 'rsa'),
      'prefork.config.mjs': `export default ${JSON.stringify({ listen: '127.0.0.1:0', tls: TLS, ...how })}`,
    },
    log: [/ info supervisor /],
  })
}

/** The lines about certificates, from level and speaker on, without pid, day and folder. */
function told({ program, cwd }: Server): string[] {
  return program.stderr
    .filter((line) => line.includes(': TLS: '))
    .map((line) => line.replace(/^\S+ /, '').replaceAll(`${cwd}/`, ''))
    .map((line) => line.replace(/ \(pid \d+\)/, '').replace(/until \d{4}-\d\d-\d\d/, 'until then'))
}

const shown = (speaker: string, first = 'localhost, 127.0.0.1') => [
  `info ${speaker}: TLS: ${first} (ECDSA), until then: cert.pem`,
  `info ${speaker}: TLS: b.test (RSA), until then: b.pem`,
]

for (const [how, speaker] of [
  ...SPAWNS.map((spawn) => [{ spawn }, { fork: 'preloader', exec: 'worker 0' }[spawn]] as const),
  [{ model: 'fork' }, 'preloader'],
] as const) {
  test(`${JSON.stringify(how)}: which certificates are shown is told once at the start, and once at a reload`, async (t) => {
    const model = 'model' in how
    const server = await start(t, { ...how, ...(!model && { workers: 3 }) })
    if (!model) await workersReady(server, 3)
    assert.deepEqual(told(server), shown(speaker))
    const renewed = makeCertificate({ commonName: 'a', days: 9, names: 'DNS:new.test', issuer: null })
    addFiles(server.cwd, { 'cert.pem': renewed.certificate, 'key.pem': renewed.key })
    await succeeds(t, server, 'reload')
    if (!model) await workersReady(server, 3)
    assert.deepEqual(told(server), [...shown(speaker), ...shown(speaker, 'new.test')])
  })

  test(`${JSON.stringify(how)}: who is born later tells nothing`, async (t) => {
    const server = await start(t, { ...how, ...(!('model' in how) && { workers: 1 }) })
    if (!('model' in how)) await workersReady(server, 1)
    await bearAnew(server)
    assert.deepEqual(told(server), shown(speaker))
  })
}

const root = makeCertificate({ commonName: 'Root', days: 9, names: null, issuer: null })
const stranger = makeCertificate({ commonName: 'Stranger', days: 9, names: null, issuer: null })
const leaf = makeCertificate({ commonName: 'a', days: 5, names: 'DNS:localhost', issuer: root })

/** Works, until a client looks. */
const SHAKY = {
  'cert.pem': leaf.certificate + stranger.certificate,
  'key.pem': leaf.key,
  'ocsp.der': makeOcspResponse({ of: [leaf.certificate], issuer: root, verdict: 'revoked' }),
}
const MENDED = {
  ...SHAKY,
  'cert.pem': leaf.certificate + root.certificate,
  'ocsp.der': makeOcspResponse({ of: [leaf.certificate], issuer: root }),
}
const WARNINGS = [
  /the certificate in '\S+cert\.pem' \('CN=a'\) was not issued by the one behind it, which is 'CN=Stranger', /,
  /the OCSP response in '\S+ocsp\.der' says that the certificate in '\S+cert\.pem' \('CN=a'\) is revoked since /,
]
const CONFIG = { listen: '127.0.0.1:0', workers: 2, tls: { cert: './cert.pem', key: './key.pem', ocsp: './ocsp.der' } }
const configured = (more: object) => ({
  'prefork.config.mjs': `export default ${JSON.stringify({ ...CONFIG, ...more })}`,
})

for (const spawn of SPAWNS) {
  test(`by ${spawn}: what will fail for clients is warned of, once at the start and once at each reload that finds it`, async (t) => {
    const server = await startServer(t, {
      args: [...CONTROLLED],
      anyPort: false,
      files: { ...MENDED, ...configured({ spawn }) },
      log: [/ info supervisor /],
    })
    await workersReady(server, 2)
    const warnings = () => server.program.stderr.filter((line) => line.includes(' warn ') && !line.includes(' as root'))
    assert.deepEqual(warnings(), [])
    for (const count of [1, 2]) {
      addFiles(server.cwd, SHAKY)
      server.expectLog(...WARNINGS)
      await succeeds(t, server, 'reload')
      await workersReady(server, 2)
      assert.equal(warnings().length, 2 * count)
      for (const pattern of WARNINGS) assert.equal(warnings().filter((line) => pattern.test(line)).length, count)
    }
    addFiles(server.cwd, MENDED)
    await succeeds(t, server, 'reload')
    assert.equal(warnings().length, 4)
  })
}

test('check warns, and finds that the server would start', async (t) => {
  const { code, stdout, stderr } = await runPrefork(t, { args: ['check'], files: { ...SHAKY, ...configured({}) } })
  assert.equal(code, 0)
  assert.equal(stdout.at(-1), 'prefork would start, with 2 warnings.')
  assert.equal(stderr.length, 2)
  for (const [i, pattern] of WARNINGS.entries())
    assert.match(stderr[i]!, new RegExp(`^prefork: warning: ${pattern.source}`))
  const mended = await runPrefork(t, { args: ['check'], files: { ...MENDED, ...configured({}) } })
  assert.deepEqual(mended.stderr, [])
  assert.equal(mended.stdout.at(-1), 'All is well: prefork would start.')
})

test('what is warned of comes before the address that is taken', async (t) => {
  const server = await startServer(t, {
    anyPort: false,
    files: { ...SHAKY, ...configured({}) },
    log: [/ info supervisor /, ...WARNINGS],
  })
  // To one that would be reached elsewhere, this server is a stranger.
  const args = ['check', '--listen', `127.0.0.1:${server.port}`, '--control', 'another']
  const { code, stderr } = await runPrefork(t, { args, cwd: server.cwd })
  assert.equal(code, 1)
  assert.equal(stderr.length, 3)
  assert.match(stderr[2]!, /^prefork: cannot listen on /)
})

/** A folder mounted on itself, which nobody can write to, for one command. */
const READ_ONLY = [
  '--mount',
  'sh',
  '-c',
  'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && exec "$@"',
  'sh',
]
const cannotMount = spawnSync('unshare', [...READ_ONLY, 'true'], { cwd: import.meta.dirname }).status !== 0

test('a key that is mounted read-only may be read by anybody, as secrets of containers are', {
  skip: cannotMount && 'nothing can be mounted here',
}, (t) => {
  const folder = folderOf(t)
  addFiles(folder, overTls().files)
  chmodSync(folder, 0o755)
  chmodSync(join(folder, 'key.pem'), 0o644)
  const command = [process.execPath, PREFORK, 'check', '--port', '0', '--tls-cert', 'cert.pem', '--tls-key', 'key.pem']
  const warningsOf = ([program, ...args]: string[]) => {
    const { status, stderr } = spawnSync(program!, args, { cwd: folder, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    return stderr.split('\n').filter((line) => line.includes('warning'))
  }
  assert.match(warningsOf(command).join(), /^prefork: warning: anybody on this machine may read /)
  assert.deepEqual(warningsOf(['unshare', ...READ_ONLY, ...command]), [])
})
