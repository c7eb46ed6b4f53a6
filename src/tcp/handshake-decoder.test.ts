/** With rings made by hand: of what loopback cannot show. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ARPHRD_LOOPBACK, PACKET_HOST, PACKET_OUTGOING, TP_STATUS_USER } from '../kernel/constants.ts'
import { allocate } from '../kernel/memory.ts'
import { PacketRing } from '../kernel/packet.ts'
import { formatSocketAddress } from '../kernel/sockaddr.ts'
import { HandshakeDecoder, type HandshakePacket } from './handshake-decoder.ts'
import { ACK, FIN, packetOf, RST, type Segment, SYN } from './segments.test.support.ts'

const ETHERNET = 1
const LEAD_MS = 1_000_000
const CLIENT = '192.0.2.1'
const SERVER = '192.0.2.2'

interface Frame extends Partial<Segment> {
  readonly ms?: number
  readonly device?: number
  readonly packetType?: number
  readonly hardwareType?: number
}

const TO_US: Frame & Segment = { from: CLIENT, fromPort: 50_000, to: SERVER, toPort: 80, flags: SYN }
const FROM_US: Frame & Segment = { from: SERVER, fromPort: 80, to: CLIENT, toPort: 50_000, flags: SYN | ACK }
const OUT = { packetType: PACKET_OUTGOING }

/** As the kernel fills it. */
function ringOf(frames: readonly (Frame & Segment)[]): PacketRing {
  const memory = allocate(256 * Math.max(frames.length, 1))
  for (const [i, frame] of frames.entries()) {
    const bytes = memory.bytes.subarray(256 * i, 256 * (i + 1))
    const packet = packetOf(frame)
    const ms = LEAD_MS + (frame.ms ?? i)
    bytes.writeUInt32LE(TP_STATUS_USER, 0)
    bytes.writeUInt32LE(Math.min(packet.length, 120), 8)
    bytes.writeUInt16LE(80, 14)
    bytes.writeUInt32LE(Math.floor(ms / 1000), 16)
    bytes.writeUInt32LE(Math.round((ms % 1000) * 1e6), 20)
    bytes.writeInt32LE(frame.device ?? 2, 36)
    bytes.writeUInt16LE(frame.hardwareType ?? ETHERNET, 40)
    bytes.writeUInt8(frame.packetType ?? PACKET_HOST, 42)
    packet.copy(bytes, 80, 0, 120)
  }
  return new PacketRing(memory)
}

function decode(
  kind: 'turn' | 'ack',
  frames: readonly (Frame & Segment)[],
  decoder = new HandshakeDecoder([80]),
): HandshakePacket[] {
  const ring = ringOf(frames)
  return frames.flatMap(() => {
    const packet = decoder[kind](ring, LEAD_MS)
    ring.release()
    return packet ?? []
  })
}

/** `1.5 in 192.0.2.1:50000 → 80 syn 7 0`. */
function textOf({ atMs, way, client, port, flags, seq, ack }: HandshakePacket): string {
  const names = Object.entries(flags).flatMap(([name, isSet]) => (isSet ? name : []))
  return `${atMs} ${way} ${formatSocketAddress(client)} ${port} ${names.join('+')} ${seq} ${ack}`
}

const told = (...[kind, frames, decoder]: Parameters<typeof decode>) => decode(kind, frames, decoder).map(textOf)

test('who, which way, which step, and when', () => {
  const frames = [
    { ...TO_US, ms: 1.5, seq: 7 },
    { ...FROM_US, ...OUT, seq: 0xffffffff, ack: 8 },
    { ...TO_US, flags: FIN | ACK, seq: 8, ack: 0 },
    { ...FROM_US, ...OUT, flags: RST, from: '2001:db8::2', to: '2001:db8::1', seq: 9 },
  ]
  assert.deepEqual(told('turn', frames), [
    '1.5 in 192.0.2.1:50000 80 syn 7 0',
    '1 out 192.0.2.1:50000 80 syn+ack 4294967295 8',
    '2 in 192.0.2.1:50000 80 ack+fin 8 0',
    '3 out [2001:db8::1]:50000 80 rst 9 0',
  ])
})

test('a SYN and what answers it say what their senders can; others do not', () => {
  const tcpOptions = Buffer.from([2, 4, 5, 0xb4, 1, 3, 3, 9, 1, 1, 4, 2])
  const frames = [
    { ...TO_US, tcpOptions, ttl: 57, window: 1000 },
    { ...FROM_US, ...OUT, ttl: 63 },
    { ...TO_US, flags: FIN | ACK, tcpOptions },
  ]
  const nothing = { mss: null, windowScale: null, hasSack: false, hasTimestamps: false, ttl: 63, window: 65_535 }
  assert.deepEqual(
    decode('turn', frames).map(({ synOptions }) => synOptions),
    [{ mss: 1460, windowScale: 9, hasSack: true, hasTimestamps: false, ttl: 57, window: 1000 }, nothing, null],
  )
})

