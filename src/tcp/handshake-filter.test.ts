import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ARPHRD_LOOPBACK,
  ETH_P_IP,
  ETH_P_IPV6,
  IPPROTO_UDP,
  PACKET_HOST,
  PACKET_OUTGOING,
} from '../kernel/constants.ts'
import { runBpf } from './bpf.test.support.ts'
import { acksFilter, KEPT_BYTES, PORTS_MAX, turnsFilter } from './handshake-filter.ts'
import { ACK, CWR, ECE, FIN, PSH, packetOf, RST, type Segment, SYN } from './segments.test.support.ts'

const OURS = [80, 8080]
const ETHERNET = 1
const PACKET_OTHERHOST = 3
const TO_US = { from: '192.0.2.1', fromPort: 50_000, to: '192.0.2.2', toPort: 8080, flags: SYN }
const FROM_US = { from: '192.0.2.2', fromPort: 8080, to: '192.0.2.1', toPort: 50_000, flags: SYN | ACK }
const TO_US_V6 = { ...TO_US, from: '2001:db8::1', to: '2001:db8::2' }
const FROM_US_V6 = { ...FROM_US, from: '2001:db8::2', to: '2001:db8::1' }

/** The filters that keep the packet: `turns`, `acks`, or neither. */
function keptBy(
  segment: Segment,
  { packetType = PACKET_HOST, hardwareType = ETHERNET, protocol = 0, length = Number.POSITIVE_INFINITY } = {},
): string {
  const whole = packetOf(segment)
  const bytes = whole.subarray(0, Math.min(length, whole.length))
  const passing = { bytes, packetType, hardwareType, protocol: protocol || (bytes[0] === 0x60 ? ETH_P_IPV6 : ETH_P_IP) }
  const filters = { turns: turnsFilter(OURS), acks: acksFilter(OURS) }
  return Object.entries(filters)
    .filter(([, filter]) => {
      const kept = runBpf(filter, passing)
      assert.ok(kept === 0 || kept === KEPT_BYTES)
      return kept > 0
    })
    .map(([name]) => name)
    .join(' ')
}

const OUT = { packetType: PACKET_OUTGOING }
const LOOPBACK_IN = { hardwareType: ARPHRD_LOOPBACK }
const LOOPBACK_OUT = { ...OUT, ...LOOPBACK_IN }

for (const [name, toUs, fromUs] of [
  ['IPv4', TO_US, FROM_US],
  ['IPv6', TO_US_V6, FROM_US_V6],
] as const) {
  test(`${name}: how a connection begins and ends is kept, both ways`, () => {
    for (const flags of [SYN, SYN | ECE | CWR, FIN | ACK, FIN | PSH | ACK, RST, RST | ACK]) {
      assert.equal(keptBy({ ...toUs, flags }), 'turns')
      assert.equal(keptBy({ ...toUs, flags, toPort: 80 }), 'turns')
      assert.equal(keptBy({ ...fromUs, flags }, OUT), 'turns')
    }
    assert.equal(keptBy({ ...toUs, flags: FIN | ACK, data: Buffer.from('the end') }), 'turns')
  })

  test(`${name}: an ACK of a client is kept when it is nothing else`, () => {
    const ack = { ...toUs, flags: ACK }
    assert.equal(keptBy(ack), 'acks')
    assert.equal(keptBy({ ...ack, flags: ACK | ECE }), 'acks')
    assert.equal(keptBy({ ...ack, tcpOptions: Buffer.alloc(12, 1) }), 'acks')
    assert.equal(keptBy({ ...ack, data: Buffer.from('x') }), '')
    assert.equal(keptBy({ ...ack, tcpOptions: Buffer.alloc(12, 1), data: Buffer.from('x') }), '')
    assert.equal(keptBy({ ...ack, flags: ACK | PSH }), '')
    assert.equal(keptBy({ ...fromUs, flags: ACK }, OUT), '', 'of ours there is no need')
  })

  test(`${name}: other ports are not ours, nor is a client's port that is the same by chance`, () => {
    for (const flags of [SYN, ACK]) {
      assert.equal(keptBy({ ...toUs, flags, toPort: 81 }), '')
      assert.equal(keptBy({ ...toUs, flags, fromPort: 8080, toPort: 443 }), '', 'in from a port like ours')
      assert.equal(keptBy({ ...toUs, flags }, OUT), '', "out to another server's port like ours")
      assert.equal(keptBy({ ...fromUs, flags }), '', 'in from there')
    }
  })

  test(`${name}: on loopback each packet is kept as it comes in`, () => {
    assert.equal(keptBy(toUs, LOOPBACK_IN), 'turns')
    assert.equal(keptBy(fromUs, LOOPBACK_IN), 'turns')
    assert.equal(keptBy(toUs, LOOPBACK_OUT), '')
    assert.equal(keptBy(fromUs, LOOPBACK_OUT), '')
    assert.equal(keptBy({ ...toUs, flags: ACK }, LOOPBACK_IN), 'acks')
    assert.equal(keptBy({ ...toUs, flags: ACK }, LOOPBACK_OUT), '')
    assert.equal(keptBy({ ...fromUs, flags: ACK }, LOOPBACK_IN), '')
    assert.equal(keptBy({ ...toUs, toPort: 81 }, LOOPBACK_IN), '')
  })

  test(`${name}: what is for other machines, what is not TCP, and what is cut is not kept`, () => {
    assert.equal(keptBy(toUs, { packetType: PACKET_OTHERHOST }), '')
    assert.equal(keptBy({ ...toUs, flags: ACK }, { packetType: PACKET_OTHERHOST }), '')
    assert.equal(keptBy({ ...toUs, protocol: IPPROTO_UDP }), '')
    assert.equal(keptBy(toUs, { protocol: 0x8847 }), '', 'MPLS, whose bytes may look like IP')
    for (let length = 0; length < packetOf(toUs).length - 6; length++) {
      assert.equal(keptBy(toUs, { length }), '')
      assert.equal(keptBy({ ...toUs, flags: ACK }, { length }), '')
    }
  })
}

