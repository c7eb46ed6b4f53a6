import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNetwork } from './networks.ts'

const RIGHT: readonly (readonly [text: string, network: object])[] = [
  ['all', { kind: 'all' }],
  ['unix:', { kind: 'unix' }],
  ['192.0.2.1', { kind: 'subnet', address: '192.0.2.1', prefix: 32, family: 'ipv4' }],
  ['10.0.0.0/8', { kind: 'subnet', address: '10.0.0.0', prefix: 8, family: 'ipv4' }],
  ['0.0.0.0/0', { kind: 'subnet', address: '0.0.0.0', prefix: 0, family: 'ipv4' }],
  ['::1', { kind: 'subnet', address: '::1', prefix: 128, family: 'ipv6' }],
  ['2001:db8::/32', { kind: 'subnet', address: '2001:db8::', prefix: 32, family: 'ipv6' }],
]

for (const [text, network] of RIGHT) test(`'${text}' is a network`, () => assert.deepEqual(parseNetwork(text), network))

const REFUSED: readonly (readonly [text: string, mistake: RegExp])[] = [
  ['', /write an address or a network/],
  ['10.0.0', /write an address or a network/],
  ['10.0.0.0/', /write an address or a network/],
  ['10.0.0.0/-1', /write an address or a network/],
  ['10.0.0.0/255.0.0.0', /write an address or a network/],
  ['010.0.0.1', /write an address or a network/],
  ['[::1]', /write an address or a network/],
  ['example.com', /write an address or a network/],
  ['fe80::1%eth0', /write an address or a network/],
  ['10.0.0.0/33', /32 bits/],
  ['::/129', /128 bits/],
  ['::ffff:10.0.0.1', /write the IPv4 address/],
]

for (const [text, mistake] of REFUSED) {
  test(`'${text}' is refused: ${mistake.source}`, () => {
    const found = parseNetwork(text)
    assert.ok('mistake' in found, JSON.stringify(found))
    assert.match(found.mistake, mistake)
  })
}
