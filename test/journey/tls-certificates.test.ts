/** Several certificates, as the configuration file names them: which one a client is shown, and what is sent along with it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { journey } from '../support/journey.ts'
import { RawClient, request } from '../support/raw.ts'
import { AUTHORITY, ocspFor, overTls, serverFiles } from '../support/tls.ts'

const APP = 'export default (request, { tls }) => Response.json(tls.serverName)'

const NAMES = 'DNS:localhost,IP:127.0.0.1'
const FILES = {
  ...serverFiles('rsa', NAMES, 'rsa'),
  ...serverFiles('wildcard', 'DNS:*.example.test'),
  ...serverFiles('exact', 'DNS:www.example.test,DNS:example.test'),
}
const OF_ECDSA = ocspFor(overTls().files['cert.pem'])
const [OF_RSA, OF_WILDCARD] = [ocspFor(FILES['rsa.pem']!), ocspFor(FILES['wildcard.pem']!)]

const certificate = (name: string, ocsp?: string) => ({ cert: `./${name}.pem`, key: `./${name}.key`, ocsp })

/** The default one has a key of ECDSA, and is of localhost. */
const SITE = overTls({
  tls: {
    ocsp: './ecdsa.der',
    certificates: [certificate('rsa', './rsa.der'), certificate('wildcard', './wildcard.der'), certificate('exact')],
  },
  files: { ...FILES, 'ecdsa.der': OF_ECDSA, 'rsa.der': OF_RSA, 'wildcard.der': OF_WILDCARD },
})

/** What a client is shown that asks for OCSP; and the name that the app was told of. */
async function visit(t: TestContext, port: number, options: ConnectionOptions) {
  const asks = { port, host: '127.0.0.1', servername: 'localhost', ca: AUTHORITY, requestOCSP: true, ...options }
  const socket = connect(asks as ConnectionOptions)
  t.after(() => socket.destroy())
  const [[stapled]] = await Promise.all([once(socket, 'OCSPResponse'), once(socket, 'secureConnect')])
  const { subject } = socket.getPeerCertificate()
  const client = new RawClient(socket)
  client.send(request('GET /', 'Connection: close'))
  const serverName: string | null = JSON.parse((await client.response()).body.toString())
  return { shown: subject.CN, stapled: stapled as Buffer | null, serverName }
}

/** Which kind of certificate a client takes, by version. */
const TAKES = {
  'TLSv1.2': { ecdsa: { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, rsa: { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } },
  'TLSv1.3': { ecdsa: { sigalgs: 'ecdsa_secp256r1_sha256' }, rsa: { sigalgs: 'rsa_pss_rsae_sha256' } },
} as const

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only = { minVersion: version, maxVersion: version }
  // The default certificate is for none of the names that no other has.
  const unverified = { ...only, rejectUnauthorized: false }

  journey(
    `several certificates, by ${version}`,
    { app: APP, ...SITE },
    {
      'the one for the name that is asked for, exactly': async (t, { port }) => {
        for (const servername of ['www.example.test', 'example.test', 'WWW.Example.test']) {
          const seen = await visit(t, port, { ...only, servername })
          assert.deepEqual(seen, { shown: 'exact', stapled: null, serverName: servername })
        }
      },

      'the one with a wildcard for it, and what its authority says of it': async (t, { port }) => {
        const servername = 'api.example.test'
        const seen = await visit(t, port, { ...only, servername })
        assert.deepEqual(seen, { shown: 'wildcard', stapled: OF_WILDCARD, serverName: servername })
      },

      'the default one, for another name and for none': async (t, { port }) => {
        for (const servername of ['a.api.example.test', 'elsewhere.test', '']) {
          const seen = await visit(t, port, { ...unverified, servername })
          assert.deepEqual(seen, { shown: 'localhost', stapled: OF_ECDSA, serverName: servername || null })
        }
      },

      'ECDSA or RSA, whichever the client takes, each with what its authority says of it': async (t, { port }) => {
        const { ecdsa, rsa } = TAKES[version]
        const byEcdsa = await visit(t, port, { ...only, ...ecdsa })
        assert.deepEqual(byEcdsa, { shown: 'localhost', stapled: OF_ECDSA, serverName: 'localhost' })
        const byRsa = await visit(t, port, { ...only, ...rsa })
        assert.deepEqual(byRsa, { shown: 'rsa', stapled: OF_RSA, serverName: 'localhost' })
        const unnamed = await visit(t, port, { ...unverified, ...rsa, servername: '' })
        assert.deepEqual(unnamed, { shown: 'rsa', stapled: OF_RSA, serverName: null })
        await assert.rejects(visit(t, port, { ...only, ...rsa, servername: 'www.example.test' }), 'it has ECDSA alone')
      },
    },
  )
}
