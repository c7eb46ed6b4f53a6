/** What is said of the files that `tls` names. Each sentence names its file. */
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { TlsConfig } from '../config/options.ts'
import { type CertificateWishes, makeCertificate } from '../openssl/make-certificate.ts'
import { openTls } from './tls.ts'

const issuer = makeCertificate({ commonName: 'Test Authority', days: 10, names: null, issuer: null })

function pairFor(names: string, wishes: Partial<CertificateWishes> = {}) {
  return makeCertificate({ commonName: 'a', days: 5, names, issuer, ...wishes })
}

const { certificate, key } = pairFor('DNS:localhost')
const other = pairFor('DNS:localhost')
const foreign = pairFor('DNS:a.test')
const rsa = pairFor('DNS:localhost', { keyType: 'rsa' })
const ofAddress = pairFor('IP:127.0.0.1')

/** A character of its third line is none that base64 has. */
const damaged = (pem: string) => pem.replace(/(?<=\n.+\n.+\n)./, '*')

function encrypted(passphrase: string): string {
  const encoding = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  return createPrivateKey(key).export(encoding) as string
}

type Files = Readonly<Record<string, string | Uint8Array>>
type Certificates = readonly Partial<TlsConfig['certificates'][number]>[]

interface Written {
  readonly files?: Files
  readonly certificates?: Certificates
  readonly tls?: Partial<TlsConfig>
}

const GOOD: Files = { 'a.pem': certificate, 'a.key': key, 'ca.pem': issuer.certificate }
const PAIR = { cert: 'a.pem', key: 'a.key', keyPassphraseFile: null, ocsp: null }

/** As openTls is given it, in a folder of its own. */
function write(t: TestContext, { files = {}, certificates = [{}], tls = {} }: Written) {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries({ ...GOOD, ...files })) writeFileSync(join(folder, name), text)
  const within = (name: string | null) => (name === null ? null : join(folder, name))
  const config: TlsConfig = {
    minVersion: 'TLSv1.2',
    ciphers: 'HIGH',
    ciphersuites: 'TLS_AES_128_GCM_SHA256',
    groups: 'X25519',
    ticketRotationMs: 0,
    kernel: 'auto',
    clientCertificates: 'off',
    keyLogFile: null,
    redirect: false,
    redirectPort: 'auto',
    ...tls,
    clientCa: within(tls.clientCa ?? null),
    certificates: certificates.map((it) => {
      const whole = { ...PAIR, ...it }
      return {
        cert: within(whole.cert)!,
        key: within(whole.key)!,
        keyPassphraseFile: within(whole.keyPassphraseFile),
        ocsp: within(whole.ocsp),
      }
    }),
  }
  return { folder, config }
}

const REQUIRED = { clientCertificates: 'required', clientCa: 'ca.pem' } as const

const TAKEN: readonly (readonly [what: string, written: Written])[] = [
  ['a certificate and its key', {}],
  ['authorities of clients', { tls: REQUIRED }],
  [
    'an encrypted key, and an OCSP response',
    {
      files: { 'b.key': encrypted('secret'), 'b.txt': 'secret\nmore', 'b.der': Buffer.from('3003020106', 'hex') },
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
  test(`taken: ${what}`, (t) => assert.notEqual(openTls(write(t, written).config, null, null), null))
}

const NO_CERTIFICATE = 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----), or a damaged one'
const NO_KEY = 'cannot be read: it is no private key in PEM, or a damaged one'

const REFUSED: readonly (readonly [what: string, written: Written, sentence: string])[] = [
  ['no certificate', { files: { 'a.pem': 'nothing' } }, `'a.pem' ${NO_CERTIFICATE}`],
  ['one in DER', { files: { 'a.pem': new X509Certificate(certificate).raw } }, `'a.pem' ${NO_CERTIFICATE}`],
  ['a damaged one', { files: { 'a.pem': damaged(certificate) } }, `'a.pem' ${NO_CERTIFICATE}`],
  [
    'one that a browser is told to trust, which a server cannot show',
    { files: { 'a.pem': certificate.replaceAll(' CERTIFICATE', ' TRUSTED CERTIFICATE') } },
    "TLS cannot be spoken with 'a.pem': there is no certificate in it",
  ],
  [
    'a damaged one of the chain',
    { files: { 'a.pem': certificate + damaged(issuer.certificate) } },
    "TLS cannot be spoken with 'a.pem': certificate 2 in it cannot be read: bad base64 decode",
  ],
  [
    'one whose key is too short for what is asked',
    { tls: { ciphers: 'HIGH@SECLEVEL=4' } },
    "TLS cannot be spoken with 'a.pem': the certificate cannot be used: ee key too small",
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
    'a passphrase that OpenSSL takes for a shorter one',
    { files: { 'a.key': encrypted('a\0b'), 'a.txt': 'a\0b' }, certificates: [{ keyPassphraseFile: 'a.txt' }] },
    "TLS cannot be spoken with 'a.key': the key cannot be read: bad decrypt",
  ],
  [
    'a passphrase that is not there',
    { certificates: [{ keyPassphraseFile: 'none' }] },
    "'none' cannot be read (ENOENT)",
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
    "TLS cannot be spoken with 'ca.pem': certificate 2 in it cannot be read: bad base64 decode",
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
  [
    'what is in no file',
    { tls: { ciphers: 'NO-SUCH-CIPHER' } },
    "TLS cannot be spoken as asked: ciphers 'NO-SUCH-CIPHER': no cipher match",
  ],
]

for (const [what, written, sentence] of REFUSED) {
  test(`refused: ${what}: ${sentence}`, (t) => {
    const { folder, config } = write(t, written)
    assert.throws(
      () => openTls(config, null, null),
      (error: Error) => {
        assert.equal(error.message.replaceAll(`${folder}/`, ''), sentence)
        return error.name === 'OperatorError'
      },
    )
  })
}
