import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostAsWritten, hostOfAuthority } from './host-name.ts'

const ASKED: readonly (readonly [authority: string, name: string])[] = [
  ['www.example.com', 'www.example.com'],
  ['WWW.Example.COM', 'www.example.com'],
  ['www.example.com.', 'www.example.com'],
  ['www.example.com:8080', 'www.example.com'],
  ['www.example.com.:8080', 'www.example.com'],
  ['www.example.com:', 'www.example.com'],
  ['127.0.0.1:80', '127.0.0.1'],
  ['[::1]', '[::1]'],
  ['[::1]:80', '[::1]'],
  ['[0:0:0:0:0:0:0:1]', '[::1]'],
  ['[2001:DB8::0:1]:443', '[2001:db8::1]'],
  ['', ''],
  ['.', ''],
  ['a..', 'a.'],
  ['*.example.com', '*.example.com'],
  ['www.%65xample.com', 'www.example.com'],
  ['www%2eexample.com:80', 'www.example.com'],
  ['%EF%BD%97ww.example.com', 'www.example.com'], // fullwidth
  ['ww%C2%ADw.example.com', 'www.example.com'], // soft hyphen
  ['www%E3%80%82example.com', 'www.example.com'], // ideographic full stop
  ['127.1', '127.0.0.1'],
  ['2130706433:80', '127.0.0.1'],
  ['0x7f000001', '127.0.0.1'],
  ['XN--BCHER-KVA.de', 'xn--bcher-kva.de'],
  ['www%00.example.com', 'www%00.example.com'],
]

for (const [authority, name] of ASKED) {
  test(`a request for '${authority}' is for '${name}'`, () => assert.equal(hostOfAuthority(authority), name))
}

for (const [authority, name] of ASKED) {
  if (!URL.canParse(`http://${authority}/`)) continue
  test(`a URL with '${authority}' has that host, too`, () => {
    assert.equal(new URL(`http://${authority}/`).hostname.replace(/\.$/, ''), name)
  })
}

const WRITTEN: readonly (readonly [text: string, name: string])[] = [
  ['*', '*'],
  ['www.example.com', 'www.example.com'],
  ['WWW.example.com.', 'www.example.com'],
  ['*.Example.com', '*.example.com'],
  ['localhost', 'localhost'],
  ['my_host', 'my_host'],
  ['bücher.de', 'xn--bcher-kva.de'],
  ['*.한국', '*.xn--3e0b707e'],
  ['::1', '[::1]'],
  ['[0::1]', '[::1]'],
  ['192.0.2.1', '192.0.2.1'],
]

for (const [text, name] of WRITTEN) {
  test(`'${text}' is the host '${name}'`, () => assert.deepEqual(hostAsWritten(text), { name }))
}

const REFUSED: readonly (readonly [text: string, mistake: RegExp])[] = [
  ['', /no name of a host/],
  ['http://example.com', /write the name alone/],
  ['example.com/a', /write the name alone/],
  ['a@example.com', /write the name alone/],
  ['example.com:80', /has a port/],
  ['[::1]:80', /has a port/],
  ['*example.com', /whole name at the front/],
  ['www.*.com', /whole name at the front/],
  ['*.*.com', /whole name at the front/],
  ['*.', /no name of a host/],
  ['a b', /write the name alone/],
  ['a..b', /no name of a host/],
  ['fe80::1%eth0', /zone/],
]

for (const [text, mistake] of REFUSED) {
  test(`'${text}' is refused: ${mistake.source}`, () => {
    const found = hostAsWritten(text)
    assert.ok('mistake' in found, JSON.stringify(found))
    assert.match(found.mistake, mistake)
  })
}

test('what is written is found by a request that writes it so', () => {
  for (const [text, name] of WRITTEN)
    if (!/[*ü한]/.test(text) && text !== '::1') assert.equal(hostOfAuthority(text), name)
})
