/** What OpenSSL does not take: a sentence names the option, says what is wrong, and what to do. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCertificate } from '../openssl/make-certificate.ts'
import { pairFor, sentenceOf, type Written } from './tls-files.test.support.ts'

const OPENSSL = `which this OpenSSL (${process.versions.openssl}) does not know`
/** OpenSSL says something of its own, or nothing, by version. */
const WORDS = / \((?:passed invalid argument|no cipher match)\)/

const LISTS: readonly (readonly [tls: NonNullable<Written['tls']>, sentence: string])[] = [
  [{ ciphers: 'RC4' }, `tls.ciphers has 'RC4', ${OPENSSL}; leave it out`],
  [{ ciphers: 'HIGH:NO-SUCH-CIPHER' }, `tls.ciphers has 'NO-SUCH-CIPHER', ${OPENSSL}; leave it out`],
  [
    { ciphers: 'ECDHE-RSA-AES128-GCM-SHA265' },
    `tls.ciphers has 'ECDHE-RSA-AES128-GCM-SHA265', ${OPENSSL}; did you mean 'ECDHE-RSA-AES128-GCM-SHA256'?`,
  ],
  [
    { ciphers: 'HIGH:TLS_AES_128_GCM_SHA256' },
    "tls.ciphers has 'TLS_AES_128_GCM_SHA256', which is of TLS 1.3; give it in tls.ciphersuites",
  ],
  [{ ciphers: 'HIGH:!HIGH' }, "tls.ciphers is 'HIGH:!HIGH', which leaves no cipher; take less out of it"],
  [{ ciphers: '!aNULL' }, "tls.ciphers is '!aNULL', which leaves no cipher; take less out of it"],
  ...['HIGH@SECLEVEL=9', 'HIGH:@SECLEVEL=9'].map(
    (ciphers) =>
      [
        { ciphers },
        `tls.ciphers is '${ciphers}', and OpenSSL does not know what stands behind @ in it (invalid command); ` +
          'there are @STRENGTH, and @SECLEVEL=0 to @SECLEVEL=5',
      ] as const,
  ),
  [
    { ciphersuites: 'TLS_AES_128_GCM_SHA256:TLS_AES_265_GCM_SHA384' },
    `tls.ciphersuites has 'TLS_AES_265_GCM_SHA384', ${OPENSSL}; did you mean 'TLS_AES_256_GCM_SHA384'?`,
  ],
  ...['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'].map(
    (ciphersuites) =>
      [
        { ciphersuites },
        `tls.ciphersuites has '${ciphersuites}', which is of TLS 1.2; ` +
          "give 'ECDHE-RSA-AES128-GCM-SHA256' in tls.ciphers",
      ] as const,
  ),
  [{ groups: 'X25519:P256' }, `tls.groups has 'P256', ${OPENSSL}; did you mean 'P-256'?`],
  [
    { groups: 'NO_SUCH_GROUP' },
    `tls.groups has 'NO_SUCH_GROUP', ${OPENSSL}; leave it out, or write '?NO_SUCH_GROUP', which is left out where it is not known`,
  ],
  [
    { groups: '?NO_SUCH_GROUP' },
    "tls.groups is '?NO_SUCH_GROUP', which OpenSSL does not take; give names that it knows, each of them once",
  ],
]

for (const [tls, sentence] of LISTS) {
  test(`refused: ${sentence}`, (t) => assert.equal(sentenceOf(t, { tls }).replace(WORDS, ''), sentence))
}

test('a name of the standards, which OpenSSL knows by another, or by both', (t) => {
  const ciphers = 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'
  const said = sentenceOf(t, { tls: { ciphers } }).replace(WORDS, '')
  const sentence = `tls.ciphers has '${ciphers}', ${OPENSSL}; it calls it 'ECDHE-ECDSA-AES128-GCM-SHA256'`
  assert.ok([sentence, 'nothing'].includes(said), said)
})

for (const groups of ['?NO_SUCH_GROUP:X25519', '?X25519MLKEM768:?X25519', 'P-256:?NO_SUCH_GROUP:P-384']) {
  test(`taken: groups ${groups}`, (t) => assert.equal(sentenceOf(t, { tls: { groups } }), 'nothing'))
}

const LONGER = 'have one made for a longer key, such as one of ECDSA (P-256) or RSA with 2048 bits'
const LOWER = ', or lower @SECLEVEL in tls.ciphers'

test('a key that is too short, of a certificate and of one behind it', (t) => {
  const ofRsa = makeCertificate({ commonName: 'CA', days: 9, names: null, issuer: null, keyType: 'rsa' })
  const { certificate, key } = pairFor('DNS:localhost', { issuer: ofRsa })
  const files = { 'a.pem': certificate + ofRsa.certificate, 'a.key': key }
  for (const [ciphers, what] of [
    ['HIGH:@SECLEVEL=4', 'the certificate cannot be used, for its key is too short (ee key too small)'],
    ['HIGH:@SECLEVEL=3', 'certificate 2 in it cannot be used, for its key is too short (ca key too small)'],
  ]) {
    const sentence = `TLS cannot be spoken with 'a.pem': ${what}; ${LONGER}${LOWER}`
    assert.equal(sentenceOf(t, { files, tls: { ciphers } }), sentence)
  }
  assert.equal(sentenceOf(t, { files, tls: { ciphers: 'HIGH:@SECLEVEL=2' } }), 'nothing')
})
