import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alternativeName, certificateName, commonNameOf } from './cert-names.ts'

const LONG = `${'a'.repeat(60)}.${'b'.repeat(60)}.test`
const LONGEST = `${`${'a'.repeat(49)}.`.repeat(5)}abc`

/** What is written, and what the certificate has. */
const NAMES: readonly (readonly [written: string, alternative: string])[] = [
  ['localhost', 'DNS:localhost'],
  ['App.Test', 'DNS:app.test'],
  ['app.test.', 'DNS:app.test'],
  ['*.app.test', 'DNS:*.app.test'],
  ['3.app.test', 'DNS:3.app.test'],
  ['127.0.0.1', 'IP:127.0.0.1'],
  ['::1', 'IP:::1'],
  ['[::1]', 'IP:::1'],
  ['[2001:DB8::1]', 'IP:2001:DB8::1'],
  ['bücher.test', 'DNS:xn--bcher-kva.test'],
  ['*.BÜCHER.test.', 'DNS:*.xn--bcher-kva.test'],
  ['한국.test', 'DNS:xn--3e0b707e.test'],
  [LONG, `DNS:${LONG}`],
  [LONGEST, `DNS:${LONGEST}`],
]

for (const [written, alternative] of NAMES) {
  test(`'${written}' is ${alternative}`, () => assert.equal(alternativeName(certificateName(written)), alternative))
}

/** What is written, and what is said of it. */
const MISTAKES: readonly (readonly [written: string, remedy: RegExp])[] = [
  ['', /^'' is no host name or address; give localhost, app\.test, \*\.app\.test or 127\.0\.0\.1$/],
  ['.', /^'\.' is no host name or address; give localhost/],
  ['a b', /; give each name as a word of its own: prefork cert app\.test api\.test$/],
  [' a', /; give localhost/],
  ['*', /; a wildcard is in place of the first of several labels: \*\.app\.test$/],
  ['*.', /; a wildcard is/],
  ['a.*.b', /; a wildcard is/],
  ['w*.app.test', /; a wildcard is/],
  ['http://x', /; give the host alone, without scheme and path: x$/],
  ['https://app.test:8443/a?b', /; give the host alone, without scheme and path: app\.test$/],
  ['http://', /; give the host alone, without scheme and path$/],
  ['app.test/a', /; give the host alone, without a path$/],
  ['localhost:8443', /; give it without the port/],
  ['[::1]:8443', /; give it without the port/],
  ['fe80::1%eth0', /; give an IPv6 address without its zone$/],
  ['[localhost]', /; give localhost/],
  ['256.1.1.1', /; give localhost/],
  ['127.1', /; give localhost/],
  ['-a', /; give localhost/],
  ['a.-b', /; give localhost/],
  ['a..b', /; give localhost/],
  ['a..', /; give localhost/],
  ['a,DNS:b', /; give localhost/],
  ['ä b', /; give each name/],
  ['ä..b', /; give localhost/],
  ['a'.repeat(64), /; give localhost/],
  [`a${LONGEST}`, /; give localhost/],
  ['a\nb', /^'a\\nb' is no host name/],
]

for (const [written, says] of MISTAKES) {
  test(`${JSON.stringify(written)} is no name, and why is said`, () =>
    assert.throws(() => certificateName(written), { name: 'OperatorError', message: says }))
}

test('what people read is the first name that is short enough to stand there', () => {
  assert.equal(commonNameOf(['a.test', 'b.test']), 'a.test')
  assert.equal(commonNameOf([LONG, 'b.test']), 'b.test')
  assert.ok(commonNameOf([LONG]).length <= 64)
})
