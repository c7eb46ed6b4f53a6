/** What is warned of, and what is not. Where a warning says that clients are refused, one is tried. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { chmodSync, mkdirSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { unless } from '../../test/support/curl.ts'
import { connected, serverWith } from '../net/tls-scene.test.support.ts'
import { type MadePair, makeCertificate } from '../openssl/make-certificate.ts'
import { makeOcspResponse, noOcspAnswer, type OcspWishes } from '../openssl/ocsp.test.support.ts'
import { openTls } from './tls.ts'
import {
  authority,
  between,
  encrypted,
  FIRST,
  first,
  issuer,
  leaf,
  NOBODY,
  openssl,
  pairFor,
  REQUIRED,
  root,
  second,
  third,
  toldOf,
  type Written,
  warned,
  write,
} from './tls-files.test.support.ts'

const DAY_MS = 86_400_000

const validTo = (pem: string) => new X509Certificate(pem).validTo
const validFrom = (pem: string) => new X509Certificate(pem).validFrom

// ── the certificate that is shown ────────────────────────────────────────────

for (const [days, soonMs] of [
  [5, (5 * DAY_MS + 3_600_000) / 10],
  [90, 7 * DAY_MS],
  [400, 7 * DAY_MS],
] as const) {
  test(`one of ${days} days ends soon when less than ${soonMs} ms are left`, (t) => {
    const made = pairFor('DNS:localhost', { days })
    const files = { 'a.pem': made.certificate, 'a.key': made.key }
    const end = Date.parse(validTo(made.certificate))
    let now = end - soonMs
    t.mock.method(Date, 'now', () => now)
    assert.deepEqual(warned(t, { files }), [])
    now += 1
    assert.deepEqual(warned(t, { files }), [
      `the certificate in 'a.pem' ('CN=a') ends soon (${validTo(made.certificate)}); renew it, and reload`,
    ])
  })
}

test('one that is for no host', (t) => {
  const made = pairFor('email:a@b.test')
  assert.deepEqual(warned(t, { files: { 'a.pem': made.certificate, 'a.key': made.key } }), [
    "the certificate in 'a.pem' ('CN=a') is for no host (subjectAltName), and clients refuse it; " +
      'have one made that has the names by which clients come',
  ])
  const workload = pairFor('URI:spiffe://a.test/b')
  assert.deepEqual(warned(t, { files: { 'a.pem': workload.certificate, 'a.key': workload.key } }), [])
})

const ANY_LEVEL = { ciphers: 'HIGH:!aNULL:@SECLEVEL=0' }

test('keys that clients refuse', { skip: unless('openssl') }, (t) => {
  for (const [pair, fault] of [
    [generateKeyPairSync('rsa', { modulusLength: 1024 }), 'has a key of RSA with 1024 bits'],
    [generateKeyPairSync('ec', { namedCurve: 'secp256k1' }), 'has a key on the curve secp256k1'],
    [generateKeyPairSync('rsa', { modulusLength: 2048 }), null],
    [generateKeyPairSync('ec', { namedCurve: 'P-384' }), null],
    [generateKeyPairSync('ed25519'), null],
  ] as const) {
    const files = { 'a.key': pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
    const args = '-x509 -key a.key -subj /CN=a -addext subjectAltName=DNS:localhost -out a.pem'
    const made = openssl(t, files, ['req', ...args.split(' ')])('a.pem')
    const says = `the certificate in 'a.pem' ('CN=a') ${fault}, which many clients refuse; have one made for ECDSA on P-256, or RSA with 2048 bits`
    const warnings = warned(t, { files: { ...files, 'a.pem': made }, tls: ANY_LEVEL })
    assert.deepEqual(warnings, fault === null ? [] : [says])
  }
})

test('signatures that clients refuse, but for those of authorities on themselves', { skip: unless('openssl') }, (t) => {
  const args = 'req -x509 -sha1 -key ca.key -subj /CN=ca -out ca.pem'.split(' ')
  const root = openssl(t, { 'ca.key': issuer.key }, args)
  const own = pairFor('DNS:localhost', { issuer: null })
  const files = { 'a.pem': own.certificate, 'ca.pem': root('ca.pem'), 'ca.key': issuer.key }
  const sign = 'x509 -in a.pem -CA ca.pem -CAkey ca.key -sha1 -set_serial 1 -out b.pem'.split(' ')
  const renewed = openssl(t, files, sign)('b.pem')
  const chain = Buffer.concat([renewed, root('ca.pem')])
  assert.deepEqual(warned(t, { files: { 'a.pem': chain, 'a.key': own.key }, tls: ANY_LEVEL }), [
    `the certificate in 'a.pem' ('CN=a') is signed with SHA-1, which many clients refuse; have one made that is signed with SHA-256`,
  ])
})

// ── authorities of clients ───────────────────────────────────────────────────

const client = (by: MadePair | null) =>
  makeCertificate({ commonName: 'client', days: 5, names: 'DNS:client', issuer: by })
const IN = "the certificate in 'ca.pem'"
const late = authority('Late', { days: -1 })
const early = authority('Early', { fromDays: 2 })
const alice = client(null)
const ofRoot = client(root)

/** In the file; a client's chain; what is warned of: then it is not let in. */
const AUTHORITIES: readonly (readonly [what: string, file: string, who: MadePair, warning: string | null])[] = [
  ['a root', third, ofRoot, null],
  ['a client that signs itself', alice.certificate, alice, null],
  [
    'one that has expired',
    late.certificate,
    client(late),
    `${IN} ('CN=Late') has expired (${validTo(late.certificate)}), and lets no client in any more; put the one there that has taken its place`,
  ],
  [
    'one that is not valid yet',
    early.certificate,
    client(early),
    `${IN} ('CN=Early') is not valid before ${validFrom(early.certificate)}; is the clock right?`,
  ],
  [
    'one that is no authority',
    third + ofRoot.certificate,
    client(ofRoot),
    "certificate 2 in 'ca.pem' ('CN=client') is no authority (basicConstraints, keyUsage), and lets no client in; put that of its issuer there, 'CN=Root'",
  ],
]

