import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { makeCertificate } from '../../openssl/make-certificate.ts'
import type { Secure } from '../handler.ts'
import type { Tls } from './contract.ts'
import { answer, pretendRequest } from './pretend.test.support.ts'

const PLAIN: Secure = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  serverName: 'example.test',
  protocol: 'http/1.1',
  isResumed: false,
  clientCertificate: null,
}

async function tlsIn(secure?: Secure): Promise<Tls | null> {
  let seen: Tls | null | undefined
  const request = pretendRequest('GET /', secure === undefined ? {} : { secure })
  await answer((_request, { tls }) => {
    seen = tls
    return new Response()
  }, request)
  assert.notEqual(seen, undefined)
  return seen!
}

test('without TLS there is nothing to tell', async () => assert.equal(await tlsIn(), null))

test('what TLS has found out is told, and nothing else', async () => assert.deepEqual(await tlsIn(PLAIN), PLAIN))

test('requests of one connection are told by the same object', async () => {
  assert.equal(await tlsIn(PLAIN), await tlsIn(PLAIN))
  assert.notEqual(await tlsIn({ ...PLAIN }), await tlsIn(PLAIN))
})

test('a certificate is one of Node’s, made once', async () => {
  const { certificate } = makeCertificate({ commonName: 'alice', days: 1, names: 'DNS:alice.test', issuer: null })
  const { raw } = new X509Certificate(certificate)
  const tls = await tlsIn({ ...PLAIN, clientCertificate: raw })
  const shown = tls!.clientCertificate!
  assert.ok(shown instanceof X509Certificate)
  assert.equal(shown, tls!.clientCertificate)
  assert.deepEqual([shown.subject, shown.issuer, shown.subjectAltName], ['CN=alice', 'CN=alice', 'DNS:alice.test'])
  assert.equal(shown.toString(), certificate)
  assert.ok(shown.raw.equals(raw))
  assert.match(JSON.stringify(tls), /"clientCertificate":"-----BEGIN CERTIFICATE-----/)
})

test('a certificate that nobody looks at is not parsed', async () => {
  const tls = await tlsIn({ ...PLAIN, clientCertificate: Buffer.from('no certificate') })
  assert.equal(tls!.version, 'TLSv1.3')
  assert.throws(() => tls!.clientCertificate)
})