test('options of IPv4 move the TCP header', () => {
  for (let words = 1; words <= 10; words++) {
    const ipOptions = Buffer.alloc(4 * words, 1)
    assert.equal(keptBy({ ...TO_US, ipOptions }), 'turns')
    assert.equal(keptBy({ ...TO_US, ipOptions, flags: ACK }), 'acks')
    assert.equal(keptBy({ ...TO_US, ipOptions, toPort: 81 }), '')
  }
})

test('of fragments the first has the header', () => {
  assert.equal(keptBy({ ...TO_US, fragment: 0x2000 }), 'turns')
  assert.equal(keptBy({ ...TO_US, fragment: 0x0001 }), '')
  assert.equal(keptBy({ ...TO_US, fragment: 0x2000 | 100 }), '')
  assert.equal(keptBy({ ...TO_US, fragment: 0x1fff, flags: ACK }), '')
})

test('of as many ports as a filter takes each is found, and no jump is too long', () => {
  const ports = Array.from({ length: PORTS_MAX }, (_, i) => 1000 + i)
  const known = { packetType: PACKET_HOST, hardwareType: ARPHRD_LOOPBACK, protocol: ETH_P_IP }
  for (const filter of [turnsFilter(ports), acksFilter(ports)]) {
    assert.ok(filter.every(({ jt, jf }) => jt >= 0 && jt <= 255 && jf >= 0 && jf <= 255))
  }
  for (const port of [999, ...ports, 1000 + PORTS_MAX]) {
    const isOurs = ports.includes(port)
    const kept = (filter: typeof turnsFilter, segment: Segment) =>
      runBpf(filter(ports), { ...known, bytes: packetOf(segment) }) > 0
    assert.equal(kept(turnsFilter, { ...TO_US, toPort: port }), isOurs)
    assert.equal(kept(turnsFilter, { ...FROM_US, fromPort: port }), isOurs)
    assert.equal(kept(acksFilter, { ...TO_US, toPort: port, flags: ACK }), isOurs)
  }
  assert.throws(() => turnsFilter([...ports, 1]), RangeError)
  assert.throws(() => acksFilter([...ports, 1]), RangeError)
})

test('without ports nothing is kept', () => {
  const passing = {
    bytes: packetOf(TO_US),
    packetType: PACKET_HOST,
    hardwareType: ARPHRD_LOOPBACK,
    protocol: ETH_P_IP,
  }
  assert.equal(runBpf(turnsFilter([]), passing), 0)
})
