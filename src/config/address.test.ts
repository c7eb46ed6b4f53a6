import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress, parseHost, resolveHost } from './address.ts'

test('an IPv4 address and its port', () => {
  assert.equal(formatAddress({ host: '127.0.0.1', port: 8080 }), '127.0.0.1:8080')
})
test('an IPv6 address is bracketed before its port', () => {
  assert.equal(formatAddress({ host: '::1', port: 8080 }), '[::1]:8080')
})

const LITERALS: readonly (readonly [string, ReturnType<typeof parseHost>])[] = [
  ['127.0.0.1', { host: '127.0.0.1', family: 4 }],
  ['0.0.0.0', { host: '0.0.0.0', family: 4 }],
  ['::', { host: '::', family: 6 }],
  ['[::1]', { host: '::1', family: 6 }],
  ['::ffff:127.0.0.1', { host: '::ffff:127.0.0.1', family: 6 }],
  ['127.1', null],
  ['256.0.0.1', null],
  ['localhost', null],
  ['[127.0.0.1', null],
]

for (const [text, host] of LITERALS) {
  test(`'${text}' is ${host === null ? 'no literal' : `IPv${host.family}`}`, () =>
    assert.deepEqual(parseHost(text), host))
}

test('localhost is a loopback address, by number', async () => {
  const { host } = await resolveHost('localhost', '--host')
  assert.ok(['127.0.0.1', '::1'].includes(host), host)
})

const REFUSED: readonly (readonly [string, string])[] = [
  ['*', "--host is '*': to listen on every address, give 0.0.0.0 (IPv4) or :: (IPv6)"],
  ['localhost:80', "--host is 'localhost:80': give the host alone, and its port with --port"],
  [':80', "--host is ':80': give the host alone, and its port with --port"],
  ['[::1]:80', "--host is '[::1]:80': give the host alone, and its port with --port"],
  ['http://x', "--host is 'http://x': give a host without scheme or path, such as 127.0.0.1"],
  ['fe80::1%lo', "--host is 'fe80::1%lo': an IPv6 zone is not supported; give an address without one, or :: for all"],
]

for (const [text, sentence] of REFUSED) {
  test(sentence, () => assert.rejects(resolveHost(text, '--host'), { name: 'OperatorError', message: sentence }))
}

// RFC 6761 §6.4: no resolver may ever find an address for .invalid.
test('a name without an address is refused with the remedy', () =>
  assert.rejects(resolveHost('prefork.invalid', 'HOST in the environment'), {
    name: 'OperatorError',
    message:
      /^HOST in the environment is 'prefork\.invalid', which has no address \(\w+\); give an IP address, or a name this machine can look up$/,
  }))
