import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { OpensslError } from './errors.ts'
import { makeCertificate } from './make-certificate.ts'
import { freeCertificate, readCertificates } from './pem.ts'

const [one, other] = ['one', 'other'].map((name) =>
  makeCertificate({ commonName: name, days: 1, names: `DNS:${name}`, issuer: null }),
)
const first = one!.certificate
const second = other!.certificate

/** How many are in it. */
function count(pem: string): number {
  const found = readCertificates(Buffer.from(pem, 'latin1'))
  for (const it of found) freeCertificate(it)
  return found.length
}

for (const [what, pem, certificates] of [
  ['nothing', '', 0],
  ['text', 'a certificate, but not here\n', 0],
  ['two', first + second, 2],
  ['two, with text around them', `subject=CN=one\n${first}\nissuer=CN=two\n${second}\n\0\xff\n`, 2],
  ['two, and a key between them', first + one!.key + second, 2],
  ['two, with CR and LF', (first + second).replaceAll('\n', '\r\n'), 2],
  ['two, of which the last has no line end', (first + second).trimEnd(), 2],
] as const) {
  test(`a file is read to its end: ${what}`, () => assert.equal(count(pem), certificates))
}

const lines = second.split('\n')

for (const [what, pem, says] of [
  [
    'a character that base64 has not',
    first + second.replace(lines[3]!, '*'.repeat(64)),
    /^certificate 2 in it .*base64/,
  ],
  ['a line is lost', first + second.replace(`${lines[3]!}\n`, '') + first, /^certificate 2 in it cannot be read: /],
  ['it is cut off', first + lines.slice(0, 5).join('\n'), /^certificate 2 in it cannot be read: bad end line/],
  ['the end is missing', first + lines.slice(0, -2).join('\n'), /^certificate 2 in it cannot be read: bad end line/],
  ['the first one', first.replace('MII', 'BII') + second, /^certificate 1 in it cannot be read: /],
  ['a dash is lost before BEGIN', first + second.slice(1) + first, /^only 2 of 3 certificates in it can be read: /],
  [
    'a dash is lost before END',
    first + second.replace('-----END', '----END') + first,
    /^only 2 of 3 certificates in it/,
  ],
] as const) {
  test(`a damaged certificate is not left out: ${what}`, () => {
    assert.throws(
      () => count(pem),
      (error) => error instanceof OpensslError && says.test(error.message),
    )
  })
}

test('a certificate of a thousand names is written whole', () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `DNS:${i}.a-name-of-some-length.example.test`).join(',')
  const { certificate } = makeCertificate({ commonName: 'many', days: 5, names, issuer: null })
  assert.equal(new X509Certificate(certificate).subjectAltName, names.replaceAll(',', ', '))
  assert.equal(count(certificate), 1)
})
