/** Clients that were asked for a certificate, and come back with a ticket: for as long as it is good, and no longer than a day. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { type CertificateWishes, makeCertificate } from '../openssl/make-certificate.ts'
import { authority, connected, pairFor, serverWith, until, visit } from './tls-scene.test.support.ts'
import type { TlsServer } from './tls-server.ts'

const SECOND = 1 / 86_400
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

function serverFor(asks: 'optional' | 'required', by = authority): TlsServer {
  return serverWith({ clientCertificates: asks, clientAuthorities: Buffer.from(by.certificate) })
}

function client(version: 'TLSv1.2' | 'TLSv1.3', wishes: Partial<CertificateWishes> = {}): ConnectionOptions {
  const { certificate, key } = pairFor(['client'], wishes)
  return { minVersion: version, maxVersion: version, cert: certificate, key }
}

/** The server's clock, by hand; OpenSSL has the machine's, so that to it nothing grows old. */
function clockOf(t: TestContext): (ms: number) => void {
  const now = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now })
  return (ms) => t.mock.timers.setTime(now + ms)
}

/** Whether each visit is resumed that comes at one of these times, with the ticket that the one before it brought. */
async function comesAt(t: TestContext, server: TlsServer, who: ConnectionOptions, times: readonly number[]) {
  const setClock = clockOf(t)
  const resumed: boolean[] = []
  let { session } = await visit(t, server, who)
  for (const at of times) {
    setClock(at)
    const next = await visit(t, server, { ...who, session: session! })
    resumed.push(next.isResumed)
    session = next.session ?? session
  }
  return resumed
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: once the client's certificate has ended it is asked for again, and one that follows it is good again`, async (t) => {
    const setClock = clockOf(t)
    const server = serverFor('required')
    const old = client(version, { days: 3_600 * SECOND })
    const first = await visit(t, server, old)
    setClock(58 * MINUTE_MS)
    const second = await visit(t, server, { ...old, session: first.session! })
    assert.equal(second.isResumed, true)
    setClock(61 * MINUTE_MS)
    const renewed = client(version)
    const third = await visit(t, server, { ...renewed, session: second.session! })
    assert.equal(third.isResumed, false)
    const shown = (cert: unknown) => new X509Certificate(cert as Buffer).serialNumber
    assert.equal(shown(third.secure.clientCertificate), shown(renewed.cert))
    setClock(119 * MINUTE_MS)
    assert.equal((await visit(t, server, { ...renewed, session: third.session! })).isResumed, true)
  })

  test(`${version}: the same where an authority's certificate is the first to end`, async (t) => {
    const issuer = makeCertificate({ commonName: 'For an hour', days: 3_600 * SECOND, names: null, issuer: null })
    const server = serverFor('required', issuer)
    assert.deepEqual(await comesAt(t, server, client(version, { issuer }), [58 * MINUTE_MS, 61 * MINUTE_MS]), [
      true,
      false,
    ])
  })

  test(`${version}: from one full handshake to the next it is a day, with or without a certificate`, async (t) => {
    const nobody = { minVersion: version, maxVersion: version }
    for (const [asks, who] of [
      ['required', client(version)],
      ['optional', nobody],
    ] as const) {
      const times = [10, 20, 23.9, 24.1, 48, 48.2].map((hours) => hours * HOUR_MS)
      assert.deepEqual(await comesAt(t, serverFor(asks), who, times), [true, true, true, false, true, false], asks)
      t.mock.timers.reset()
    }
  })

  test(`${version}: where none is asked for, OpenSSL alone says how long`, async (t) => {
    const who = { minVersion: version, maxVersion: version }
    assert.deepEqual(await comesAt(t, serverWith(), who, [25 * HOUR_MS]), [true])
  })
}

/** Why the server does not let it in; null: it does. */
async function refusal(t: TestContext, server: TlsServer, who: ConnectionOptions): Promise<string | null> {
  const { client, transport, receive } = await connected(t, server, who)
  client.write('hello')
  const { result } = await receive()
  const { failure } = transport
  transport.close()
  return result < 0 ? failure!.message : null
}

test('who came before a certificate ended comes in no more with what has come of it', async (t) => {
  const server = serverFor('required')
  const clients = (['TLSv1.2', 'TLSv1.3'] as const).map((version) => client(version, { days: 3 * SECOND }))
  const visits = await Promise.all(clients.map((who) => visit(t, server, who)))
  const ends = Math.max(...clients.map(({ cert }) => Date.parse(new X509Certificate(cert as Buffer).validTo)))
  await until(() => (Date.now() > ends ? true : null))
  for (const [i, { session }] of visits.entries()) {
    while ((await refusal(t, server, clients[i]!)) === null); // OpenSSL's clock is some milliseconds slow (time(2))
    const why = await refusal(t, server, { ...clients[i], session: session! })
    assert.match(why!, /certificate verify failed/)
  }
})
