/** Certificates and session tickets over the life of a server: reloads, an upgrade, and what is wrong with a file. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { makeCertificate } from '../../src/openssl/make-certificate.ts'
import { CONTROLLED, tell } from '../support/control.ts'
import { startProgram, waitUntil } from '../support/program.ts'
import { connect, request } from '../support/raw.ts'
import { addFiles, PREFORK, runPrefork, type Server, startServer } from '../support/server.ts'
import { connectTls, overTls } from '../support/tls.ts'
import { workersReady } from '../support/tree.ts'

const INFO = / info supervisor /
const HTTPS = { listen: '127.0.0.1:0', tls: { cert: './cert.pem', key: './key.pem' } }

/** What it says beside HTTPS. */
const configFile = (more: object) => ({
  'prefork.config.mjs': `export default ${JSON.stringify({ ...HTTPS, ...more })}\n`,
})

async function start(t: TestContext, workers: number, more: object = {}): Promise<Server> {
  const { files } = overTls()
  const server = await startServer(t, {
    args: ['--workers', String(workers), ...CONTROLLED],
    files: { ...files, ...configFile(more) },
    anyPort: false,
    log: [INFO, / error | warn /],
  })
  await workersReady(server, workers)
  return server
}

/** A request of its own; whether its session was resumed, the session to resume, and the certificate. */
async function visit(t: TestContext, server: Server, session?: Buffer) {
  const client = await connectTls(t, server.port, { rejectUnauthorized: false, ...(session && { session }) })
  const sessions: Buffer[] = []
  client.socket.on('session', (it: Buffer) => sessions.push(it))
  client.send(request('GET /', 'Connection: close'))
  assert.equal((await client.response()).status, 200)
  const isResumed = client.socket.isSessionReused()
  const { serialNumber } = client.socket.getPeerCertificate()
  await client.ended()
  client.leave()
  return { isResumed, session: sessions.at(-1), serialNumber }
}

const serialOf = (pem: string) => new X509Certificate(pem).serialNumber

test('a session goes on at any worker, after a reload, and after an upgrade', async (t) => {
  const server = await start(t, 3)
  const { session } = await visit(t, server)
  for (let i = 0; i < 6; i++) assert.equal((await visit(t, server, session)).isResumed, true)
  assert.equal((await tell(t, server, 'reload')).code, 0)
  assert.equal((await visit(t, server, session)).isResumed, true, 'after a reload')
  server.signal('SIGUSR2')
  await server.waitForLog(/the successor \(pid \d+\) serves; this server drains$/)
  await server.program.exited
  assert.equal((await visit(t, server, session)).isResumed, true, 'after an upgrade')
})

test('a reload brings the new certificate, and loses no request; one that is broken keeps the old', async (t) => {
  const server = await start(t, 2)
  const before = (await visit(t, server)).serialNumber
  const renewed = makeCertificate({ commonName: 'localhost', days: 9, names: 'DNS:localhost', issuer: null })
  addFiles(server.cwd, { 'cert.pem': renewed.certificate, 'key.pem': renewed.key })
  let isOver = false
  let visits = 0
  const visiting = (async () => {
    for (; !isOver; visits++) await visit(t, server)
  })()
  await waitUntil(() => visits > 3, 'clients come')
  assert.equal((await tell(t, server, 'reload')).code, 0)
  const after = visits
  await waitUntil(() => visits > after + 3, 'clients come still')
  isOver = true
  await visiting
  assert.notEqual(before, serialOf(renewed.certificate))
  assert.equal((await visit(t, server)).serialNumber, serialOf(renewed.certificate))

  const twice = configFile({ tls: { ...HTTPS.tls, certificates: [HTTPS.tls] } })
  for (const [file, text, why] of [
    ['cert.pem', 'nothing', /holds no certificate in PEM/],
    ['key.pem', makeCertificate({ commonName: 'x', days: 1, names: 'DNS:x', issuer: null }).key, /is not the key of/],
    [
      'cert.pem',
      makeCertificate({ commonName: 'x', days: -1, names: 'DNS:x', issuer: null }).certificate,
      /has expired/,
    ],
    ['prefork.config.mjs', twice['prefork.config.mjs'], /the certificates in \S+cert\.pem' and \S+cert\.pem' are for/],
  ] as const) {
    addFiles(server.cwd, { 'cert.pem': renewed.certificate, 'key.pem': renewed.key, [file]: text })
    const { code, stderr } = await tell(t, server, 'reload')
    assert.equal(code, 1)
    assert.match(stderr.join('\n'), why)
    assert.equal((await visit(t, server)).serialNumber, serialOf(renewed.certificate), 'the old one is shown')
    // Beforehand, too, and before a word about the address, which this very server has.
    const check = startProgram(t, [PREFORK, 'check', '--listen', `127.0.0.1:${server.port}`], { cwd: server.cwd })
    assert.equal((await check.exited).code, 1)
    assert.match(check.stderr.join('\n'), why)
  }
})

const other = makeCertificate({ commonName: 'x', days: 1, names: 'DNS:x', issuer: null })

for (const spawn of ['fork', 'exec']) {
  for (const [tls, what] of [
    [{ key: './other.pem' }, "the key in \\S+other\\.pem' is not the key of the certificate in \\S+cert\\.pem'"],
    [{ certificates: [HTTPS.tls] }, "the certificates in \\S+cert\\.pem' and \\S+cert\\.pem' are for the same names"],
  ] as const) {
    test(`by ${spawn}, what is wrong with a file is said at a start, and by check: ${what}`, async (t) => {
      const { files } = overTls({ files: { 'other.pem': other.key } })
      for (const command of [[], ['check']]) {
        const { code, stderr } = await runPrefork(t, {
          args: command,
          files: { ...files, ...configFile({ spawn, tls: { ...HTTPS.tls, ...tls } }) },
        })
        assert.equal(code, 1)
        assert.match(stderr.join('\n'), new RegExp(`prefork: ${what}`))
      }
    })
  }
}

test('who stalls in the handshake meets the deadline of a head', async (t) => {
  const server = await start(t, 1, { timeouts: { headMs: 300, idleMs: 300 } })
  const client = await connect(t, server.port)
  client.send(Buffer.from([22, 3, 1, 2, 0, 1]))
  assert.equal(await client.ended(), 'fin')
})
