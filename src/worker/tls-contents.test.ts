/** A file in another form than a server takes, or in another's place: what it is, and the command that makes of it what is wanted. */
import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { unless } from '../../test/support/curl.ts'
import { certificate, key, openssl, pairFor, sentenceOf } from './tls-files.test.support.ts'

const rsaKey = pairFor('DNS:localhost', { keyType: 'rsa' }).key
const der = new X509Certificate(certificate).raw
const derKey = (pem: string, type: 'pkcs8' | 'pkcs1' | 'sec1') => createPrivateKey(pem).export({ type, format: 'der' })
const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' })
const request = certificate.replaceAll(' CERTIFICATE', ' CERTIFICATE REQUEST')
const rsaPem = createPrivateKey(rsaKey).export({ type: 'pkcs1', format: 'pem' })
const openssh = key.replaceAll(' PRIVATE', ' OPENSSH PRIVATE')

const NO_CERTIFICATE = 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----), or a damaged one'
const OUT = '-in FILE -out FILE.pem'

const IN_PLACE_OF_CERTIFICATES = [
  ['nothing', '', NO_CERTIFICATE],
  ['text', 'a certificate, but not here\n', NO_CERTIFICATE],
  ['DER', der, `holds a certificate in DER, not in PEM; openssl x509 -inform der ${OUT} makes that of it`],
  ['a key', key, 'holds a private key, and no certificate; give the certificate here'],
  ['a key of RSA', rsaPem, 'holds a private key, and no certificate; give the certificate here'],
  ['a key in DER', derKey(key, 'pkcs8'), 'holds a private key in DER, and no certificate; give the certificate here'],
  [
    'a request',
    request,
    'holds a request for a certificate (CSR); give the certificate that the authority has made of it',
  ],
  [
    'one that a browser is told to trust',
    certificate.replaceAll(' CERTIFICATE', ' TRUSTED CERTIFICATE'),
    `holds a certificate with what it is trusted for, which is for clients; openssl x509 ${OUT} leaves that out`,
  ],
] as const

for (const [what, text, says] of IN_PLACE_OF_CERTIFICATES) {
  test(`in place of a certificate, ${what}`, (t) => {
    assert.equal(sentenceOf(t, { files: { 'a.pem': text } }), `'a.pem' ${says}`)
  })
}

const IN_DER = `holds a private key in DER, not in PEM; openssl pkey -inform der ${OUT} makes that of it`

const IN_PLACE_OF_KEYS = [
  ['DER', derKey(key, 'pkcs8'), IN_DER],
  ['DER of EC alone', derKey(key, 'sec1'), IN_DER],
  ['DER of RSA alone', derKey(rsaKey, 'pkcs1'), IN_DER],
  ['its certificate', certificate, 'holds a certificate, and no private key; give its key here'],
  ['its certificate in DER', der, 'holds a certificate in DER, and no private key; give its key here'],
  ['the public one', publicKey, 'holds a public key; give the private one that it belongs to'],
  [
    'a request',
    request,
    'holds a request for a certificate (CSR), and no private key; give the one that it was made with',
  ],
  [
    'one of OpenSSH',
    openssh,
    'holds a key of OpenSSH, which TLS has no use for; give the one that the certificate was asked for with',
  ],
] as const

for (const [what, text, says] of IN_PLACE_OF_KEYS) {
  test(`in place of a key, ${what}`, (t) => {
    assert.equal(sentenceOf(t, { files: { 'a.key': text } }), `'a.key' ${says}`)
  })
}

const withOpenssl = { skip: unless('openssl') }

test('a key of DSA is none for TLS', withOpenssl, (t) => {
  const { privateKey } = generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 })
  const files = { 'a.key': privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
  const made = openssl(t, files, ['req', '-x509', '-key', 'a.key', '-subj', '/CN=a', '-out', 'a.pem'])
  assert.equal(
    sentenceOf(t, { files: { ...files, 'a.pem': made('a.pem') } }),
    "the key in 'a.key' is one of DSA, by which no handshake is possible; have a certificate made for one of ECDSA or RSA",
  )
})

/** What authorities hand out: the arguments that make it of a.pem and a.key, and what is said of it. */
const HANDED_OUT = {
  'a certificate in DER': ['x509 -in a.pem -outform der -out a', 'holds a certificate in DER, not in PEM'],
  'a key in DER': ['pkey -in a.key -outform der -out a', 'holds a private key in DER, not in PEM'],
  'PKCS #12, for both': [
    'pkcs12 -export -in a.pem -inkey a.key -passout pass: -out a',
    'holds PKCS #12 (.p12, .pfx), not PEM',
  ],
  'PKCS #7': ['crl2pkcs7 -nocrl -certfile a.pem -out a', 'holds PKCS #7'],
  'PKCS #7 in DER': ['crl2pkcs7 -nocrl -certfile a.pem -outform der -out a', 'holds PKCS #7'],
  'a certificate with trust': ['x509 -in a.pem -trustout -addtrust serverAuth -out a', 'holds a certificate with what'],
} as const

for (const [what, [make, says]] of Object.entries(HANDED_OUT)) {
  test(`${what}: the command that is told makes a file of it that is taken`, withOpenssl, (t) => {
    const files = { 'a.pem': certificate, 'a.key': key }
    const bytes = openssl(t, files, make.split(' '))('a')
    const [cert, ofKey] = { 'a key in DER': [false, true], 'PKCS #12, for both': [true, true] }[what] ?? [true, false]
    const inPlace = (text: Uint8Array) => ({ ...(cert && { 'a.pem': text }), ...(ofKey && { 'a.key': text }) })
    const sentence = sentenceOf(t, { files: inPlace(bytes) })
    assert.ok(sentence.startsWith(`'${cert ? 'a.pem' : 'a.key'}' ${says}`), sentence)
    const [, command] = /openssl (.* -in FILE -out FILE\.pem)/.exec(sentence)!
    const args = command!.replaceAll('FILE', 'a').split(' ')
    const passphrase = what.startsWith('PKCS #12') ? ['-passin', 'pass:'] : []
    const mended = openssl(t, { a: bytes }, [...args, ...passphrase])('a.pem')
    assert.equal(sentenceOf(t, { files: inPlace(mended) }), 'nothing')
  })
}
