import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { unless } from '../../test/support/curl.ts'
import { makeCertificate } from '../openssl/make-certificate.ts'
import { cert } from './cert.ts'

function scene(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'prefork-cert-'))
  t.after(() => rmSync(root, { recursive: true }))
  const folder = join(root, 'site')
  mkdirSync(folder)
  const home = join(root, 'home', 'prefork')
  let printed = ''
  const run = (...names: string[]) => {
    printed = ''
    const print = (text: string) => {
      printed += text
    }
    return cert(names, { print, folder, home })
  }
  const certificates = (name: string) =>
    readFileSync(join(folder, name), 'latin1')
      .split(/(?<=-----END CERTIFICATE-----\n)/)
      .filter((pem) => pem !== '')
      .map((pem) => new X509Certificate(pem))
  return { folder, home, run, certificates, printed: () => printed }
}

const NOBODY = 65_534
const NOT_ROOT = process.getuid!() !== 0 && 'not root'

const modeOf = (file: string) => statSync(file).mode & 0o777

test('a certificate for this machine, its key, and an authority that vouches for it', (t) => {
  const { folder, home, run, certificates, printed } = scene(t)
  assert.equal(run(), 0)
  const [leaf, authority] = certificates('localhost.pem') as [X509Certificate, X509Certificate]
  assert.equal(leaf.subjectAltName, 'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
  assert.ok(leaf.verify(authority.publicKey) && leaf.checkIssued(authority))
  assert.deepEqual([leaf.ca, authority.ca], [false, true])
  assert.equal(readFileSync(join(home, 'ca.pem'), 'latin1'), authority.toString())
  const files = [
    join(folder, 'localhost.pem'),
    join(folder, 'localhost-key.pem'),
    join(home, 'ca.pem'),
    join(home, 'ca-key.pem'),
  ]
  assert.deepEqual(files.map(modeOf), [0o644, 0o600, 0o644, 0o600])
  assert.equal(modeOf(home), 0o700)
  assert.match(printed(), /--tls-cert \S+localhost\.pem --tls-key \S+localhost-key\.pem\n/)
  assert.match(printed(), /Its authority is new/)
})

test('the authority is made once, and names are as asked', (t) => {
  const { home, run, certificates, printed } = scene(t)
  run('app.test', '*.app.test', '192.0.2.1')
  const authority = readFileSync(join(home, 'ca.pem'), 'latin1')
  run('*.Other.test')
  assert.equal(readFileSync(join(home, 'ca.pem'), 'latin1'), authority)
  assert.doesNotMatch(printed(), /is new/)
  assert.equal(certificates('app.test.pem')[0]!.subjectAltName, 'DNS:app.test, DNS:*.app.test, IP Address:192.0.2.1')
  assert.equal(certificates('_wildcard.Other.test.pem')[0]!.subjectAltName, 'DNS:*.other.test')
})

test('what it makes holds to the letter of RFC 5280', { skip: unless('openssl') }, (t) => {
  const { folder, home, run } = scene(t)
  run()
  const args = ['verify', '-x509_strict', '-CAfile', join(home, 'ca.pem'), join(folder, 'localhost.pem')]
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
})

test('an authority that ends sooner than what it would sign is made anew; its key is for its owner, whoever could read the old one', (t) => {
  const { home, run } = scene(t)
  const [file, keyFile] = [join(home, 'ca.pem'), join(home, 'ca-key.pem')]
  mkdirSync(home, { recursive: true })
  const old = makeCertificate({ commonName: 'old', days: 100, names: null, issuer: null })
  writeFileSync(file, old.certificate, { mode: 0o666 })
  writeFileSync(keyFile, old.key, { mode: 0o666 })
  chmodSync(keyFile, 0o666)
  const reader = openSync(keyFile, 'r')
  t.after(() => closeSync(reader))
  run()
  assert.notEqual(readFileSync(file, 'latin1'), old.certificate)
  assert.deepEqual([modeOf(file), modeOf(keyFile)], [0o644, 0o600])
  assert.equal(readFileSync(reader, 'latin1'), old.key)
  assert.deepEqual(readdirSync(home).sort(), ['ca-key.pem', 'ca.pem'])
})

test("what a run that was cut off has left behind is in nobody's way", (t) => {
  const { folder, home, run } = scene(t)
  mkdirSync(home, { recursive: true })
  const files = [join(folder, 'localhost-key.pem'), join(home, 'ca-key.pem')]
  for (const file of files) writeFileSync(`${file}.new`, 'half of a k', { mode: 0o666 })
  run()
  assert.deepEqual(files.map(modeOf), [0o600, 0o600])
})

const MADE = makeCertificate({ commonName: 'a', days: 3_000, names: null, issuer: null })
const ANOTHER = makeCertificate({ commonName: 'b', days: 3_000, names: null, issuer: null })

/** Null: a directory stands in its place. */
const BROKEN: readonly (readonly [certificate: string | null, key: string | null, says: RegExp])[] = [
  [null, MADE.key, /\/ca\.pem cannot be read \(EISDIR\); /],
  [MADE.certificate, null, /\/ca-key\.pem cannot be read \(EISDIR\); /],
  ['', MADE.key, /\/ca\.pem holds no certificate in PEM, or a damaged one; /],
  [MADE.certificate.slice(0, 200), MADE.key, /\/ca\.pem holds no certificate in PEM, or a damaged one; /],
  [MADE.certificate, '', /\/ca-key\.pem holds no private key in PEM, or a damaged one; /],
  [MADE.certificate, MADE.key.slice(0, 100), /\/ca-key\.pem holds no private key in PEM, or a damaged one; /],
  [MADE.certificate, ANOTHER.key, /\/ca-key\.pem is not the key of the certificate in \/\S+\/ca\.pem; /],
]

for (const [certificate, key, says] of BROKEN) {
  test(`an authority that is damaged is a sentence, and stays as it is: ${says.source}`, (t) => {
    const { folder, home, run } = scene(t)
    mkdirSync(home, { recursive: true })
    const files = [
      [join(home, 'ca.pem'), certificate],
      [join(home, 'ca-key.pem'), key],
    ] as const
    for (const [file, text] of files) text === null ? mkdirSync(file) : writeFileSync(file, text)
    assert.throws(() => run(), { name: 'OperatorError', message: says })
    for (const [file, text] of files) if (text !== null) assert.equal(readFileSync(file, 'latin1'), text)
    assert.deepEqual(readdirSync(folder), [])
  })
}

test('a place where no authority can be kept is a sentence', (t) => {
  const { folder, home, run } = scene(t)
  writeFileSync(join(home, '..'), 'a file')
  assert.throws(() => run(), { name: 'OperatorError', message: `${home} cannot be made (ENOTDIR)` })
  assert.deepEqual(readdirSync(folder), [])
})

test('nothing that is there is written over', (t) => {
  const { folder, run } = scene(t)
  writeFileSync(join(folder, 'localhost-key.pem'), 'mine')
  assert.throws(() => run(), { name: 'OperatorError', message: /localhost-key\.pem is there already/ })
  assert.equal(readFileSync(join(folder, 'localhost-key.pem'), 'latin1'), 'mine')
})

test('what is no name is a sentence, and nothing is made for those beside it', (t) => {
  const { folder, home, run } = scene(t)
  assert.throws(() => run('app.test', 'a b'), { name: 'OperatorError', message: /^'a b' is no host name or address/ })
  assert.deepEqual([readdirSync(folder), existsSync(home)], [[], false])
})

test('names that are written in other ways, and long ones', (t) => {
  const { folder, run, certificates, printed } = scene(t)
  run('[::1]', 'bücher.test.')
  assert.equal(certificates('__1.pem')[0]!.subjectAltName, 'IP Address:0:0:0:0:0:0:0:1, DNS:xn--bcher-kva.test')
  assert.match(printed(), / for ::1, xn--bcher-kva\.test, until .* https:\/\/\[::1\]:8443\/\n/s)
  run('*.app.test')
  assert.match(printed(), / https:\/\/www\.app\.test:8443\/\n/)
  const longest = `${`${'a'.repeat(49)}.`.repeat(5)}abc`
  for (const name of [`${'a'.repeat(60)}.test`, longest]) {
    run(name)
    const file = readdirSync(folder).find((it) => it.startsWith(name.slice(0, 200)) && !it.endsWith('-key.pem'))!
    const [leaf] = certificates(file)
    assert.equal(leaf!.subjectAltName, `DNS:${name}`)
    assert.ok(/^CN=(.*)$/.exec(leaf!.subject)![1]!.length <= 64)
  }
})

test('a folder that may not be written to is found out before an authority is made', { skip: NOT_ROOT }, (t) => {
  const { folder, home, run } = scene(t)
  const root = join(folder, '..')
  chmodSync(root, 0o777)
  chmodSync(folder, 0o555)
  process.seteuid!(NOBODY)
  try {
    const message = `${folder}/localhost-key.pem cannot be written (EACCES)`
    assert.throws(() => run(), { name: 'OperatorError', message })
  } finally {
    process.seteuid!(0)
  }
  assert.deepEqual([readdirSync(folder), existsSync(home)], [[], false])
})

test('one that has gone is a sentence as well', (t) => {
  const { folder, home, run } = scene(t)
  rmSync(folder, { recursive: true })
  assert.throws(() => run(), { name: 'OperatorError', message: /cannot be written \(ENOENT\)$/ })
  assert.equal(existsSync(home), false)
})
