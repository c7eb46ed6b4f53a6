/** What is warned of in what stands behind a certificate in its file. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { unless } from '../../test/support/curl.ts'
import {
  authority,
  FIRST,
  first,
  issuer,
  leaf,
  openssl,
  pairFor,
  root,
  second,
  third,
  warned,
} from './tls-files.test.support.ts'

const validTo = (pem: string) => new X509Certificate(pem).validTo
const validFrom = (pem: string) => new X509Certificate(pem).validFrom

const namesake = authority('Between').certificate
const foreign = authority('Foreign').certificate
const selfSigned = pairFor('DNS:localhost', { issuer: null })

const notIssued = (which: string, by: string, remedy: string) =>
  `${which} was not issued by the one behind it, ${by}, and clients may refuse it; put that of ${remedy} there, or nothing`

const CHAINS: readonly (readonly [what: string, pems: readonly string[], warning: string | null, key?: string])[] = [
  ['nothing', [first], null],
  ['all up to the root', [first, second, third], null],
  ['one of two in the same place', [first, second, second, third], null],
  ['one that signs itself', [selfSigned.certificate], null, selfSigned.key],
  ['wrong order', [first, third, second], notIssued(FIRST, "which is 'CN=Root'", "'CN=Between'")],
  ['a foreign one', [first, foreign], notIssued(FIRST, "which is 'CN=Foreign'", "'CN=Between'")],
  [
    'a foreign one further back',
    [first, second, foreign],
    notIssued("certificate 2 in 'a.pem' ('CN=Between')", "which is 'CN=Foreign'", "'CN=Root'"),
  ],
  [
    'one with the right name and another key',
    [first, namesake],
    notIssued(FIRST, 'which has the name of its issuer and another key', "'CN=Between' that has signed it"),
  ],
  [
    'one further back with the right name and another key, where no key is named',
    [first, second, authority('Root').certificate],
    notIssued(
      "certificate 2 in 'a.pem' ('CN=Between')",
      'which has the name of its issuer and another key',
      "'CN=Root' that has signed it",
    ),
  ],
  ['itself', [first, first, second], "certificate 2 in 'a.pem' ('CN=a') is there twice; leave it out"],
  [
    'one behind the root',
    [first, second, third, foreign],
    "certificate 4 in 'a.pem' ('CN=Foreign') has issued none before it; leave it out",
  ],
]

for (const [what, pems, warning, ofKey = leaf.key] of CHAINS) {
  test(`behind a certificate, ${what}`, (t) => {
    const files = { 'a.pem': pems.join(''), 'a.key': ofKey }
    assert.deepEqual(warned(t, { files }), warning === null ? [] : [warning])
  })
}

test('behind a certificate, one that has signed it and is no authority', (t) => {
  const clerk = pairFor('DNS:clerk.test', { commonName: 'Clerk', issuer: root })
  const made = pairFor('DNS:localhost', { issuer: clerk })
  const files = { 'a.pem': made.certificate + clerk.certificate, 'a.key': made.key }
  const says = 'has signed the one before it, and is no authority (basicConstraints, keyUsage)'
  assert.deepEqual(warned(t, { files }), [
    `certificate 2 in 'a.pem' ('CN=Clerk') ${says}, so that clients refuse both; have it made anew`,
  ])
})

test('behind a certificate, another of its issuer than it names', { skip: unless('openssl') }, (t) => {
  const madeWith = (serial: number) =>
    openssl(
      t,
      { 'ca.key': issuer.key },
      `req -x509 -key ca.key -subj /CN=ca -set_serial ${serial} -out ca.pem`.split(' '),
    )('ca.pem')
  const own = pairFor('DNS:localhost', { issuer: null })
  const files = {
    ...{ 'a.pem': own.certificate, 'ca.pem': madeWith(1), 'ca.key': issuer.key },
    'names.cnf': 'subjectAltName=DNS:localhost\nauthorityKeyIdentifier=keyid,issuer:always\n',
  }
  const sign = 'x509 -in a.pem -clrext -extfile names.cnf -CA ca.pem -CAkey ca.key -set_serial 5 -out b.pem'.split(' ')
  const certificate = openssl(t, files, sign)('b.pem')
  const warnedOf = (of: Buffer) => warned(t, { files: { 'a.pem': Buffer.concat([certificate, of]), 'a.key': own.key } })
  assert.deepEqual(warnedOf(madeWith(1)), [])
  const says = 'is not the one that the one before it names as its issuer (authorityKeyIdentifier)'
  assert.deepEqual(warnedOf(madeWith(2)), [
    `certificate 2 in 'a.pem' ('CN=ca') ${says}, and clients may refuse that; put that one there, or nothing`,
  ])
})

test('one of the chain that has expired, or is not valid yet', (t) => {
  for (const [wishes, says] of [
    [
      { days: -1 },
      (pem: string) =>
        `has expired (${validTo(pem)}), and clients may refuse what it vouches for; put the one there that its authority has now`,
    ],
    [{ fromDays: 2 }, (pem: string) => `is not valid before ${validFrom(pem)}; is the clock right?`],
  ] as const) {
    const other = authority('Other', { issuer: root, ...wishes })
    const made = pairFor('DNS:localhost', { issuer: other })
    const files = { 'a.pem': made.certificate + other.certificate + third, 'a.key': made.key }
    assert.deepEqual(warned(t, { files }), [`certificate 2 in 'a.pem' ('CN=Other') ${says(other.certificate)}`])
  }
})