for (const [what, file, who, warning] of AUTHORITIES) {
  test(`clients are let in, or are not, by ${what}`, (t) => isSo(t, file, who, warning))
}

test('clients are let in by one between with its root alone', { skip: unless('openssl') }, async (t) => {
  const files = { 'root.key': issuer.key }
  const args = 'req -x509 -key root.key -subj /CN=Root -out root.pem'.split(' ') // makeCertificate's own allow none between
  const root = { certificate: openssl(t, files, args)('root.pem').toString(), key: issuer.key }
  const between = authority('Between', { issuer: root })
  await isSo(t, between.certificate + root.certificate, client(between), null)
  const remedy = "lets no client in without that of its issuer, 'CN=Root', which is not in the file; add that"
  await isSo(t, between.certificate, client(between), `${IN} ('CN=Between') ${remedy}`)
})

/** Where there is a warning of the file, the client is not let in. */
async function isSo(t: TestContext, file: string, who: MadePair, warning: string | null): Promise<void> {
  assert.deepEqual(warned(t, { files: { 'ca.pem': file }, tls: REQUIRED }), warning === null ? [] : [warning])
  const server = serverWith({ clientCertificates: 'required', clientAuthorities: Buffer.from(file) })
  const pair = await connected(t, server, { cert: who.certificate, key: who.key, maxVersion: 'TLSv1.2' })
  pair.client.write('hello')
  const { result } = await pair.receive()
  assert.equal(result > 0, warning === null, pair.transport.failure?.message)
  pair.transport.close()
}

// ── OCSP ─────────────────────────────────────────────────────────────────────