test('the longest headers there are', () => {
  const tcpOptions = Buffer.concat([Buffer.alloc(36, 1), Buffer.from([2, 4, 5, 0xb4])])
  const [packet] = decode('turn', [{ ...TO_US, ipOptions: Buffer.alloc(40, 1), tcpOptions, data: Buffer.alloc(90) }])
  assert.equal(packet!.synOptions!.mss, 1460)
})

test('an ACK counts that ends a handshake, and once', () => {
  const decoder = new HandshakeDecoder([80])
  const ack = { ...TO_US, flags: ACK, ack: 0 }
  assert.deepEqual(told('ack', [ack], decoder), [], 'nobody has begun')
  decode('turn', [{ ...FROM_US, ...OUT, seq: 0xffffffff }], decoder)
  assert.deepEqual(told('ack', [{ ...ack, ack: 1 }], decoder), [], 'of data')
  assert.deepEqual(told('ack', [{ ...ack, fromPort: 50_001 }], decoder), [], "another client's")
  assert.deepEqual(told('ack', [ack, ack], decoder), ['0 in 192.0.2.1:50000 80 ack 1 0'])
})

test('a flood of SYNs that nobody ends does not make others forgotten at once, nor is all of it kept', () => {
  const decoder = new HandshakeDecoder([80])
  const synAck = (seq: number) => ({ ...FROM_US, ...OUT, seq, ms: 10 * seq })
  const endsHandshake = (seq: number) => decode('ack', [{ ...TO_US, flags: ACK, ack: seq + 1 }], decoder).length === 1
  const flood = (from: number, to: number) =>
    decode(
      'turn',
      Array.from({ length: to - from }, (_, i) => synAck(from + i)),
      decoder,
    )
  flood(0, 4096)
  assert.equal(endsHandshake(0), true)
  flood(4096, 8192)
  assert.equal(endsHandshake(1), true)
  flood(8192, 3 * 4096 + 1)
  assert.deepEqual([1, 2, 4000].map(endsHandshake), [false, false, false])
  assert.equal(endsHandshake(3 * 4096), true)
})

test('on loopback, where a packet only comes in, the port tells its way', () => {
  const loopback = { hardwareType: ARPHRD_LOOPBACK, from: '127.0.0.1', to: '127.0.0.1' }
  const frames = [
    { ...TO_US, ...loopback },
    { ...FROM_US, ...loopback },
  ]
  assert.deepEqual(told('turn', frames), ['0 in 127.0.0.1:50000 80 syn 1 0', '1 out 127.0.0.1:50000 80 syn+ack 1 0'])
})

test('who asks another from a port of that number is no client of ours', () => {
  const loopback = { hardwareType: ARPHRD_LOOPBACK, from: '127.0.0.7', to: '127.0.0.1', fromPort: 80, toPort: 50_000 }
  assert.deepEqual(told('turn', [{ ...TO_US, ...loopback }]), [])
  assert.deepEqual(told('turn', [{ ...FROM_US, ...OUT, flags: SYN }]), [])
})

test('a packet that passes a device and the one it lies over is one; one that is sent again is another', () => {
  const frames = [
    { ...TO_US, device: 2, ms: 0 },
    { ...TO_US, device: 3, ms: 0.01 },
    { ...TO_US, device: 4, ms: 0.02 },
    { ...TO_US, device: 2, ms: 1000 },
    { ...TO_US, device: 3, ms: 1000.25 },
    { ...TO_US, device: 2, ms: 1000.5, seq: 2 },
    { ...TO_US, device: 3, ms: 1000.75, fromPort: 50_001, seq: 2 },
    { ...TO_US, device: 3, ms: 1001, flags: RST },
    { ...TO_US, device: 3, ms: 1002, flags: RST },
  ]
  assert.deepEqual(
    decode('turn', frames).map(({ atMs, seq, client }) => [atMs, seq, client.port]),
    [
      [0, 1, 50_000],
      [1000, 1, 50_000],
      [1000.5, 2, 50_000],
      [1000.75, 2, 50_001],
      [1001, 1, 50_000],
      [1002, 1, 50_000],
    ],
  )
})

test('a frame with something else in it is left out', () => {
  for (const strange of [{ protocol: 17 }, { fragment: 1 }]) {
    assert.deepEqual(told('turn', [{ ...TO_US, ...strange }]), [])
    assert.deepEqual(told('ack', [{ ...TO_US, ...strange }]), [])
  }
})
