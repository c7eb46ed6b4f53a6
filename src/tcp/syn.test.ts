import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../test/support/random.ts'
import { AF_INET, AF_INET6, SOCK_STREAM } from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { accept4, bind, connect, getsockname, listen, socket } from '../kernel/socket.ts'
import { savedSyn, saveSyn } from '../kernel/tcp.ts'
import { ACK, packetOf, RST, type Segment, SYN } from './segments.test.support.ts'
import { decodeSyn, tcpHeaderAt } from './syn.ts'

const CLIENT = { from: '192.0.2.1', fromPort: 50_000, to: '192.0.2.2', toPort: 80, flags: SYN, window: 64_240 }
const NOTHING_SAID = {
  mss: null,
  windowScale: null,
  hasSack: false,
  hasTimestamps: false,
  ttl: 64,
  window: 64_240,
}

/** Of a SYN with these bytes of options, over either IP. */
function check(options: readonly number[], expected: object): void {
  for (const addresses of [{}, { from: '2001:db8::1', to: '2001:db8::2' }]) {
    const tcpOptions = Buffer.alloc(4 * Math.ceil(options.length / 4))
    tcpOptions.set(options)
    const bytes = packetOf({ ...CLIENT, ...addresses, tcpOptions })
    assert.deepEqual(decodeSyn(bytes), { ...NOTHING_SAID, ...expected })
    const within = Buffer.concat([Buffer.alloc(7, 0xff), bytes, Buffer.alloc(9, 2)])
    assert.deepEqual(decodeSyn(within, 7, 7 + bytes.length), { ...NOTHING_SAID, ...expected }, 'anywhere in a buffer')
  }
}

for (const [address, domain] of [
  ['127.0.0.1', AF_INET],
  ['::1', AF_INET6],
] as const) {
  test(`the SYN of a real connection from ${address}`, (t) => {
    const fds = [socket(domain, SOCK_STREAM), socket(domain, SOCK_STREAM)]
    t.after(() => fds.forEach(close))
    const [listener, client] = fds as [Fd, Fd]
    bind(listener, socketAddress(address))
    listen(listener, 7)
    saveSyn(listener, true)
    connect(client, getsockname(listener))
    const connection = accept4(listener, 0)!
    fds.push(connection)
    const { windowScale, window, ...others } = decodeSyn(savedSyn(connection)!)!
    // The loopback device takes 65 536 bytes at once, an IPv4 packet 65 535; of which 40 or 60 are headers.
    const mss = domain === AF_INET ? 65_495 : 65_476
    assert.deepEqual(others, { mss, hasSack: true, hasTimestamps: true, ttl: 64 })
    assert.ok(windowScale !== null && windowScale <= 14)
    assert.ok(window > 0)
  })
}

test('a SYN without options says nothing', () => check([], {}))
test('the largest segment', () => check([2, 4, 0x05, 0xb4], { mss: 1460 }))
test('the window scale', () => check([1, 3, 3, 7], { windowScale: 7 }))
test('a scale over 14 means 14', () => check([1, 3, 3, 200], { windowScale: 14 }))
test('selective acknowledgements', () => check([1, 1, 4, 2], { hasSack: true }))
test('timestamps', () => check([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0], { hasTimestamps: true }))
test('as Linux sends them', () =>
  check([2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 10], {
    mss: 1460,
    windowScale: 10,
    hasSack: true,
    hasTimestamps: true,
  }))
test('what comes after the end is none', () => check([4, 2, 0, 2, 4, 5, 6, 0], { hasSack: true }))
test('one that is not known is skipped', () => check([34, 6, 1, 2, 3, 4, 4, 2], { hasSack: true }))
test('one of a length that is not its own says nothing', () => check([2, 3, 1, 3, 4, 1, 2, 4, 4, 2, 0, 0], {}))
test('one without a length ends them', () => check([4, 0, 2, 4, 5, 6, 4, 2], {}))
test('one that is cut ends them', () => check([4, 2, 2, 4], { hasSack: true }))
test('one whose length is missing ends them', () => check([1, 1, 1, 2], {}))

test('what has no SYN in it', () => {
  const none = (segment: Partial<Segment>) => assert.equal(decodeSyn(packetOf({ ...CLIENT, ...segment })), null)
  none({ flags: ACK })
  none({ flags: RST | ACK })
  none({ protocol: 17 })
  none({ fragment: 1 })
  assert.notEqual(decodeSyn(packetOf({ ...CLIENT, flags: SYN | ACK })), null, 'one that is answered is one')
  assert.equal(decodeSyn(Buffer.alloc(0)), null)
  const headerTooShort = packetOf(CLIENT)
  headerTooShort[32] = 0x40
  assert.equal(decodeSyn(headerTooShort), null)
})

test('any bytes are read to their end and no further', (t) => {
  const random = seededRandom(t)
  const bases = [CLIENT, { ...CLIENT, from: '2001:db8::1', to: '2001:db8::2' }].map((segment) =>
    packetOf({
      ...segment,
      tcpOptions: Buffer.from([2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 10]),
    }),
  )
  for (let i = 0; i < 50_000; i++) {
    const base = Buffer.from(bases[random(2)]!)
    for (let changes = random(6); changes > 0; changes--) base[random(base.length)] = random(256)
    const bytes = base.subarray(0, random(base.length + 1))
    const from = random(4) === 0 ? random(bytes.length + 1) : 0
    // A reader who goes beyond meets another byte each time, and so has two answers.
    const answers = [0x00, 0xff].map((beyond) => {
      const room = Buffer.alloc(160, beyond)
      bytes.copy(room)
      const header = tcpHeaderAt(room, from, bytes.length)
      assert.ok(header === -1 || (header >= from + 20 && header + 20 <= bytes.length))
      return decodeSyn(room, from, bytes.length)
    })
    assert.deepEqual(answers[0], answers[1])
    assert.deepEqual(answers[0], decodeSyn(bytes, from))
  }
})