const RESPONSE = "the OCSP response in 'a.der'"
const about = (wishes: Partial<OcspWishes> = {}) => makeOcspResponse({ of: [first], issuer: between, ...wishes })
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`

for (const [what, response, warning, pems = [first, second]] of [
  ['good', about(), null],
  ['good, by another digest', about({ digest: 'sha256' }), null],
  ['good, without an end', about({ nextUpdate: null }), null],
  ['good, without a chain', about(), null, [first]],
  ['no answer', noOcspAnswer(3), `${RESPONSE} is none that says anything of a certificate (trylater); fetch it anew`],
  [
    'of another',
    about({ of: [second] }),
    `${RESPONSE} is not for ${FIRST}, and clients may refuse that; fetch the one that is`,
  ],
  [
    'of another issuer',
    about({ issuer: root }),
    `${RESPONSE} is not for ${FIRST}, and clients may refuse that; fetch the one that is`,
  ],
  [
    'of another, without a chain',
    about({ of: [second] }),
    `${RESPONSE} is not for ${FIRST}, and clients may refuse that; fetch the one that is`,
    [first],
  ],
  [
    'revoked',
    about({ verdict: 'revoked' }),
    `${RESPONSE} says that ${FIRST} is revoked since TIME, and clients refuse it; get another certificate`,
  ],
  [
    'unknown',
    about({ verdict: 'unknown' }),
    `${RESPONSE} says that its authority does not know ${FIRST}, and clients may refuse that; fetch it anew`,
  ],
  [
    'still to come',
    about({ thisUpdate: 3_600 }),
    `${RESPONSE}, for ${FIRST}, is not good before TIME; is the clock right?`,
  ],
  [
    'too old',
    about({ nextUpdate: -60 }),
    `${RESPONSE}, for ${FIRST}, was good until TIME; fetch a new one, and reload`,
  ],
] as const) {
  test(`an OCSP response: ${what}`, (t) => {
    const files = { 'a.pem': pems.join(''), 'a.key': leaf.key, 'a.der': response }
    const warnings = warned(t, { files, certificates: [{ ocsp: 'a.der' }] })
    assert.deepEqual(
      warnings.map((it) => it.replace(new RegExp(TIME), 'TIME')),
      warning === null ? [] : [warning],
    )
  })
}

// ── the key's file ───────────────────────────────────────────────────────────

test('a file of a key, or of its passphrase, that anybody may read', (t) => {
  const plain = write(t, {})
  const files = { 'a.key': encrypted('secret'), 'a.txt': 'secret' }
  const withPassphrase = write(t, { files, certificates: [{ keyPassphraseFile: 'a.txt' }] })
  const useless = write(t, { files: { 'a.txt': 'secret' }, certificates: [{ keyPassphraseFile: 'a.txt' }] })
  const says = (name: string, what: string) => [
    `anybody on this machine may read '${name}', ${what}; chmod 600 it, or 640`,
  ]
  for (const [{ folder, config }, key, passphrase, ofFolder, warnings] of [
    [plain, 0o644, 0o644, 0o755, says('a.key', 'a private key')],
    [plain, 0o644, 0o644, 0o711, says('a.key', 'a private key')],
    [plain, 0o644, 0o644, 0o750, []],
    [plain, 0o640, 0o644, 0o755, []],
    [plain, 0o600, 0o644, 0o755, []],
    [withPassphrase, 0o644, 0o600, 0o755, []],
    [withPassphrase, 0o600, 0o644, 0o755, says('a.txt', 'a passphrase')],
    [useless, 0o644, 0o600, 0o755, says('a.key', 'a private key')],
  ] as const) {
    chmodSync(join(folder, 'a.key'), key)
    if (config.certificates[0]!.keyPassphraseFile !== null) chmodSync(join(folder, 'a.txt'), passphrase)
    chmodSync(folder, ofFolder)
    assert.deepEqual(
      toldOf(folder, config).warnings,
      warnings,
      `key ${key.toString(8)}, folder ${ofFolder.toString(8)}`,
    )
  }
})

test('a link may lead to it by a folder that is closed', (t) => {
  const { folder, config } = write(t, {})
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'open'))
  mkdirSync(join(folder, 'closed'), { mode: 0o700 })
  renameSync(join(folder, 'a.key'), join(folder, 'open', 'a.key'))
  chmodSync(join(folder, 'open', 'a.key'), 0o644)
  symlinkSync('../open/a.key', join(folder, 'closed', 'a.key'))
  symlinkSync('closed/a.key', join(folder, 'a.key'))
  assert.equal(toldOf(folder, config).warnings.length, 1)
  chmodSync(join(folder, 'open'), 0o700)
  assert.deepEqual(toldOf(folder, config).warnings, [])
})

// ── ciphers ──────────────────────────────────────────────────────────────────

const ofRsa = pairFor('DNS:localhost', { keyType: 'rsa' })
const BOTH: Written = {
  files: { 'b.pem': ofRsa.certificate, 'b.key': ofRsa.key },
  certificates: [{}, { cert: 'b.pem', key: 'b.key' }],
}
const ONLY_RSA: Written = { files: { 'a.pem': ofRsa.certificate, 'a.key': ofRsa.key } }
const [BY_ECDSA, BY_RSA] = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'] as const

for (const [what, written, ciphers, fits] of [
  ['ECDSA', {}, BY_ECDSA, true],
  ['ECDSA', {}, BY_RSA, false],
  ['ECDSA', {}, 'DHE-RSA-AES128-GCM-SHA256', false],
  ['ECDSA', {}, 'eNULL', false],
  ['RSA', ONLY_RSA, BY_RSA, true],
  ['RSA', ONLY_RSA, 'AES128-SHA', true],
  ['RSA', ONLY_RSA, BY_ECDSA, false],
  ['RSA', ONLY_RSA, 'DHE-RSA-AES128-GCM-SHA256', false],
  ['ECDSA', BOTH, BY_ECDSA, true],
  ['ECDSA', BOTH, BY_RSA, true],
  ['ECDSA', BOTH, 'DHE-RSA-AES128-GCM-SHA256', false],
] as const) {
  const names = what === 'ECDSA' && written === BOTH ? 'both' : what
  test(`for clients of TLS 1.2, ${ciphers} with a key of ${names}`, async (t) => {
    const tls = { ciphers }
    const warning =
      `nothing in tls.ciphers ('${ciphers}') can be used with the certificate in 'a.pem' (${what}): clients of TLS 1.2 ` +
      `are refused; add ${what === 'RSA' ? BY_RSA : BY_ECDSA}, or set tls.minVersion to 'TLSv1.3'`
    assert.deepEqual(warned(t, { ...written, tls }), fits ? [] : [warning])
    assert.deepEqual(warned(t, { ...written, tls: { ...tls, minVersion: 'TLSv1.3' } }), [])
    const { config } = write(t, { ...written, tls })
    const server = openTls(config, null, null, NOBODY)!
    const pair = await connected(t, server, {
      ca: issuer.certificate,
      maxVersion: 'TLSv1.2',
      ciphers: 'ALL:@SECLEVEL=0',
    })
    pair.client.write('hello')
    assert.equal((await pair.receive()).result > 0, fits, pair.transport.failure?.message)
    pair.transport.close()
  })
}

test('suites without encryption, or without a certificate', (t) => {
  const says = (names: string) => [
    `tls.ciphers has '${names}', without encryption or without a certificate; take that out`,
  ]
  const warningsOf = (ciphers: string) => warned(t, { tls: { ciphers } })
  assert.deepEqual(warningsOf('ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0'), says('ECDHE-ECDSA-NULL-SHA'))
  assert.deepEqual(warningsOf(`${BY_ECDSA}:AECDH-AES128-SHA:@SECLEVEL=0`), says('AECDH-AES128-SHA'))
  assert.deepEqual(warningsOf(`${BY_ECDSA}:ECDHE-ECDSA-NULL-SHA:@SECLEVEL=2`), [], 'the level keeps it out')
})
