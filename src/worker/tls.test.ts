/** What is said of the files that `tls` names. Each sentence names its file. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { makeCertificate } from '../openssl/make-certificate.ts'
import { noOcspAnswer } from '../openssl/ocsp.test.support.ts'
import {
  certificate,
  damaged,
  encrypted,
  issuer,
  key,
  pairFor,
  REQUIRED,
  sentenceOf,
  told,
  type Written,
} from './tls-files.test.support.ts'

const other = pairFor('DNS:localhost')
const foreign = pairFor('DNS:a.test')
const rsa = pairFor('DNS:localhost', { keyType: 'rsa' })
const ofAddress = pairFor('IP:127.0.0.1')

const TAKEN: readonly (readonly [what: string, written: Written])[] = [
  ['a certificate and its key', {}],
  ['authorities of clients', { tls: REQUIRED }],
  [
    'an encrypted key, and an OCSP response',
    {
      files: { 'b.key': encrypted('secret'), 'b.txt': 'secret\nmore', 'b.der': noOcspAnswer(6) },
      certificates: [{ key: 'b.key', keyPassphraseFile: 'b.txt', ocsp: 'b.der' }],
    },
  ],
  [
    'a chain, and the key in the same file',
    { files: { 'a.pem': certificate + issuer.certificate + key, 'a.key': certificate + key } },
  ],
  [
    'ECDSA and RSA for the same names',
    { files: { 'b.pem': rsa.certificate, 'b.key': rsa.key }, certificates: [{}, { cert: 'b.pem', key: 'b.key' }] },
  ],
  [
    'one without a name, for who asks for none, and one with',
    {
      files: { 'b.pem': ofAddress.certificate, 'b.key': ofAddress.key },
      certificates: [{ cert: 'b.pem', key: 'b.key' }, {}],
    },
  ],
]

for (const [what, written] of TAKEN) {
  test(`taken: ${what}`, (t) => assert.equal(sentenceOf(t, written), 'nothing'))
}

const NO_CERTIFICATE = 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----), or a damaged one'
const NO_KEY = 'cannot be read: it is no private key in PEM, or a damaged one'

const REFUSED: readonly (readonly [what: string, written: Written, sentence: string])[] = [
  ['no certificate', { files: { 'a.pem': 'nothing' } }, `'a.pem' ${NO_CERTIFICATE}`],
  [
    'a damaged one',
    { files: { 'a.pem': damaged(certificate) } },
    "'a.pem' cannot be used: certificate 1 in it cannot be read: bad base64 decode",
  ],
  [
    'a damaged one of the chain',
    { files: { 'a.pem': certificate + damaged(issuer.certificate) } },
    "'a.pem' cannot be used: certificate 2 in it cannot be read: bad base64 decode",
  ],
  [
    'one behind its issuer',
    { files: { 'a.pem': issuer.certificate + certificate } },
    "the key in 'a.key' is that of certificate 2 in 'a.pem'; put that first, and behind it the one that has issued it",
  ],
  ['no key', { files: { 'a.key': 'nothing' } }, `the key in 'a.key' ${NO_KEY}`],
  ['a damaged one', { files: { 'a.key': damaged(key) } }, `the key in 'a.key' ${NO_KEY}`],
  [
    'that of another, of several certificates',
    {
      files: { 'b.pem': other.certificate },
      certificates: [{}, { cert: 'b.pem' }],
    },
    "the key in 'a.key' is not the key of the certificate in 'b.pem'",
  ],
  [
    'an encrypted key, and no passphrase',
    { files: { 'a.key': encrypted('secret') } },
    "the key in 'a.key' is encrypted; give keyPassphraseFile, a file whose first line is its passphrase",
  ],
  [
    'another passphrase',
    { files: { 'a.key': encrypted('secret'), 'a.txt': 'another' }, certificates: [{ keyPassphraseFile: 'a.txt' }] },
    "the key in 'a.key' cannot be read: the first line of 'a.txt' is not its passphrase, or the key is damaged",
  ],
  [
    'a passphrase that is not there',
    { certificates: [{ keyPassphraseFile: 'none' }] },
    "'none' cannot be read (ENOENT)",
  ],
  [
    'an OCSP response that ends too early',
    { files: { 'a.der': noOcspAnswer(6).subarray(0, -1) }, certificates: [{ ocsp: 'a.der' }] },
    "'a.der' holds no OCSP response in DER, as openssl ocsp -respout writes it",
  ],
  [
    'no OCSP response',
    { certificates: [{}, { ocsp: 'a.pem' }] },
    "'a.pem' holds no OCSP response in DER, as openssl ocsp -respout writes it",
  ],
  ['no authority', { files: { 'ca.pem': '' }, tls: REQUIRED }, `'ca.pem' ${NO_CERTIFICATE}`],
  [
    'a damaged authority',
    { files: { 'ca.pem': issuer.certificate + damaged(issuer.certificate) }, tls: REQUIRED },
    "'ca.pem' cannot be used: certificate 2 in it cannot be read: bad base64 decode",
  ],
  [
    'two for the same names and kind of key',
    {
      files: { 'b.pem': other.certificate, 'b.key': other.key, 'c.pem': foreign.certificate, 'c.key': foreign.key },
      certificates: [{}, { cert: 'c.pem', key: 'c.key' }, { cert: 'b.pem', key: 'b.key' }],
    },
    "the certificates in 'a.pem' and 'b.pem' are for the same names, with keys of the same kind (ECDSA), " +
      'so that only one would be shown; leave the other out of tls.certificates',
  ],
  [
    'one without a name behind the first',
    {
      files: { 'b.pem': ofAddress.certificate, 'b.key': ofAddress.key },
      certificates: [{}, { cert: 'b.pem', key: 'b.key' }],
    },
    "the certificate in 'b.pem' has no DNS name (subjectAltName), and clients ask by name alone, " +
      'so that it would never be shown; make it tls.cert, or leave it out of tls.certificates',
  ],
]

for (const [what, written, sentence] of REFUSED) {
  test(`refused: ${what}: ${sentence}`, (t) => assert.equal(sentenceOf(t, written), sentence))
}

test('refused: a passphrase that OpenSSL takes for a shorter one', (t) => {
  const files = { 'a.key': encrypted('a\0b'), 'a.txt': 'a\0b' }
  const { refusal } = told(t, { files, certificates: [{ keyPassphraseFile: 'a.txt' }] })
  // Once in 256 times the wrong passphrase leaves a padding that could be one (RFC 8018 §6.1.1).
  assert.match(refusal!, /^TLS cannot be spoken with 'a\.key': the key cannot be read: (bad decrypt|unsupported)$/)
})

const many = Array.from({ length: 17 }, (_, i) => `DNS:${i}.test`).join(',')

for (const [names, shown] of [
  ['IP:192.0.2.1,IP:2001:db8::1,DNS:localhost,DNS:*.A.test', 'localhost, *.A.test, 192.0.2.1, 2001:db8::1 (ECDSA)'],
  [many, '0.test, 1.test, 2.test, 3.test, 4.test and 12 more (ECDSA)'],
  ['email:a@b.test', 'no name (ECDSA)'],
] as const) {
  test(`it is told what clients are shown: ${shown}`, (t) => {
    const made = makeCertificate({ commonName: 'a', days: 5, names, issuer })
    const until = new Date(new X509Certificate(made.certificate).validTo).toISOString().slice(0, 10)
    const files = { 'a.pem': made.certificate + issuer.certificate, 'a.key': made.key }
    assert.deepEqual(told(t, { files }).shown, [`${shown}, until ${until}: a.pem`])
  })
}

test('of each certificate, and of no one that cannot be had', (t) => {
  const files = { 'b.pem': rsa.certificate, 'b.key': rsa.key }
  const certificates = [{}, { cert: 'b.pem', key: 'b.key' }]
  const { shown } = told(t, { files, certificates })
  assert.deepEqual(
    shown.map((it) => it.replace(/, until \d{4}-\d\d-\d\d/, '')),
    ['localhost (ECDSA): a.pem', 'localhost (RSA): b.pem'],
  )
  assert.deepEqual(told(t, { files, certificates, tls: { groups: 'X' } }).shown, [])
})
