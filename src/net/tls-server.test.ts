import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, createSecureContext } from 'node:tls'
import { close } from '../kernel/fd.ts'
import { OpensslError } from '../openssl/errors.ts'
import { TicketKeyReader, TicketKeys } from '../ticket-keys.ts'
import { authority, connected, pairFor, serverWith, visit } from './tls-scene.test.support.ts'
import type { TlsServer, TlsServerOptions } from './tls-server.ts'

test('a client is shown the certificate of the name that it asks for: exact, then wildcard, then the first', async (t) => {
  const server = serverWith({
    pairs: [pairFor(['localhost']), pairFor(['*.example.com']), pairFor(['www.example.com', 'example.com'])],
  })
  const shown: Readonly<Record<string, string>> = {
    'www.example.com': 'DNS:www.example.com, DNS:example.com',
    'EXAMPLE.com': 'DNS:www.example.com, DNS:example.com',
    'api.example.com': 'DNS:*.example.com',
    'a.api.example.com': 'DNS:localhost',
    'elsewhere.org': 'DNS:localhost',
  }
  for (const [servername, names] of Object.entries(shown)) {
    const seen = await visit(t, server, { servername, rejectUnauthorized: false })
    assert.equal(seen.names, names, servername)
    assert.equal(seen.secure.serverName, servername)
  }
  const nameless = await visit(t, server, { servername: '', rejectUnauthorized: false })
  assert.equal(nameless.names, 'DNS:localhost')
  assert.equal(nameless.secure.serverName, null)
})

