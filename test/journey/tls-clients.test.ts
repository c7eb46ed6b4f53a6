/** Clients with certificates of their own: who is let in, and what an app is told of them. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { journey } from '../support/journey.ts'
import { type RawClient, request } from '../support/raw.ts'
import { startServer } from '../support/server.ts'
import { clientPair, connectTls, overTls } from '../support/tls.ts'

const APP = `
export default (request, { tls }) => {
  const { clientCertificate } = tls
  if (clientCertificate === null) return new Response('nobody')
  const { subject, issuer, fingerprint256, subjectAltName } = clientCertificate
  const pem = clientCertificate.toString()
  return Response.json({ subject, issuer, fingerprint256, subjectAltName, pem, isResumed: tls.isResumed })
}
`

const alice = clientPair('alice')
/** Vouched for by nobody but himself. */
const stranger = clientPair('stranger', null)

const CLIENT_CA = { clientCa: './ca.pem' }

async function asked(client: RawClient): Promise<string> {
  client.send(request('GET /'))
  return (await client.response()).body.toString()
}

/** Refused: by TLS 1.3 only once the client thinks that the handshake is over. */
async function isRefused(t: TestContext, port: number, options: object): Promise<void> {
  const answer = connectTls(t, port, options).then(asked)
  await assert.rejects(answer)
}

journey(
  'clients that may show a certificate',
  { app: APP, ...overTls({ tls: { clientCertificates: 'optional', ...CLIENT_CA } }) },
  {
    'the app is told who has shown one': async (t, server) => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const client = await connectTls(t, server.port, { ...alice, maxVersion })
        const { fingerprint256 } = new X509Certificate(alice.cert)
        const told = JSON.parse(await asked(client))
        assert.deepEqual(told, {
          ...{ subject: 'CN=alice', issuer: 'CN=Test Authority', subjectAltName: 'DNS:alice.test' },
          ...{ fingerprint256, pem: alice.cert, isResumed: false },
        })
        assert.equal(await asked(client), JSON.stringify(told))
      }
    },

    'and that one has not': async (t, server) => assert.equal(await asked(await connectTls(t, server.port)), 'nobody'),

    'one that nobody vouches for is refused': async (t, server) => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        await isRefused(t, server.port, { ...stranger, maxVersion })
      }
    },

    'who comes back with a ticket is still who he was': async (t, server) => {
      const first = await connectTls(t, server.port, alice)
      const session = new Promise<Buffer>((resolve) => first.socket.once('session', resolve))
      await asked(first)
      const again = await connectTls(t, server.port, { session: await session })
      const { subject, isResumed } = JSON.parse(await asked(again))
      assert.deepEqual([subject, isResumed], ['CN=alice', true])
    },
  },
)

test('where a certificate is required nobody comes in without', async (t) => {
  const { files, anyPort, config } = overTls({
    tls: { clientCertificates: 'required', ...CLIENT_CA },
    config: { workers: 1, target: './app.mjs', accessLog: 'access.log', accessLogFormat: 'json' },
  })
  const server = await startServer(t, {
    anyPort,
    files: { ...files, 'app.mjs': APP, 'prefork.config.mjs': `export default ${JSON.stringify(config)}\n` },
  })
  await isRefused(t, server.port, {})
  await isRefused(t, server.port, stranger)
  assert.match(await asked(await connectTls(t, server.port, alice)), /CN=alice/)
  assert.match(await asked(await connectTls(t, server.port, { ...alice, maxVersion: 'TLSv1.2' })), /CN=alice/)
  await server.stop()
  const lines = readFileSync(join(server.cwd, 'access.log'), 'utf8').trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).tls),
    ['TLSv1.3', 'TLSv1.2'],
  )
})
