import assert from 'node:assert/strict'
import { isIPv6, SocketAddress as NodeSocketAddress } from 'node:net'
import { test } from 'node:test'
import { AF_INET, AF_INET6, AF_UNIX } from './constants.ts'
import {
  decodeSockaddr,
  domainOf,
  encodeSockaddr,
  formatSocketAddress,
  readIPv6,
  type SocketAddress,
  socketAddress,
} from './sockaddr.ts'

function bytesOf(address: SocketAddress): string {
  return encodeSockaddr(address).bytes.toString('hex')
}

function roundTrip(address: SocketAddress): SocketAddress {
  const { bytes } = encodeSockaddr(address)
  return decodeSockaddr(bytes, 0, bytes.length)
}

/** The text that our reader makes of the text that our writer was given. */
function rewritten(address: string): string {
  const result = roundTrip({ family: 'IPv6', address, port: 0 })
  return result.family === 'IPv6' ? result.address : ''
}

test('text becomes an address of its family', () => {
  assert.deepEqual(socketAddress('127.0.0.1', 80), { family: 'IPv4', address: '127.0.0.1', port: 80 })
  assert.deepEqual(socketAddress('::1'), { family: 'IPv6', address: '::1', port: 0 })
  assert.deepEqual(socketAddress('/run/site.sock'), { family: 'Unix', path: '/run/site.sock' })
})

test('each family has its domain and its way of being written', () => {
  const rows: [SocketAddress, number, string][] = [
    [socketAddress('127.0.0.1', 8080), AF_INET, '127.0.0.1:8080'],
    [socketAddress('::1', 8080), AF_INET6, '[::1]:8080'],
    [socketAddress('/run/site.sock'), AF_UNIX, '/run/site.sock'],
  ]
  for (const [address, domain, text] of rows) {
    assert.equal(domainOf(address), domain)
    assert.equal(formatSocketAddress(address), text)
    assert.deepEqual(roundTrip(address), address)
  }
})

test('an IPv4 address is the family in host order, the port and address in network order', () => {
  assert.equal(bytesOf(socketAddress('192.0.2.1', 8080)), '0200' + '1f90' + 'c0000201' + '0000000000000000')
})

test('an IPv6 address leaves flowinfo and scope at 0', () => {
  const address = '20010db8000000000000000000000001'
  assert.equal(bytesOf(socketAddress('2001:db8::1', 443)), `0a0001bb00000000${address}00000000`)
})

test('a Unix path ends with NUL, an abstract name does not', () => {
  assert.equal(bytesOf(socketAddress('/a')), '0100' + '2f61' + '00')
  assert.equal(bytesOf(socketAddress('\0a')), '0100' + '0061')
  assert.deepEqual(roundTrip(socketAddress('\0a')), { family: 'Unix', path: '\0a' })
})

test('a Unix path has at most 107 bytes', () => {
  const longest = `/${'x'.repeat(106)}`
  assert.deepEqual(roundTrip(socketAddress(longest)), { family: 'Unix', path: longest })
  assert.throws(() => encodeSockaddr(socketAddress(`${longest}x`)), /socket path over 107 bytes/)
  assert.throws(() => encodeSockaddr(socketAddress(`/${'é'.repeat(54)}`)), RangeError, 'bytes count, not characters')
})

test('a port is 16 bits', () => {
  assert.equal(roundTrip(socketAddress('127.0.0.1', 65_535)).family, 'IPv4')
  assert.throws(() => encodeSockaddr(socketAddress('127.0.0.1', 65_536)), RangeError)
  assert.throws(() => encodeSockaddr(socketAddress('127.0.0.1', -1)), RangeError)
})

test('an unnamed Unix socket has an empty path, whatever the memory held before', () => {
  const { bytes } = encodeSockaddr(socketAddress('/left/from/before'))
  assert.deepEqual(decodeSockaddr(bytes, 0, 2), { family: 'Unix', path: '' })
  const stale = encodeSockaddr(socketAddress('192.0.2.1', 80)).bytes
  assert.deepEqual(decodeSockaddr(stale, 0, 0), { family: 'Unix', path: '' }, 'the kernel wrote nothing')
})

/** RFC 4291 §2.2 and RFC 5952 §4, by example. */
const TEXTS: [string, string][] = [
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
  ['2001:0db8::0001', '2001:db8::1'],
  ['2001:DB8::A', '2001:db8::a'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['0:0:1::', '0:0:1::'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['::FFFF:C000:201', '::ffff:192.0.2.1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['fe80::1%eth0', 'fe80::1'],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
]

for (const [text, canonical] of TEXTS) {
  test(`${text} is written ${canonical}`, () => assert.equal(rewritten(text), canonical))
}

test('every pattern of zero groups is written as the URL standard writes it, and read back by Node', () => {
  for (let pattern = 0; pattern < 256; pattern++) {
    const bytes = Buffer.alloc(16)
    for (let i = 0; i < 8; i++) bytes.writeUInt16BE((pattern >> i) & 1 ? 0xab0 + i : 0, 2 * i)
    const text = readIPv6(bytes, 0)
    const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':')

    assert.ok(isIPv6(text), text)
    assert.equal(`[${text}]`, new URL(`http://[${groups}]`).hostname)
    assert.equal(encodeSockaddr(socketAddress(text)).bytes.toString('hex', 8, 24), bytes.toString('hex'))
  }
})

test('addresses as inet_ntop writes them', () => {
  for (const address of ['2001:db8::1', '::ffff:192.0.2.1', 'fe80:0:0:1::', '1:0:2:0:0:3:0:0', '::1']) {
    assert.equal(rewritten(address), new NodeSocketAddress({ address, family: 'ipv6' }).address)
  }
})
