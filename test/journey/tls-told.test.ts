/** What the log tells of certificates: at a start and at a reload, once, however many workers are born and born again. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { makeCertificate } from '../../src/openssl/make-certificate.ts'
import { CONTROLLED, succeeds } from '../support/control.ts'
import { addFiles, type Server, startServer } from '../support/server.ts'
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
