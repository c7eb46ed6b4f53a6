/** Which listeners speak TLS: as it is told in the log and by `prefork status`, and from one configuration to the next. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { makeCertificate } from '../../src/openssl/make-certificate.ts'
import { CONTROLLED, statusOf, succeeds } from '../support/control.ts'
import { addFiles, type Server, startServer } from '../support/server.ts'

const { certificate, key } = makeCertificate({ commonName: 'a', days: 1, names: 'DNS:localhost', issuer: null })
const PAIR = { 'a.pem': certificate, 'a.key': key }
const SECURED = ['--tls-cert', 'a.pem', '--tls-key', 'a.key', '--workers', '1', ...CONTROLLED]

/** Of each listener: its address, and whether it speaks TLS. */
async function listenersOf(t: TestContext, server: Server): Promise<[string, boolean][]> {
  return (await statusOf(t, server)).listeners.map(({ address, isSecure }) => [address, isSecure])
}

for (const way of [[], ['--accept', 'parent'], ['--model', 'fork'], ['--spawn', 'exec']]) {
  test(`every listener speaks TLS, unless it is written with http:// (${way.join(' ') || 'the default model'})`, async (t) => {
    const listen = ['127.0.0.1:0', 'http://127.0.0.1:0', 'http://unix:a.sock', 'https://unix:b.sock']
    const args = [...SECURED, ...way, ...listen.flatMap((it) => ['--listen', it])]
    const server = await startServer(t, { args, files: PAIR, anyPort: false })
    const listeners = await listenersOf(t, server)
    assert.deepEqual(
      listeners.map(([, isSecure]) => isSecure),
      [true, false, false, true],
    )
    assert.deepEqual(
      await server.program.waitForLines(/^Server listening on /, 4),
      listeners.map(([address, isSecure]) => `Server listening on ${isSecure ? 'https://' : ''}${address}`),
    )
    const said = listeners.map(([address, isSecure]) => `${address}: ${isSecure ? 'TLS, ' : ''}backlog 511 asked, `)
    for (const words of said)
      await server.waitForLog(new RegExp(`info supervisor .*: ${words.replaceAll(/[.[\]]/g, '\\$&')}`))
  })
}

const fileOf = (config: object) => ({ 'prefork.config.mjs': `export default ${JSON.stringify(config)}` })

test('a reload may begin TLS at an address, and end it; the address stays as it is', async (t) => {
  const [plain, secured] = [
    { listen: '127.0.0.1:0', workers: 1 },
    { listen: '127.0.0.1:0', workers: 1, tls: { cert: 'a.pem', key: 'a.key' } },
  ]
  const files = { ...PAIR, ...fileOf(plain) }
  const server = await startServer(t, { files, args: CONTROLLED, anyPort: false, log: [/ info supervisor /] })
  assert.deepEqual(await listenersOf(t, server), [[server.authority, false]])
  for (const [config, isSecure] of [
    [secured, true],
    [plain, false],
  ] as const) {
    addFiles(server.cwd, fileOf(config))
    await succeeds(t, server, 'reload')
    assert.deepEqual(await listenersOf(t, server), [[server.authority, isSecure]])
  }
})
