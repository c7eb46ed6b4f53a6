/**
 * Whoever is born while a generation serves shows the certificate that it began with, whatever has become of the files:
 * they are read at a start, at a reload, and at no birth between.
 */
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect } from 'node:tls'
import { makeCertificate } from '../../src/openssl/make-certificate.ts'
import { makeOcspResponse } from '../../src/openssl/ocsp.test.support.ts'
import { CONTROLLED, succeeds, tell } from '../support/control.ts'
import { openIn } from '../support/descriptors.ts'
import { RawClient, request } from '../support/raw.ts'
import { addFiles, type Server, startServer } from '../support/server.ts'
import { AUTHORITY, clientPair, connectTls } from '../support/tls.ts'
import { bearAnew, SPAWNS, workersReady } from '../support/tree.ts'

const make = () => makeCertificate({ commonName: 'localhost', days: 5, names: 'DNS:localhost', issuer: null })
const OURS = make()
const ANOTHER = make()

const filesOf = ({ certificate, key }: typeof OURS) => ({ 'cert.pem': certificate, 'key.pem': key })
const ENCRYPTED = createPrivateKey(OURS.key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
  .toString()
const OCSP = makeOcspResponse({ of: [OURS.certificate], issuer: OURS })

const serialOf = ({ certificate }: typeof OURS) => new X509Certificate(certificate).serialNumber

/** What may stand in the files when somebody is born. */
const MEANWHILE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'another certificate': filesOf(ANOTHER),
  rubbish: { 'cert.pem': 'rubbish', 'key.pem': 'rubbish' },
  'a certificate whose key is still to come': { 'cert.pem': ANOTHER.certificate },
}

/** With one worker; nothing but what is planned may be logged. */
async function start(t: TestContext, how: object, env: NodeJS.ProcessEnv = {}, more: object = {}): Promise<Server> {
  const config = { listen: '127.0.0.1:0', workers: 1, tls: { cert: './cert.pem', key: './key.pem' }, ...how }
  const server = await startServer(t, {
    args: [...CONTROLLED],
    anyPort: false,
    env,
    files: { ...filesOf(OURS), ...more, 'prefork.config.mjs': `export default ${JSON.stringify(config)}\n` },
    log: [/ info supervisor /],
  })
  if (!('model' in how)) await workersReady(server, 1)
  return server
}

/** The serial number of the certificate that a client is shown. */
async function shown(t: TestContext, server: Server): Promise<string> {
  const client = await connectTls(t, server.port, { rejectUnauthorized: false })
  client.send(request('GET /', 'Connection: close'))
  assert.equal((await client.response()).status, 200)
  const { serialNumber } = client.socket.getPeerCertificate()
  await client.ended()
  return serialNumber
}

/** Texts that the supervisor keeps: one for each generation that may bear somebody. */
const keptBy = ({ pid }: Server) => openIn(pid).filter((it) => it.startsWith('/memfd:prefork-tls-texts')).length

