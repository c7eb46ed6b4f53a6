import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
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
    return cert(names, { print: (text) => void (printed += text), folder, home })
  }
  const certificates = (name: string) =>
    readFileSync(join(folder, name), 'latin1')
      .split(/(?<=-----END CERTIFICATE-----\n)/)
      .filter((pem) => pem !== '')
      .map((pem) => new X509Certificate(pem))
  return { folder, home, run, certificates, printed: () => printed }
}

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

test('an authority that ends sooner than what it would sign is made anew', (t) => {
  const { home, run } = scene(t)
  mkdirSync(home, { recursive: true })
  const old = makeCertificate({ commonName: 'old', days: 100, names: null, issuer: null })
  writeFileSync(join(home, 'ca.pem'), old.certificate)
  writeFileSync(join(home, 'ca-key.pem'), old.key)
  run()
  assert.notEqual(readFileSync(join(home, 'ca.pem'), 'latin1'), old.certificate)
})

test('nothing that is there is written over', (t) => {
  const { folder, run } = scene(t)
  writeFileSync(join(folder, 'localhost-key.pem'), 'mine')
  assert.throws(() => run(), { name: 'OperatorError', message: /localhost-key\.pem is there already/ })
  assert.equal(readFileSync(join(folder, 'localhost-key.pem'), 'latin1'), 'mine')
})

for (const name of ['', 'a b', '-a', 'a.-b', 'a..b', 'a.*.b', 'https://a', 'a,DNS:b', `${'a'.repeat(64)}`, 'ä']) {
  test(`no name: '${name}'`, (t) => {
    const { run } = scene(t)
    assert.throws(() => run(name), { name: 'OperatorError', message: /is no host name or address/ })
  })
}