test('ECDSA and RSA side by side: each client gets what it understands', async (t) => {
  const server = serverWith({ pairs: [pairFor(['localhost']), pairFor(['localhost'], { keyType: 'rsa' })] })
  const only = { maxVersion: 'TLSv1.2' } as const
  assert.equal((await visit(t, server, { ...only, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' })).kind, 'rsa')
  assert.equal((await visit(t, server, { ...only, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).kind, 'prime256v1')
})

test('one without a name stands alone, and the first of them is the default', async (t) => {
  const alone = (commonName: string, keyType: 'ec' | 'rsa') => {
    return { ...pairFor([commonName], { names: 'IP:127.0.0.1', keyType }), names: [] }
  }
  const server = serverWith({ pairs: [alone('a', 'ec'), alone('b', 'ec'), alone('c', 'rsa'), pairFor(['d.test'])] })
  const only = { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2', rejectUnauthorized: false } as const
  for (const [servername, commonName] of [
    ['', 'a'],
    ['localhost', 'a'],
    ['d.test', 'd.test'],
  ] as const) {
    assert.equal((await visit(t, server, { ...only, servername })).commonName, commonName)
  }
  const rsa = { ...only, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }
  await assert.rejects(visit(t, server, rsa), 'the default has no certificate of RSA')
})

test('two for the same names, in any order, with keys of the same kind are none that a server is made of', () => {
  const [one, other] = [pairFor(['a.test', 'b.test']), pairFor(['b.test', 'a.test', 'a.test'])]
  assert.throws(() => serverWith({ pairs: [pairFor(['localhost']), one, other] }), /the same names and kind of key/)
})

test('the first of our ciphers that the client has is taken, whatever it likes best; but for ChaCha20', async (t) => {
  const server = serverWith({
    ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305',
    ciphersuites: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  })
  for (const [ciphers, maxVersion, taken] of [
    ['ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256', 'TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    ['ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256', 'TLSv1.2', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
    ['TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256', 'TLSv1.3', 'TLS_AES_128_GCM_SHA256'],
  ] as const) {
    assert.equal((await visit(t, server, { ciphers, maxVersion })).secure.cipher, taken)
  }
})

/** To the OpenSSL of this Node. */
function isGroup(ecdhCurve: string): boolean {
  try {
    createSecureContext({ ecdhCurve })
    return true
  } catch {
    return false
  }
}

test('of groups, one that may be unknown is spoken where OpenSSL has it, and is no mistake where it has not', async (t) => {
  const server = serverWith({ groups: '?X25519MLKEM768:?X-17:X25519:P-256' })
  await visit(t, server, { ecdhCurve: 'X25519' })
  await visit(t, server, { ecdhCurve: 'P-256' })
  if (isGroup('X25519MLKEM768')) await visit(t, server, { ecdhCurve: 'X25519MLKEM768' })
  await assert.rejects(visit(t, server, { ecdhCurve: 'P-384' }), 'and no others are')
})

test('a client that offers other protocols alone is turned away; one that offers none is not', async (t) => {
  const server = serverWith()
  assert.equal((await visit(t, server, { ALPNProtocols: ['h2', 'http/1.1'] })).secure.protocol, 'http/1.1')
  assert.equal((await visit(t, server)).secure.protocol, null)
  const pair = await connected(t, server, { ALPNProtocols: ['h2'] })
  const failed = once(pair.client, 'error')
  assert.ok((await pair.receive()).result < 0)
  assert.match(((await failed)[0] as Error).message, /no application protocol/i)
  pair.transport.close()
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: a session goes on at another worker, after a reload, and with a key that was replaced once`, async (t) => {
    const keys = TicketKeys.create()
    const serverOf = () => {
      const fd = keys.openForReading()
      t.after(() => close(fd))
      return serverWith({ ticketKeys: new TicketKeyReader(fd) })
    }
    t.after(() => keys.close())
    const only = { minVersion: version, maxVersion: version }
    const [one, other] = [serverOf(), serverOf()]
    const first = await visit(t, one, only)
    assert.equal(first.secure.serverName, 'localhost')
    assert.deepEqual([first.isResumed, first.secure.isResumed], [false, false])
    const second = await visit(t, other, { ...only, session: first.session! })
    assert.deepEqual([second.isResumed, second.secure.isResumed], [true, true], 'at another')
    assert.equal(second.secure.serverName, 'localhost')

    keys.rotate()
    const third = await visit(t, serverOf(), { ...only, session: first.session! })
    assert.equal(third.isResumed, true, 'with the key before')
    const fourth = await visit(t, one, { ...only, session: third.session! })
    assert.equal(fourth.isResumed, true, 'with what it got in exchange')
    for (let i = 0; i < 3; i++) keys.rotate()
    const late = await visit(t, one, { ...only, session: first.session! })
    assert.equal(late.isResumed, false, 'the key is forgotten')
  })

  test(`${version}: without tickets every handshake is a whole one`, async (t) => {
    const only = { minVersion: version, maxVersion: version }
    const server = serverWith({ hasTickets: false })
    const first = await visit(t, server, only)
    const again = await visit(t, server, { ...only, ...(first.session !== undefined && { session: first.session }) })
    assert.equal(again.isResumed, false)
  })

  test(`${version}: a client's certificate, asked for and required`, async (t) => {
    const only = { minVersion: version, maxVersion: version }
    const { certificate, key } = pairFor(['client'])
    const mine = { cert: certificate, key }
    const asks = { clientAuthorities: Buffer.from(authority.certificate) }
    const optional = serverWith({ ...asks, clientCertificates: 'optional' })
    assert.equal((await visit(t, optional, only)).secure.clientCertificate, null)
    const shown = (await visit(t, optional, { ...only, ...mine })).secure.clientCertificate!
    assert.equal(new X509Certificate(shown).subject, 'CN=client')

    const required = serverWith({ ...asks, clientCertificates: 'required' })
    assert.notEqual((await visit(t, required, { ...only, ...mine })).secure.clientCertificate, null)
    for (const others of [{}, selfSigned()]) {
      const pair = await connected(t, required, { ...only, ...others })
      pair.client.write('hello')
      assert.ok((await pair.receive()).result < 0)
      assert.match(pair.transport.failure!.message, /certificate/)
      pair.transport.close()
    }
  })
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: a ticket opens no server that asks its client for more`, async (t) => {
    const keys = TicketKeys.create()
    t.after(() => keys.close())
    const serverOf = (options: Partial<TlsServerOptions>) => {
      const fd = keys.openForReading()
      t.after(() => close(fd))
      return serverWith({ ticketKeys: new TicketKeyReader(fd), ...options })
    }
    const { certificate, key } = pairFor(['client'])
    const [mine, others] = [authority, pairFor(['another authority'], { names: null, issuer: null })].map((it) =>
      Buffer.from(it.certificate),
    )
    const required = { clientCertificates: 'required', clientAuthorities: mine! } as const
    const only = { minVersion: version, maxVersion: version }
    const shown = { ...only, cert: certificate, key }

    const [open, closed, same] = [serverOf({}), serverOf(required), serverOf(required)]
    const foreign = serverOf({ ...required, clientAuthorities: others! })

    const unasked = await visit(t, open, only)
    const vouchedFor = await visit(t, closed, shown)
    const again = await visit(t, same, { ...only, session: vouchedFor.session! })
    assert.equal(again.isResumed, true, 'where the same is asked')
    assert.deepEqual(again.secure.clientCertificate, vouchedFor.secure.clientCertificate)
    for (const [server, session] of [
      [closed, unasked.session!],
      [foreign, vouchedFor.session!],
    ] as const) {
      const pair = await connected(t, server, { ...only, session })
      pair.client.write('hello')
      assert.ok((await pair.receive()).result < 0)
      assert.match(pair.transport.failure!.message, /peer did not return a certificate/)
      pair.transport.close()
    }
  })
}

function selfSigned(): ConnectionOptions {
  const { certificate, key } = pairFor(['stranger'], { issuer: null })
  return { cert: certificate, key }
}

/** What the client is handed with the certificate: node:tls says null for nothing. */
async function stapledTo(t: TestContext, server: TlsServer, options: ConnectionOptions): Promise<Buffer | null> {
  const pair = await connected(t, server, { requestOCSP: true, ...options } as ConnectionOptions)
  const stapled = once(pair.client, 'OCSPResponse')
  pair.client.write('hello')
  assert.equal((await pair.receive()).bytes.toString(), 'hello')
  pair.transport.close()
  return (await stapled)[0]
}

/** A client of one version that takes one kind of certificate. */
const CLIENTS = {
  'TLSv1.2': { ec: { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, rsa: { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } },
  'TLSv1.3': { ec: { sigalgs: 'ecdsa_secp256r1_sha256' }, rsa: { sigalgs: 'rsa_pss_rsae_sha256' } },
} as const

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only = { minVersion: version, maxVersion: version }
  const response = (last: number) => Buffer.from([0x30, 3, 2, 1, last])
  const [ec, rsa] = [pairFor(['localhost']), pairFor(['localhost'], { keyType: 'rsa' })]
  const wildcard = pairFor(['*.example.com'])

  for (const [what, ofEc, ofRsa] of [
    ['of both', response(1), response(2)],
    ['of the first', response(3), null],
    ['of the second', null, response(4)],
    ['of neither', null, null],
  ] as const) {
    test(`${version}: the OCSP response of the certificate that is shown is sent along, to who asks for it: ${what}`, async (t) => {
      const pairs = [{ ...ec, ocsp: ofEc }, { ...rsa, ocsp: ofRsa }, wildcard]
      for (const server of [serverWith({ pairs }), serverWith({ pairs: pairs.slice(0, 2).reverse() })]) {
        assert.deepEqual(await stapledTo(t, server, { ...only, ...CLIENTS[version].ec }), ofEc)
        assert.deepEqual(await stapledTo(t, server, { ...only, ...CLIENTS[version].rsa }), ofRsa)
      }
      const server = serverWith({ pairs })
      const { session } = await visit(t, server, only)
      const again = await visit(t, server, { ...only, session: session!, requestOCSP: true } as ConnectionOptions)
      assert.equal(again.isResumed, true, 'where no certificate is shown, none is sent along')
    })
  }

  test(`${version}: and with SNI that of the certificate for the name`, async (t) => {
    const server = serverWith({
      pairs: [
        { ...ec, ocsp: response(5) },
        { ...wildcard, ocsp: response(6) },
      ],
    })
    for (const [servername, stapled] of [
      ['localhost', response(5)],
      ['www.example.com', response(6)],
      ['elsewhere.org', response(5)],
    ] as const) {
      const options = { ...only, servername, rejectUnauthorized: false }
      assert.deepEqual(await stapledTo(t, server, options), stapled, servername)
    }
  })
}

const good = pairFor(['localhost'])
for (const [what, options, says] of [
  ['no certificate', { pairs: [{ ...good, certificate: Buffer.from('nothing') }] }, /no certificate/],
  ['no key', { pairs: [{ ...good, key: Buffer.from('nothing') }] }, /the key cannot be read/],
  ['a key of another', { pairs: [{ ...good, key: pairFor(['localhost']).key }] }, /the key cannot be used/],
  ['a cipher that there is not', { ciphers: 'NO-SUCH-CIPHER' }, /ciphers 'NO-SUCH-CIPHER': no cipher match/],
  [
    'a cipher that there is not, among others',
    { ciphers: 'ECDHE+AESGCM:!aNULL:NO-SUCH' },
    /ciphers 'NO-SUCH': no cipher match/,
  ],
  [
    'a suite that there is not, among others',
    { ciphersuites: 'TLS_AES_128_GCM_SHA256:TLS_NO' },
    /ciphersuites 'TLS_NO'/,
  ],
  ['a suite that there is not', { ciphersuites: 'TLS_NO_SUCH' }, /ciphersuites 'TLS_NO_SUCH'/],
  ['a group that there is not', { groups: 'P-17' }, /groups 'P-17'/],
  ['a group that there is not, beside one that may be unknown', { groups: '?P-17:P-18' }, /groups 'P-18'/],
  [
    'no authority',
    { clientCertificates: 'required', clientAuthorities: Buffer.from('') },
    /no certificate of an authority/,
  ],
] as const) {
  test(`what cannot be had is said: ${what}`, () => {
    assert.throws(
      () => serverWith(options),
      (error) => error instanceof OpensslError && says.test(error.message),
    )
  })
}