for (const spawn of SPAWNS) {
  for (const [what, files] of Object.entries(MEANWHILE)) {
    test(`by ${spawn}, with ${what} in the files: the certificate stays until a reload brings the new one`, async (t) => {
      const server = await start(t, { spawn })
      addFiles(server.cwd, files)
      await bearAnew(server)
      assert.equal(await shown(t, server), serialOf(OURS))
      addFiles(server.cwd, filesOf(ANOTHER))
      await succeeds(t, server, 'reload')
      assert.equal(await shown(t, server), serialOf(ANOTHER))
    })
  }

  test(`by ${spawn}, all that goes with a certificate stays as well, even if every file is gone`, async (t) => {
    const tls = { cert: './cert.pem', key: './key.pem', keyPassphraseFile: './passphrase', ocsp: './ocsp.der' }
    const files = {
      ...filesOf(OURS),
      'key.pem': ENCRYPTED,
      passphrase: 'secret',
      'ocsp.der': OCSP,
      'ca.pem': AUTHORITY,
    }
    const asked = { clientCertificates: 'required', clientCa: './ca.pem' }
    const server = await start(t, { spawn, tls: { ...tls, ...asked } }, {}, files)
    for (const file of Object.keys(files)) rmSync(join(server.cwd, file))
    await bearAnew(server)
    const options = { ...clientPair('alice'), rejectUnauthorized: false, requestOCSP: true }
    const socket = connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ...options })
    t.after(() => socket.destroy())
    const [[stapled]] = await Promise.all([once(socket, 'OCSPResponse'), once(socket, 'secureConnect')])
    assert.deepEqual(stapled, OCSP)
    const client = new RawClient(socket)
    client.send(request('GET /'))
    assert.equal((await client.response()).status, 200)
  })

  test(`by ${spawn}, a reload that fails changes nothing for those born later; one that succeeds begins anew`, async (t) => {
    const server = await start(t, { spawn })
    addFiles(server.cwd, MEANWHILE.rubbish)
    assert.equal((await tell(t, server, 'reload')).code, 1)
    server.expectLog(/holds no certificate in PEM/)
    await bearAnew(server)
    assert.equal(await shown(t, server), serialOf(OURS))
    addFiles(server.cwd, filesOf(ANOTHER))
    await succeeds(t, server, 'reload')
    addFiles(server.cwd, filesOf(OURS))
    await bearAnew(server)
    assert.equal(await shown(t, server), serialOf(ANOTHER))
    assert.equal(keptBy(server), 1)
  })

  test(`by ${spawn}, who is born after the certificate has expired serves as the others do`, async (t) => {
    // Whoever finds the file at its birth lives ten days later.
    const clock = `const { existsSync } = require('node:fs'), now = Date.now
      if (existsSync('later')) Date.now = () => now() + 864e6`
    const server = await start(t, { spawn }, { NODE_OPTIONS: '--require ./clock.cjs' }, { 'clock.cjs': clock })
    addFiles(server.cwd, { later: '' })
    await bearAnew(server)
    assert.equal(await shown(t, server), serialOf(OURS))
    assert.equal((await tell(t, server, 'reload')).code, 1)
    await server.waitForLog(/error supervisor .*: the reload failed: the certificate in \S+cert\.pem' has expired/)
    assert.equal(await shown(t, server), serialOf(OURS))
  })
}

test('where fork cannot be trusted, those who are started instead go on with what the preloader has read', async (t) => {
  const agent = "Object.defineProperty(process, 'pid', { value: process.pid, configurable: false })"
  const server = await start(t, {}, { NODE_OPTIONS: '--require ./agent.cjs' }, { 'agent.cjs': agent })
  await server.waitForLog(/fork cannot be trusted here: .*; starting workers by exec from now on$/)
  addFiles(server.cwd, MEANWHILE.rubbish)
  await bearAnew(server)
  assert.equal(await shown(t, server), serialOf(OURS))
})

test('in the model fork, the children of a later preloader show the same', async (t) => {
  const server = await start(t, { model: 'fork' })
  addFiles(server.cwd, MEANWHILE.rubbish)
  assert.equal(await shown(t, server), serialOf(OURS))
  await bearAnew(server)
  assert.equal(await shown(t, server), serialOf(OURS))
})

test('a successor reads the files for itself', async (t) => {
  const server = await start(t, { spawn: 'exec' })
  const { pid } = server
  addFiles(server.cwd, filesOf(ANOTHER))
  server.signal('SIGUSR2')
  await server.waitForLog(/the successor \(pid \d+\) serves; this server drains$/)
  await server.program.exited
  assert.notEqual(server.pid, pid)
  assert.equal(await shown(t, server), serialOf(ANOTHER))
  addFiles(server.cwd, filesOf(OURS))
  await bearAnew(server)
  assert.equal(await shown(t, server), serialOf(ANOTHER))
  assert.equal(keptBy(server), 1)
})
